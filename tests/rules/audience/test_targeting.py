"""Rings, and the explanation given to one resident."""

import numpy as np
import pytest
from geopy.distance import geodesic

from merchants.geo import CoordinateFault, distance_m
from vouchers.rules.audience.store_cover import NO_STORE, StoreCircles, StoreCover
from vouchers.rules.audience.targeting import NO_RING, InvalidRingsError, Rings, explain, place

RINGS = Rings.of([("A", 0, 3_000), ("B", 3_000, 5_000)])
STORE = (121.5, 31.22)


def metres_east(metres: float) -> tuple[float, float]:
    point = geodesic(meters=metres).destination(STORE[::-1], 90)
    return point.longitude, point.latitude


def test_a_ring_ends_with_its_outer_edge_and_the_inmost_begins_with_zero() -> None:
    metres = np.array([0.0, 3_000.0, np.nextafter(3_000.0, 4_000.0), 5_000.0, 5_000.1, np.inf])
    assert RINGS.positions(metres).tolist() == [0, 0, 1, 1, NO_RING, NO_RING]
    assert [RINGS.label(m) for m in metres.tolist()] == ["A", "A", "B", "B", None, None]


def test_rings_may_leave_gaps_and_know_all_their_edges() -> None:
    rings = Rings.of([("near", 100, 1_000), ("far", 2_000, 3_000)])
    assert rings.positions(np.array([100.0, 100.5, 1_500.0, 2_500.0])).tolist() == [-1, 0, -1, 1]
    assert rings.edges_m == (100, 1_000, 2_000, 3_000)


@pytest.mark.parametrize(
    "edges",
    [
        [("A", 0, 3_000), ("B", 2_999, 5_000)],
        [("B", 3_000, 5_000), ("A", 0, 3_000)],
        [("A", 3_000, 3_000)],
        [("A", -1, 3_000)],
        [("A", 0, float("inf"))],
        [("A", 0, float("nan"))],
        [("A", 0, 3_000), ("A", 3_000, 5_000)],
    ],
)
def test_rings_that_would_be_ambiguous_are_refused(edges: list[tuple[str, float, float]]) -> None:
    with pytest.raises(InvalidRingsError):
        Rings.of(edges)


def test_a_ring_edge_at_exactly_the_distance_is_inside_the_inner_ring() -> None:
    cover = StoreCover.build([STORE[0]], [STORE[1]], [5_000.0])
    for point in np.random.default_rng(5).uniform((121.47, 31.2), (121.53, 31.24), (40, 2)):
        exact = distance_m(*STORE, *point)
        for edge, expected in (
            (exact, 0),
            (np.nextafter(exact, np.inf), 0),
            (np.nextafter(exact, 0.0), 1),
        ):
            rings = Rings.of([("A", 0, edge), ("B", edge, 5_000)])
            assert place(cover, rings, [point[0]], [point[1]]).ring.tolist() == [expected]


def test_placing_and_explaining_agree_everywhere() -> None:
    rng = np.random.default_rng(6)
    stores = rng.uniform((121.4, 31.15), (121.55, 31.3), (15, 2))
    circles = StoreCircles.of(stores[:, 0], stores[:, 1], rng.uniform(1_000, 5_500, 15))
    points = rng.uniform((121.3, 31.05), (121.65, 31.4), (400, 2))
    placed = place(StoreCover.of(circles), RINGS, points[:, 0], points[:, 1])
    assert 50 < (placed.ring == NO_RING).sum() < 350
    for at, (lon, lat) in enumerate(points.tolist()):
        explained = explain(lon, lat, circles, RINGS)
        assert explained.inside == (placed.nearest.store_index[at] != NO_STORE)
        assert explained.ring == (None if placed.ring[at] == NO_RING else "AB"[placed.ring[at]])
        if explained.inside:
            assert explained.deciding_store == placed.nearest.store_index[at]
            assert explained.distance_m == pytest.approx(placed.nearest.distance_m[at], abs=1e-4)


def test_someone_inside_hears_store_distance_and_ring() -> None:
    circles = StoreCircles.of([STORE[0]], [STORE[1]], [5_000.0])
    explained = explain(*metres_east(1_812), circles, RINGS)
    assert (
        explained.nearest_store,
        explained.deciding_store,
        explained.inside,
        explained.ring,
    ) == (0, 0, True, "A")
    assert explained.distance_m == explained.nearest_m == pytest.approx(1_812)
    assert explained.outside_m == 0
    assert explained.fault is None


def test_someone_outside_hears_by_how_many_metres() -> None:
    circles = StoreCircles.of([STORE[0]], [STORE[1]], [5_000.0])
    explained = explain(*metres_east(5_412), circles, RINGS)
    assert (explained.inside, explained.ring) == (False, None)
    assert explained.outside_m == pytest.approx(412)


def test_the_deciding_store_need_not_be_the_nearest() -> None:
    small, large = metres_east(6_000), STORE
    circles = StoreCircles.of([small[0], large[0]], [small[1], large[1]], [500.0, 5_000.0])
    inside = explain(*metres_east(4_000), circles, RINGS)
    assert (inside.nearest_store, inside.deciding_store, inside.ring) == (0, 1, "B")
    outside = explain(*metres_east(5_200), circles, RINGS)
    assert (outside.nearest_store, outside.deciding_store) == (0, 1)
    assert outside.outside_m == pytest.approx(200)


def test_stores_left_out_by_the_sphere_could_not_have_decided() -> None:
    rng = np.random.default_rng(8)
    stores = rng.uniform((75, 20), (134, 53), (150, 2))
    radius_m = rng.uniform(100, 10_000, 150)
    circles = StoreCircles.of(stores[:, 0], stores[:, 1], radius_m)
    for lon, lat in rng.uniform((75, 20), (134, 53), (15, 2)).tolist():
        metres = np.array([distance_m(x, y, lon, lat) for x, y in stores])
        explained = explain(lon, lat, circles, RINGS)
        assert explained.nearest_store == int(metres.argmin())
        assert explained.nearest_m == metres.min()
        assert explained.outside_m == max(0.0, (metres - radius_m).min())


def test_a_refused_point_or_no_store_leaves_nothing_to_say() -> None:
    circles = StoreCircles.of([STORE[0]], [STORE[1]], [5_000.0])
    swapped = explain(31.22, 121.5, circles, RINGS)
    assert (swapped.fault, swapped.inside) == (CoordinateFault.SWAPPED_AXES, False)
    alone = explain(*STORE, StoreCircles.of([], [], []), RINGS)
    assert (alone.fault, alone.inside, alone.nearest_store) == (None, False, NO_STORE)
