"""Stores from a file: COPY into a staging table, then upsert by merchant and store number."""

import hashlib
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from django.db import connection, transaction
from django.utils.translation import gettext_noop
from numpy.typing import NDArray

from merchants import staging
from merchants.geo import Datum
from merchants.models import Merchant, Store
from merchants.references import folded
from merchants.services.blocks import DATUMS, Block, Floats
from merchants.services.districts import DistrictBook
from merchants.services.places import convert_places, mark_places, place_warnings
from merchants.services.street_places import hold_boundaries, place_stores
from merchants.services.summaries import REASONS, LoadSummary, RowFault
from merchants.services.tables import encoding_notice, open_table

COLUMNS: Final = ("store_id", "category", "name", "longitude", "latitude")
STORE_REASONS: Final = {
    **REASONS,
    "merchant_unknown": gettext_noop("The row names no brand, and no merchant was given for all."),
}
OUTSIDE_DISTRICT: Final = "outside_district"
DISTRICT_UNKNOWN: Final = "district_unknown"
BRAND_CODE_CHARACTERS: Final = 12


@dataclass(frozen=True, slots=True)
class MerchantName:
    """The merchant that a file's stores are put under."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class _Stores:
    """A block's columns as read; `longitude` and `latitude` are degrees of the row's own datum."""

    external_id: Sequence[str]
    brand: Sequence[str]
    name: Sequence[str]
    category: Sequence[str]
    district: Sequence[str]
    longitude: Floats
    latitude: Floats
    datum: NDArray[np.int8]


def import_stores(
    *,
    path: Path,
    datum: Datum | None,
    at: datetime,
    on_fault: Callable[[RowFault], None],
    merchant: MerchantName | None = None,
    on_progress: Callable[[int], None] = lambda done: None,
) -> LoadSummary:
    """Upsert the stores of a CSV by merchant and `store_id`; a second run changes nothing.

    Columns: store_id, name, category, longitude, latitude; optionally brand, district, datum, which
    overrides the `datum` of the call. All stores go under `merchant`, or one merchant per brand is
    enrolled; two merchants may have stores of one number. A moved store gets a new version of its
    place, valid from `at`. Every block of rows is a transaction. `on_progress` receives the number
    of bytes read. Raises UnreadableFileError.
    """
    summary, seen = LoadSummary(), set[tuple[str, str]]()
    with open_table(path, COLUMNS) as table:
        summary.notices += encoding_notice(table)
        for block in table.blocks():
            if table.is_guessed and not summary.read:
                DistrictBook().check_guess(block.columns.get("district", ()))
            stores = _read(block, datum)
            _mark_faults(block, stores, merchant, seen)
            _load(block, stores, merchant, at, summary)
            sound = block.faults.sound
            block.warnings.update(
                place_warnings(DistrictBook(), stores.longitude, stores.latitude, sound)
            )
            block.report(stores.external_id, STORE_REASONS, on_fault, summary)
            on_progress(table.bytes_read)
    return summary


def merchant_of_brand(brand: str) -> MerchantName:
    """The merchant that stands for a brand; spellings that Unicode deems equal share its code."""
    folded = unicodedata.normalize("NFKC", brand).casefold()
    digest = hashlib.sha256(folded.encode()).hexdigest()
    return MerchantName(f"brand-{digest[:BRAND_CODE_CHARACTERS]}", brand)


def _read(block: Block, datum: Datum | None) -> _Stores:
    blank = [""] * len(block)
    return _Stores(
        external_id=block.ids("store_id", 40),
        brand=block.texts("brand", 80) if "brand" in block else blank,
        name=block.texts("name", 120, required=True),
        category=block.texts("category", 40, required=True),
        district=block.texts("district", 40) if "district" in block else blank,
        longitude=block.numbers("longitude"),
        latitude=block.numbers("latitude"),
        datum=block.datums(datum),
    )


def _mark_faults(
    block: Block, stores: _Stores, merchant: MerchantName | None, seen: set[tuple[str, str]]
) -> None:
    everywhere = np.ones(len(block), dtype=np.bool_)
    mark_places(block.faults, stores.longitude, stores.latitude, stores.datum, everywhere)
    if merchant is None:
        block.faults.mark(np.array([not brand for brand in stores.brand]), "merchant_unknown")
    repeated = np.zeros(len(block), dtype=np.bool_)
    codes = {brand: (merchant or merchant_of_brand(brand)).code for brand in set(stores.brand)}
    for row in np.flatnonzero(block.faults.sound).tolist():
        number = codes[stores.brand[row]], folded(stores.external_id[row])
        repeated[row] = number in seen
        seen.add(number)
    block.faults.mark(repeated, "duplicate_row")


@transaction.atomic
def _load(
    block: Block, stores: _Stores, merchant: MerchantName | None, at: datetime, summary: LoadSummary
) -> None:
    sound = np.flatnonzero(block.faults.sound)
    brands = {stores.brand[row] for row in sound.tolist()}
    hold_boundaries()
    ids = _merchant_ids(brands, merchant, at)
    staged = list(_staged(stores, sound, ids, summary))
    with connection.cursor() as cursor:
        cursor.execute(staging.STAGE_STORES)
        with cursor.copy(staging.COPY_STORES) as copy:
            for values in staged:
                copy.write_row(values)
        cursor.execute(staging.UPSERT_STORES)
        cursor.execute(staging.ADD_STORE_LOCATIONS, {"at": at})
        cursor.execute(staging.COUNT_STAGED_STORES)
        new, changed, unchanged, outside = cursor.fetchone()
    place_stores(Store.objects.filter(merchant__in=set(ids.values())))
    summary.read += len(block)
    summary.new += new
    summary.changed += changed
    summary.unchanged += unchanged
    summary.refused += len(block) - new - changed - unchanged
    if outside:
        summary.warnings[OUTSIDE_DISTRICT] += outside


def _merchant_ids(brands: set[str], merchant: MerchantName | None, at: datetime) -> dict[str, int]:
    """Merchant id by brand; who is not yet on file is enrolled."""
    named = {brand: merchant or merchant_of_brand(brand) for brand in sorted(brands)}
    Merchant.objects.bulk_create(
        [
            Merchant(code=one.code, name=one.name, created_at=at)
            for one in {one.code: one for one in named.values()}.values()
        ],
        ignore_conflicts=True,
    )
    codes = {one.code for one in named.values()}
    ids = dict(Merchant.objects.filter(code__in=codes).values_list("code", "pk"))
    return {brand: ids[one.code] for brand, one in named.items()}


def _staged(
    stores: _Stores, sound: NDArray[np.intp], ids: dict[str, int], summary: LoadSummary
) -> Iterator[tuple[Any, ...]]:
    """One tuple per sound row, in the order of COPY_STORES."""
    raw_lon, raw_lat, datum = stores.longitude[sound], stores.latitude[sound], stores.datum[sound]
    lon, lat = convert_places(raw_lon, raw_lat, datum)
    districts = DistrictBook()
    names = [stores.district[row] for row in sound.tolist()]
    adcodes = districts.adcodes(names)
    unknown = sum(bool(name) and code is None for name, code in zip(names, adcodes, strict=True))
    if unknown:
        summary.warnings[DISTRICT_UNKNOWN] += unknown
    outside = districts.outside(adcodes, lon, lat)
    for place, row in enumerate(sound.tolist()):
        brand = stores.brand[row]
        yield (
            row,
            stores.external_id[row],
            ids[brand],
            stores.name[row],
            brand,
            stores.category[row],
            adcodes[place],
            float(lon[place]),
            float(lat[place]),
            DATUMS[datum[place]].value,
            float(raw_lon[place]),
            float(raw_lat[place]),
            outside[place],
        )
