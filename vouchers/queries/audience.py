"""Where a campaign reaches: its stores with their circles, its areas, districts and streets."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from django.db.models import Q

from merchants.models import District, State, Store, StoreLocation, Street
from vouchers.models import Campaign, CampaignStore, Geofence
from vouchers.queries.roles import CITY, Area


class StoreOnMap(msgspec.Struct, frozen=True):
    """A participating store as it lies now. Degrees are WGS-84."""

    id: int
    name: str
    merchant: str
    district: str
    longitude_deg: float
    latitude_deg: float
    radius_m: int
    # None: the district is not stated or has no boundary on file.
    is_outside_district: bool | None


class Shape(msgspec.Struct, frozen=True):
    """A named GeoJSON geometry, WGS-84."""

    id: int
    name: str
    geometry: Mapping[str, Any]


class CampaignMap(msgspec.Struct, frozen=True):
    """Everything a map of a campaign draws. `rings_m` are the inner ends of its distance rings."""

    stores: list[StoreOnMap]
    districts: list[Shape]
    streets: list[Shape]
    polygons: list[Shape]
    # The streets that the campaign stays within, as its terms have them.
    within: list[Shape]
    rings_m: list[int]


def radii_m(campaign: Campaign, at: datetime) -> dict[int, int]:
    """By id of the open stores that take part at `at`, their radius."""
    rows = CampaignStore.objects.filter(
        Q(valid_until_at__isnull=True) | Q(valid_until_at__gt=at),
        campaign=campaign,
        valid_from_at__lte=at,
        store__state=State.ACTIVE,
        store__merchant__state=State.ACTIVE,
    )
    pairs = rows.values_list("store_id", "radius_m")
    return {store_id: radius_m or campaign.radius_m for store_id, radius_m in pairs}


def locations(store_ids: Iterable[int], at: datetime) -> list[StoreLocation]:
    """The location version of each store in force at `at`, in order of store."""
    known = StoreLocation.objects.filter(store_id__in=list(store_ids), valid_from_at__lte=at)
    newest = known.order_by("store_id", "-valid_from_at", "-version").distinct("store_id")
    return list(newest.select_related("store__merchant", "store__district"))


def map_of(campaign: Campaign, *, area: Area = CITY, at: datetime) -> CampaignMap:
    """The campaign's places at `at`, those of its stores that lie in an area, and all districts and
    streets that have a boundary."""
    radius_of = radii_m(campaign, at)
    if not area.is_city:
        inside = area.shown(Store.objects.filter(pk__in=radius_of)).values_list("pk", flat=True)
        radius_of = {store_id: radius_of[store_id] for store_id in inside}
    drawn = District.objects.exclude(boundary=None)
    fences = campaign.geofences.order_by("id").select_related("street__district")
    polygons = fences.filter(kind=Geofence.Kind.INCLUDE_POLYGON)
    within = fences.filter(kind=Geofence.Kind.WITHIN_STREET)
    rings = campaign.rings.exclude(from_m=0).order_by("from_m")
    return CampaignMap(
        stores=[_on_map(place, radius_of) for place in locations(radius_of, at)],
        districts=[Shape(row.pk, row.name, row.boundary) for row in drawn if row.boundary],
        streets=[
            Shape(row.pk, str(row), row.boundary)
            for row in Street.objects.select_related("district")
        ],
        polygons=[
            Shape(row.pk, str(number), row.geometry)
            for number, row in enumerate(polygons, start=1)
            if row.geometry
        ],
        within=[Shape(row.pk, str(row.street), row.geometry) for row in within if row.geometry],
        rings_m=list(rings.values_list("from_m", flat=True)),
    )


def _on_map(place: StoreLocation, radius_of: dict[int, int]) -> StoreOnMap:
    store = place.store
    return StoreOnMap(
        id=store.pk,
        name=store.name,
        merchant=store.merchant.name,
        district=store.district.name if store.district else "",
        longitude_deg=place.longitude_deg,
        latitude_deg=place.latitude_deg,
        radius_m=radius_of[store.pk],
        is_outside_district=place.outside_district,
    )
