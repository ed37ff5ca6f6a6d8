"""Residents from a CSV: its blocks as columns, its faults by line."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
from django.utils.translation import gettext_noop
from numpy.typing import NDArray

from merchants.geo import Datum
from merchants.services import DistrictBook
from merchants.services.blocks import Block, Faults
from merchants.services.places import place_warnings
from merchants.services.summaries import REASONS, LoadSummary, RowFault
from merchants.services.tables import encoding_notice, open_table
from vouchers.models import ResidentPoint
from vouchers.services.residents import identity
from vouchers.services.residents.columns import (
    DISTRICT_UNKNOWN,
    MAX_ID_CHARACTERS,
    Integers,
    PointColumns,
    ResidentColumns,
)
from vouchers.services.residents.load import ResidentLoader

RESIDENT_REASONS: Final[Mapping[str, str]] = {
    **REASONS,
    "external_id_malformed": gettext_noop(
        "A resident needs a number of 1 to 64 printable signs of ASCII."
    ),
    "national_id_invalid": gettext_noop("The national id number fails its check character."),
    "phone_invalid": gettext_noop(
        "The phone number is not valid. Numbers outside the mainland need + and a country code."
    ),
    "identity_taken": gettext_noop("Another resident has this national id number."),
    "identity_changed": gettext_noop(
        "The resident is on file with another national id number; identities are not exchanged."
    ),
    "resident_erased": gettext_noop("The resident had their data erased."),
}
MIN_BIRTH_YEAR: Final = 1880
MAX_SHORT: Final = 32_767
MAX_TAGS: Final = 2**63 - 1


def import_residents(
    *,
    path: Path,
    datum: Datum | None,
    at: datetime,
    on_fault: Callable[[RowFault], None],
    keep_originals: bool = False,
    on_progress: Callable[[int], None] = lambda done: None,
) -> LoadSummary:
    """Upsert the residents of a CSV by `external_id`; a second run changes nothing.

    Only external_id is required. Other columns: birth_year, district (name or adcode), street,
    {home,work,recent}_longitude and _latitude, datum (overrides the `datum` of the call),
    consent_targeting (version of the text agreed to), tags (a number of 63 bits), is_registered,
    has_residence_permit, need_score, national_id, phone. A column that is absent leaves what is on
    file; an empty place or consent does too. `on_progress` receives the number of bytes read.
    Raises UnreadableFileError.
    """
    with open_table(path, ("external_id",)) as table:
        districts = DistrictBook()
        with ResidentLoader(at=at, keep_originals=keep_originals) as loader:
            loader.summary.notices += encoding_notice(table)
            for block in table.blocks():
                if table.is_guessed and not loader.summary.read:
                    districts.check_guess(block.columns.get("district", ()))
                rows = _read(block, datum, at, districts, loader.summary)
                loader.put(
                    rows, block.faults, _reporter(block, rows, districts, on_fault, loader.summary)
                )
                on_progress(table.bytes_read)
    return loader.summary


def _read(
    block: Block,
    datum: Datum | None,
    at: datetime,
    districts: DistrictBook,
    summary: LoadSummary,
) -> ResidentColumns:
    return ResidentColumns(
        external_id=block.ids("external_id", MAX_ID_CHARACTERS),
        points=_points(block, datum),
        birth_year=_integers(block, "birth_year", MIN_BIRTH_YEAR, at.year, 0),
        district=_districts(block, districts, summary),
        street=_texts(block, "street", 40),
        is_registered=_booleans(block, "is_registered"),
        has_residence_permit=_booleans(block, "has_residence_permit"),
        need_score=_integers(block, "need_score", -MAX_SHORT, MAX_SHORT, 0),
        tags=_integers(block, "tags", 0, MAX_TAGS, 0),
        consent_targeting=_texts(block, "consent_targeting", 20),
        national_id=_normalised(block, "national_id", identity.normalised_national_id),
        phone=block.columns.get("phone"),
    )


def _points(block: Block, datum: Datum | None) -> dict[str, PointColumns]:
    datums: NDArray[np.int8] = block.datums(datum)
    points = {}
    for kind in ResidentPoint.Kind.values:
        given = [f"{kind}_{axis}" in block for axis in ("longitude", "latitude")]
        if all(given):
            longitude = block.numbers(f"{kind}_longitude")
            latitude = block.numbers(f"{kind}_latitude")
            points[kind] = PointColumns(longitude, latitude, datums)
    return points


def _integers(block: Block, name: str, low: int, high: int, empty: int) -> Integers | None:
    return block.integers(name, low, high, empty=empty) if name in block else None


def _booleans(block: Block, name: str) -> Integers | None:
    return block.booleans(name) if name in block else None


def _texts(block: Block, name: str, max_length: int) -> list[str] | None:
    return block.texts(name, max_length) if name in block else None


def _normalised(block: Block, name: str, normalise: Callable[[str], str]) -> list[str] | None:
    return [normalise(cell) for cell in block.columns[name]] if name in block else None


def _districts(block: Block, districts: DistrictBook, summary: LoadSummary) -> Integers | None:
    """Adcodes; 0 for a name that is not on file, which is counted as a warning."""
    names = _texts(block, "district", 40)
    if names is None:
        return None
    adcodes = districts.adcodes(names)
    unknown = sum(bool(name) and code is None for name, code in zip(names, adcodes, strict=True))
    if unknown:
        summary.warnings[DISTRICT_UNKNOWN] += unknown
    return np.array([code or 0 for code in adcodes], dtype=np.int32)


def _reporter(
    block: Block,
    rows: ResidentColumns,
    districts: DistrictBook,
    on_fault: Callable[[RowFault], None],
    summary: LoadSummary,
) -> Callable[[Faults], None]:
    def report(faults: Faults) -> None:
        for point in rows.points.values():
            block.warnings.update(
                place_warnings(districts, point.longitude, point.latitude, faults.sound)
            )
        block.report(rows.external_id, RESIDENT_REASONS, on_fault, summary)

    return report
