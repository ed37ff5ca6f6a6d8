"""Districts, merchants, stores and terminals enrolled one by one, as the admin does it."""

from datetime import datetime

from django.db import IntegrityError, transaction

from merchants.errors import Refused
from merchants.geo import Datum
from merchants.models import District, Merchant, Store, StoreLocation, Terminal
from merchants.services.districts import district_fault, is_outside
from merchants.services.places import convert_place
from merchants.services.street_places import hold_boundaries, street_at


def enrol_district(*, adcode: int, name: str, population: int | None = None) -> District:
    """A new district, without its boundary, which an import adds.

    Refused: `already_exists` (the adcode is on file), `name_taken`, and as `district_fault` says.
    """
    if fault := district_fault(str(adcode), name, population):
        raise Refused(fault)
    try:
        district, is_new = District.objects.get_or_create(
            adcode=adcode, defaults={"name": name, "population": population}
        )
    except IntegrityError as error:
        raise Refused("name_taken") from error
    if not is_new:
        raise Refused("already_exists", number=str(adcode))
    return district


@transaction.atomic
def enrol_merchant(
    *, code: str, name: str, at: datetime, credit_code: str = "", is_test: bool = False
) -> Merchant:
    """A new merchant; Refused `already_exists` if the code is taken, or `number_malformed`."""
    _check_number(code)
    merchant, is_new = Merchant.objects.get_or_create(
        code=code,
        defaults={"name": name, "credit_code": credit_code, "is_test": is_test, "created_at": at},
    )
    if not is_new:
        raise Refused("already_exists", number=code)
    return merchant


@transaction.atomic
def open_store(
    *,
    merchant: Merchant,
    external_id: str,
    name: str,
    category: str,
    longitude: float,
    latitude: float,
    datum: Datum,
    at: datetime,
    brand: str = "",
    district: District | None = None,
) -> Store:
    """A new store with the first version of its place, in degrees of `datum`.

    Refused: `already_exists` (another store of the merchant has the number), `number_malformed`,
    `coordinates_invalid`.
    """
    _check_number(external_id)
    hold_boundaries()
    store, is_new = Store.objects.get_or_create(
        merchant=merchant,
        external_id__iexact=external_id,
        defaults={
            "external_id": external_id,
            "name": name,
            "brand": brand,
            "category": category,
            "district": district,
        },
    )
    if not is_new:
        raise Refused("already_exists", number=external_id)
    _locate(store, 1, longitude, latitude, datum, at)
    return store


@transaction.atomic
def move_store(
    *, store: Store, longitude: float, latitude: float, datum: Datum, at: datetime
) -> StoreLocation:
    """The store's place from `at` on: a new version, or the current one if it is equal.

    Refused: `coordinates_invalid`.
    """
    hold_boundaries()
    store = Store.objects.select_for_update(no_key=True).get(pk=store.pk)
    current = store.locations.order_by("-version").first()
    given = (longitude, latitude, datum.value)
    if current and (current.raw_longitude, current.raw_latitude, current.datum) == given:
        return current
    version = current.version + 1 if current else 1
    return _locate(store, version, longitude, latitude, datum, at)


@transaction.atomic
def enrol_terminal(*, store: Store, code: str) -> Terminal:
    """A till device of a store.

    Refused: `already_exists` (the store has one of that number), `number_malformed`.
    """
    _check_number(code)
    terminal, is_new = Terminal.objects.get_or_create(store=store, code=code)
    if not is_new:
        raise Refused("already_exists", number=code)
    return terminal


def _check_number(number: str) -> None:
    """Printable ASCII without outer blanks, so that no two numbers look the same."""
    is_plain = number.isascii() and number.isprintable() and number == number.strip()
    if not number or not is_plain:
        raise Refused("number_malformed", number=number)


def _locate(
    store: Store, version: int, longitude: float, latitude: float, datum: Datum, at: datetime
) -> StoreLocation:
    lon, lat = convert_place(longitude, latitude, datum)
    street = street_at(store.district_id, lon, lat)
    if store.street_id != street:
        store.street_id = street
        store.save(update_fields=["street"])
    return StoreLocation.objects.create(
        store=store,
        version=version,
        valid_from_at=at,
        longitude_deg=lon,
        latitude_deg=lat,
        datum=datum.value,
        raw_longitude=longitude,
        raw_latitude=latitude,
        outside_district=is_outside(store.district, lon, lat),
    )
