"""The audience of a run as chosen residents, with the evidence that targeting writes."""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings

from merchants.geo import distance_m
from merchants.models import StoreLocation
from vouchers.models import AudienceMember, Resident, ResidentPoint, Ring, Run
from vouchers.rules.audience.commitments import commitments

Place = tuple[str, float, float]
"""Kind of point, longitude and latitude in WGS-84 degrees."""


def write_audience(run: Run, residents: Sequence[Resident], *, at: datetime) -> dict[int, int]:
    """Write a member for each resident; returns the store each was reached by, by resident id.

    The facts are true ones: a current point, the nearest store of the campaign, the distance. Who
    has no point on file stands in a store.
    """
    stores = _store_locations(run, at)
    homes = _points(residents)
    rings = list(run.campaign.rings.order_by("from_m"))
    members, store_ids = [], {}
    for resident in {resident.pk: resident for resident in residents}.values():
        kind, lon, lat = homes.get(resident.pk) or (
            ResidentPoint.Kind.HOME.value,
            stores[0].longitude_deg,
            stores[0].latitude_deg,
        )
        near_m, store = min(
            ((distance_m(it.longitude_deg, it.latitude_deg, lon, lat), it) for it in stores),
            key=lambda found: found[0],
        )
        (commitment,) = commitments(
            settings.HUIMIN_PII_KEY, run.pk, kind, [(resident.pk, lon, lat)]
        )
        store_ids[resident.pk] = store.store_id
        members.append(
            AudienceMember(
                run_id=run.pk,
                bucket=resident.bucket,
                resident_id=resident.pk,
                point_kind=kind,
                store_location_id=store.pk,
                distance_m=near_m,
                ring=_ring_of(near_m, rings),
                commitment=commitment,
            )
        )
    AudienceMember.objects.bulk_create(members)
    return store_ids


def _store_locations(run: Run, at: datetime) -> list[StoreLocation]:
    """Where each store of the campaign stands."""
    known = StoreLocation.objects.filter(
        store__in=run.campaign.participations.values("store"), valid_from_at__lte=at
    )
    return list(known.order_by("store_id", "-valid_from_at", "-version").distinct("store_id"))


def _points(residents: Sequence[Resident]) -> dict[int, Place]:
    """A current point of each resident that has one: the home before others."""
    rows = ResidentPoint.objects.filter(
        resident__in={resident.pk for resident in residents}, superseded_at=None
    ).order_by("resident_id", "kind")
    found: dict[int, Place] = {}
    for point in rows:
        place = point.kind, point.longitude_deg, point.latitude_deg
        found.setdefault(point.resident_id, place)
    return found


def _ring_of(near_m: float, rings: Sequence[Ring]) -> str:
    return next((ring.label for ring in rings if near_m <= ring.to_m), "")
