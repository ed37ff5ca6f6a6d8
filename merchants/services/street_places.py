"""Which street a store lies in: the one of its stated district whose boundary holds its place.

It is worked out where a store is opened, moved, edited or imported, and where a street's boundary
comes or changes, in the transaction of that change; the history of the set-up keeps each change.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from django.db import connection
from django.db.models import QuerySet

from merchants.geo import NO_AREA, containing
from merchants.models import Store, StoreLocation, Street
from merchants.services.blocks import Floats

_BOUNDARIES: Final = 0x68_6D_73_74
"""Advisory key of the boundaries of streets."""


def hold_boundaries() -> None:
    """Keep the boundaries of streets as they are until the end of the transaction.

    Called before any row is locked or read by which a store's street is worked out.
    """
    _lock("pg_advisory_xact_lock_shared")


def hold_boundaries_to_change_them() -> None:
    """Wait until no transaction is working out streets, and keep others from beginning."""
    _lock("pg_advisory_xact_lock")


class StreetBook:
    """The streets of some districts, with their boundaries."""

    def __init__(self, adcodes: Iterable[int | None]) -> None:
        self._streets: dict[int, list[Street]] = {}
        known = {adcode for adcode in adcodes if adcode is not None}
        for street in Street.objects.filter(district__in=known).order_by("code"):
            self._streets.setdefault(street.district_id, []).append(street)

    def codes(
        self, adcodes: Sequence[int | None], longitude_deg: Floats, latitude_deg: Floats
    ) -> list[int | None]:
        """The street of each WGS-84 point within its district; None where no boundary holds it, and
        the smallest code where several do."""
        found: list[int | None] = [None] * len(adcodes)
        for adcode, streets in self._streets.items():
            rows = [row for row, other in enumerate(adcodes) if other == adcode]
            boundaries = [street.boundary for street in streets]
            positions = containing(boundaries, longitude_deg[rows], latitude_deg[rows])
            for row, position in zip(rows, positions.tolist(), strict=True):
                found[row] = None if position == NO_AREA else streets[position].code
        return found


def street_at(adcode: int | None, longitude_deg: float, latitude_deg: float) -> int | None:
    """The street of one WGS-84 point within a district."""
    point = np.array([longitude_deg]), np.array([latitude_deg])
    return StreetBook([adcode]).codes([adcode], *point)[0]


def street_of_store(store: Store, adcode: int | None) -> int | None:
    """The street in which a store's newest place lies if the store is in that district."""
    place = store.locations.order_by("-version").first()
    return None if place is None else street_at(adcode, place.longitude_deg, place.latitude_deg)


def place_stores(stores: QuerySet[Store]) -> None:
    """Work out the streets of stores again."""
    newest = StoreLocation.objects.filter(store__in=stores).order_by("store_id", "-version")
    places = list(newest.distinct("store_id").select_related("store"))
    adcodes = [place.store.district_id for place in places]
    codes = StreetBook(adcodes).codes(
        adcodes,
        np.array([place.longitude_deg for place in places]),
        np.array([place.latitude_deg for place in places]),
    )
    moved = []
    for place, code in zip(places, codes, strict=True):
        if place.store.street_id != code:
            place.store.street_id = code
            moved.append(place.store)
    Store.objects.bulk_update(moved, ["street"])


def _lock(function: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [_BOUNDARIES])
