"""Where vouchers are used and refused: by district and, within one, by street and store."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple, Self

from django.db.models import Avg, Count, QuerySet, Sum

from merchants.models import District, Store, StoreLocation, Street
from vouchers.models import Attempt, Redemption
from vouchers.queries.audience import locations
from vouchers.queries.roles import Area

STORES_DRAWN: Final = 2_000
"""Of one district, those on file longest."""


class Use(NamedTuple):
    """Vouchers used with their money in fen, and attempts refused."""

    vouchers: int = 0
    discount_fen: int = 0
    refused: int = 0

    def plus(self, other: Self) -> "Use":
        """Both together."""
        return Use(*(one + two for one, two in zip(self, other, strict=True)))


class Place(NamedTuple):
    """A district, street or store with what was used there; `number` is None for what lies in none
    that is on file, and `name` then empty."""

    number: int | None
    name: str
    use: Use


class Point(NamedTuple):
    """Where a store lies, or a district for a map that has no boundary of it; WGS-84 degrees."""

    number: int
    name: str
    longitude_deg: float
    latitude_deg: float


@dataclass(frozen=True, slots=True)
class DistrictUse:
    """One district: its streets and its stores, and what was used in each; most used first."""

    district: District
    streets: Sequence[Place]
    stores: Sequence[Place]


def districts_of(
    districts: QuerySet[District], *, used: QuerySet[Redemption], refused: QuerySet[Attempt]
) -> list[Place]:
    """These districts, and one line for stores without a district if any was used; most used
    first, those alike in the order of their codes.

    Sandbox merchants are left out of what was refused, as `used` has to leave them out already.
    """
    sums: dict[int | None, Use] = defaultdict(Use)
    for row in _counted(used, "store__district"):
        sums[row["store__district"]] = Use(row["vouchers"], row["fen"])
    by_store = _refused_by_store(refused)
    at = Store.objects.filter(pk__in=by_store, merchant__is_test=False)
    for store_id, district_id in at.values_list("pk", "district_id"):
        sums[district_id] = sums[district_id].plus(Use(refused=by_store[store_id]))
    found = [
        Place(adcode, name, sums.pop(adcode, Use()))
        for adcode, name in districts.order_by("adcode").values_list("adcode", "name")
    ]
    if None in sums:
        found.append(Place(None, "", sums[None]))
    return _ranked(found)


def district_use(
    district: District,
    *,
    area: Area,
    used: QuerySet[Redemption],
    refused: QuerySet[Attempt],
) -> DistrictUse:
    """What was used and refused in those of a district's streets and stores that an area shows."""
    stores = {store.pk: store for store in _stores(district, area)}
    uses: dict[int, Use] = defaultdict(Use)
    for row in _counted(used.filter(store__in=_stores(district, area)), "store_id"):
        uses[row["store_id"]] = Use(row["vouchers"], row["fen"])
    for store_id, count in _refused_by_store(refused.filter(store_id__in=stores)).items():
        uses[store_id] = uses[store_id].plus(Use(refused=count))
    sums: dict[int | None, Use] = defaultdict(Use)
    for store_id, use in uses.items():
        code = stores[store_id].street_id
        sums[code] = sums[code].plus(use)
    found = [
        Place(code, name, sums.pop(code, Use()))
        for code, name in streets_of(district, area).values_list("code", "name")
    ]
    if None in sums:
        found.append(Place(None, "", sums[None]))
    return DistrictUse(
        district=district,
        streets=_ranked(found),
        stores=_ranked(
            Place(store_id, stores[store_id].name, use) for store_id, use in uses.items()
        ),
    )


def streets_of(district: District, area: Area) -> QuerySet[Street]:
    """Those of a district's streets that an area shows."""
    shown: QuerySet[Street] = area.shown(Street.objects.filter(district=district))
    return shown.order_by("code")


def stores_drawn(district: District, *, area: Area, at: datetime) -> list[Point]:
    """Where those of a district's stores lie that an area shows, at most `STORES_DRAWN`."""
    ids = _stores(district, area).order_by("pk").values_list("pk", flat=True)
    return [
        Point(row.store_id, row.store.name, row.longitude_deg, row.latitude_deg)
        for row in locations(ids[:STORES_DRAWN], at)
    ]


def middles(districts: QuerySet[District], *, area: Area) -> list[Point]:
    """Where the stores of each of these districts that an area shows lie on the average; without
    districts that have none."""
    places: QuerySet[StoreLocation] = area.shown(StoreLocation.objects.all())
    rows = places.filter(store__district__in=districts, store__merchant__is_test=False)
    found = rows.order_by("store__district").values_list("store__district", "store__district__name")
    sums = found.annotate(Avg("longitude_deg"), Avg("latitude_deg"))
    return [Point(*row) for row in sums]


def _stores(district: District, area: Area) -> QuerySet[Store]:
    shown: QuerySet[Store] = area.shown(Store.objects.all())
    return shown.filter(district=district, merchant__is_test=False)


def _counted(used: QuerySet[Redemption], by: str) -> Any:
    rows = used.order_by().values(by)
    return rows.annotate(vouchers=Count("id"), fen=Sum("discount_fen"))


def _refused_by_store(refused: QuerySet[Attempt]) -> dict[int, int]:
    rows: Any = refused.exclude(store_id=None).order_by().values("store_id")
    return dict(rows.annotate(count=Count("id")).values_list("store_id", "count"))


def _ranked(places: Iterable[Place]) -> list[Place]:
    return sorted(places, key=lambda place: (-place.use.vouchers, -place.use.refused))
