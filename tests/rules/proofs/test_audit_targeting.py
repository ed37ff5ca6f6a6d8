"""The audit's own eyes: distance, radius, ring and commitment of one member."""

from math import ceil
from typing import Any

import pytest

from merchants.geo import distance_m
from vouchers.rules.audience.commitments import commitments
from vouchers.rules.proofs.audit.targeting import (
    MemberFacts,
    PointFacts,
    RingFacts,
    Wrong,
    judge_member,
)

KEY = b"k" * 32
STORE = (121.4737, 31.2304)
HOME = PointFacts(121.48, 31.25, is_coarse=False)
AWAY = PointFacts(121.60, 31.25, is_coarse=False)
HOME_M = distance_m(*STORE, HOME.longitude_deg, HOME.latitude_deg)
RINGS = [RingFacts("A", 0, 3_000), RingFacts("B", 3_000, 5_000)]


def member(point: PointFacts = HOME, **changes: Any) -> MemberFacts:
    place = (7, point.longitude_deg, point.latitude_deg)
    facts = MemberFacts(
        campaign_id=1,
        issue_id=2,
        resident_id=7,
        point_kind="home",
        distance_m=distance_m(*STORE, point.longitude_deg, point.latitude_deg),
        ring="A",
        commitment=commitments(KEY, 2, "home", [place])[0],
        store_longitude_deg=STORE[0],
        store_latitude_deg=STORE[1],
        radius_m=5_000,
        may_be_beyond=False,
    )
    return facts._replace(**changes)


def wrong(facts: MemberFacts, *points: PointFacts) -> Wrong | None:
    return judge_member(facts, points or (HOME,), RINGS, KEY).wrong


def test_a_member_where_the_run_says_is_right() -> None:
    assert judge_member(member(), [HOME], RINGS, KEY) == (None, HOME_M)


@pytest.mark.parametrize(
    ("off_m", "expected"), [(0.0009, None), (-0.0009, None), (0.0011, Wrong.DISTANCE)]
)
def test_a_distance_may_be_off_by_a_millimetre(off_m: float, expected: Wrong | None) -> None:
    assert wrong(member(distance_m=HOME_M + off_m)) == expected


@pytest.mark.parametrize(
    ("edge_m", "expected"),
    [(ceil(HOME_M), {"A": None, "B": Wrong.RING}), (int(HOME_M), {"A": Wrong.RING, "B": None})],
)
def test_a_ring_ends_with_its_last_metre_and_the_next_begins_after_it(
    edge_m: int, expected: dict[str, Wrong | None]
) -> None:
    rings = [RingFacts("A", 0, edge_m), RingFacts("B", edge_m, 5_000)]
    found = {ring: judge_member(member(ring=ring), [HOME], rings, KEY).wrong for ring in "AB"}
    assert found == expected


def test_at_the_very_store_is_the_innermost_ring() -> None:
    doorstep = PointFacts(*STORE, is_coarse=False)
    assert wrong(member(doorstep), doorstep) is None


def test_beyond_the_radius_is_wrong_unless_a_polygon_reaches_there() -> None:
    assert wrong(member(radius_m=2_000)) == Wrong.RADIUS
    assert wrong(member(AWAY, ring="", may_be_beyond=True), AWAY) is None


def test_a_point_in_another_street_is_wrong_where_the_campaign_stays_within_streets() -> None:
    west, south = HOME.longitude_deg, HOME.latitude_deg
    far, near = ([[x, south - 1], [x + 1, south + 1], [x - 1, south + 1]] for x in (west + 9, west))
    areas = [{"type": "Polygon", "coordinates": [[*ring, ring[0]]]} for ring in (far, near)]
    assert judge_member(member(), [HOME], RINGS, KEY, areas).wrong is None
    assert judge_member(member(), [HOME], RINGS, KEY, areas[:1]).wrong == Wrong.STREET
    assert judge_member(member(), [], RINGS, KEY, areas[:1]).wrong is None


def test_a_store_version_that_is_gone_is_wrong() -> None:
    assert wrong(member(store_longitude_deg=None)) == Wrong.STORE


def test_of_several_points_the_committed_one_is_measured() -> None:
    assert judge_member(member(), [AWAY, HOME], RINGS, KEY).distance_m == HOME_M


def test_an_only_point_that_does_not_open_the_commitment_is_wrong() -> None:
    assert wrong(member(), AWAY) == Wrong.POINT


def test_a_point_that_may_be_gone_leaves_nothing_to_measure() -> None:
    coarse = HOME._replace(latitude_deg=31.2, is_coarse=True)
    for points in ([], [coarse], [AWAY, coarse]):
        assert judge_member(member(), points, RINGS, KEY) == (None, None)
