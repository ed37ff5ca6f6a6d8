"""Audience members and claimants measured again: by geodesic distance, not by the index.

A run stored a commitment to the point it used, and so did a claim; the point on file that matches
it is measured. Positions sent with claims are kept nowhere: of those only radius and ring can be
judged, by the distance that was stored.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

from merchants.geo import contains, distance_m
from vouchers.rules.audience.commitments import commitments

TOLERANCE_M: Final = 0.001


class RingFacts(NamedTuple):
    """A distance ring of the campaign, in metres."""

    label: str
    from_m: int
    to_m: int


class PointFacts(NamedTuple):
    """A point of the member on file, current or superseded, in WGS-84 degrees."""

    longitude_deg: float
    latitude_deg: float
    is_coarse: bool


class MemberFacts(NamedTuple):
    """What a run stored about a member, or a claim about its resident, and the store version it
    names (None: there is none)."""

    campaign_id: int
    # A run; of a claim its tranche, as a negative number.
    issue_id: int
    resident_id: int
    point_kind: str
    distance_m: float
    ring: str
    commitment: bytes
    store_longitude_deg: float | None
    store_latitude_deg: float | None
    radius_m: int
    # Polygons reach beyond the stores' circles, so only distance and ring can be wrong there.
    may_be_beyond: bool


class Wrong(StrEnum):
    """What can be wrong with a member."""

    STORE = "the store version"
    POINT = "the point it was committed to"
    DISTANCE = "the distance"
    RADIUS = "outside the radius"
    RING = "the ring"
    STREET = "outside the streets of the terms"


class Measured(NamedTuple):
    """The outcome for one member; no distance where the point used is no longer on file."""

    wrong: Wrong | None
    distance_m: float | None


def judge_member(
    member: MemberFacts,
    points: Sequence[PointFacts],
    rings: Sequence[RingFacts],
    key: bytes,
    streets: Sequence[Mapping[str, Any]] = (),
) -> Measured:
    """Measure a member again and compare distance (to a millimetre), radius, ring and, where the
    campaign stays within streets (GeoJSON), whether the point lies in one.

    A member whose only point of that kind was never moved nor coarsened must open the commitment;
    otherwise the point used may be gone, and only the stored distance can be judged.
    """
    store_lon, store_lat = member.store_longitude_deg, member.store_latitude_deg
    if store_lon is None or store_lat is None:
        return Measured(Wrong.STORE, None)
    point = _committed(member, points, key)
    if point is None:
        is_only = len(points) == 1 and not points[0].is_coarse
        return Measured(Wrong.POINT if is_only else _beyond(member, rings), None)
    measured_m = distance_m(store_lon, store_lat, point.longitude_deg, point.latitude_deg)
    wrong = _wrong(member, measured_m, rings)
    if wrong is None and streets and not _is_in(streets, point):
        wrong = Wrong.STREET
    return Measured(wrong, measured_m)


def _is_in(areas: Sequence[Mapping[str, Any]], point: PointFacts) -> bool:
    return any(contains(area, point.longitude_deg, point.latitude_deg)[0] for area in areas)


def _committed(member: MemberFacts, points: Sequence[PointFacts], key: bytes) -> PointFacts | None:
    places = [(member.resident_id, point.longitude_deg, point.latitude_deg) for point in points]
    opened = commitments(key, member.issue_id, member.point_kind, places)
    for point, commitment in zip(points, opened, strict=True):
        if commitment == member.commitment:
            return point
    return None


def _wrong(member: MemberFacts, measured_m: float, rings: Sequence[RingFacts]) -> Wrong | None:
    if abs(measured_m - member.distance_m) > TOLERANCE_M:
        return Wrong.DISTANCE
    return _beyond(member, rings)


def _beyond(member: MemberFacts, rings: Sequence[RingFacts]) -> Wrong | None:
    """Edges are judged on the stored distance: it may be a millimetre off the measured one."""
    if member.distance_m > member.radius_m and not member.may_be_beyond:
        return Wrong.RADIUS
    if rings and member.ring != _ring_of(member.distance_m, rings):
        return Wrong.RING
    return None


def _ring_of(at_m: float, rings: Sequence[RingFacts]) -> str:
    """The innermost ring takes distance zero; beyond the last there is none."""
    inner_m = min(ring.from_m for ring in rings)
    for ring in rings:
        if ring.from_m < at_m <= ring.to_m or at_m == inner_m == ring.from_m:
            return ring.label
    return ""
