"""The store-cover index equals geopy and PROJ: in bulk, at every edge, and for what it refuses."""

import numpy as np
import pytest
from geopy.distance import geodesic
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pyproj import Geod

from merchants.geo import CoordinateFault, chord_distance_m, distance_m
from vouchers.rules.audience.store_cover import (
    CHUNK,
    NO_STORE,
    InvalidCircleError,
    Nearest,
    StoreCover,
)

Floats = NDArray[np.float64]

WGS_84 = Geod(ellps="WGS84")
LEAST_DEGREE_M = 110_500
"""No degree of a meridian is shorter, and no parallel's, times its cosine."""
NUDGES_M = (0.0, 1e-9, 1e-6, 5e-5, 9e-5, 1.1e-4, 1e-3, 0.049, 0.051, 1.0)


def by_geopy(stores: Floats, radius_m: Floats, points: Floats) -> tuple[NDArray[np.int32], Floats]:
    """Nearest covering store and its distance by asking geopy about every pair."""
    metres = np.array([[distance_m(*store, *point) for store in stores] for point in points])
    covering = np.where(metres <= radius_m, metres, np.inf)
    best = covering.min(axis=1)
    return np.where(np.isfinite(best), covering.argmin(axis=1), NO_STORE).astype(np.int32), best


def ask(stores: Floats, radius_m: Floats, points: Floats, *edges_m: float) -> Nearest:
    cover = StoreCover.build(stores[:, 0], stores[:, 1], radius_m)
    return cover.nearest(points[:, 0], points[:, 1], edges_m)


def assert_equals_geopy(stores: Floats, radius_m: Floats, points: Floats) -> Nearest:
    found = ask(stores, radius_m, points)
    store, metres = by_geopy(stores, radius_m, points)
    assert found.store_index.tolist() == store.tolist()
    inside = store != NO_STORE
    assert np.abs(found.distance_m[inside] - metres[inside]).max(initial=0.0) < 1e-4
    assert (found.distance_m[inside] <= radius_m[store[inside]]).all()
    assert np.isinf(found.distance_m[~inside]).all()
    return found


def assert_agrees_with_the_chord(stores: Floats, radius_m: Floats, points: Floats) -> Nearest:
    """For many points: the nearest store that holds each, to within a millimetre."""
    found = ask(stores, radius_m, points)
    metres = np.array([chord_distance_m(*store, *points.T) for store in stores])
    covering = np.where(metres <= radius_m[:, None] + 0.001, metres, np.inf)
    best, chosen = covering.min(axis=0), found.store_index
    inside = chosen != NO_STORE
    assert np.abs(metres[chosen, np.arange(points.shape[0])] - best)[inside].max() < 0.001
    surely = (metres <= radius_m[:, None] - 0.001).any(axis=0)
    assert inside[surely].all()
    assert not inside[np.isinf(best)].any()
    return found


def nearest_by_proj(stores: Floats, radius_m: Floats, points: Floats) -> Floats:
    """Metres to the nearest covering store by PROJ, which shares no code with ours; whether a store
    covers a point is asked of geopy within a metre of its radius. Infinite where none does."""
    best = np.full(points.shape[0], np.inf)
    narrowest = np.cos(np.radians(np.abs(points[:, 1]).max()))
    for store, radius in zip(stores, radius_m, strict=True):
        away_m = np.abs(points - store) * LEAST_DEGREE_M
        close = np.flatnonzero((away_m <= [(radius + 1) / narrowest, radius + 1]).all(axis=1))
        metres = proj_m(np.broadcast_to(store, (close.size, 2)), points[close])
        for place in np.flatnonzero(np.abs(metres - radius) < 1):
            metres[place] = distance_m(*store, *points[close[place]])
        covered = metres <= radius
        best[close[covered]] = np.minimum(best[close[covered]], metres[covered])
    return best


def proj_m(places: Floats, points: Floats) -> Floats:
    return np.asarray(WGS_84.inv(*places.T, *points.T)[2])


def on_the_rims(stores: Floats, radius_m: Floats, each: int, rng: np.random.Generator) -> Floats:
    """Points up to a metre inside or outside of each circle, all around."""
    lon, lat = np.repeat(stores, each, axis=0).T
    away_m = np.repeat(radius_m, each) + rng.uniform(-1, 1, lon.size)
    rim_lon, rim_lat, _ = WGS_84.fwd(lon, lat, rng.uniform(0, 360, lon.size), away_m)
    return np.column_stack([rim_lon, rim_lat])


def test_of_200_000_residents_and_100_stores_all_are_judged_as_by_proj() -> None:
    rng = np.random.default_rng(18)
    stores = rng.uniform((121.2, 31.0), (121.7, 31.4), (100, 2))
    radius_m = rng.choice([3_000.0, 4_000.0, 5_000.0], 100)
    rims = on_the_rims(stores, radius_m, 20, rng)
    anywhere = rng.uniform((121.1, 30.9), (121.8, 31.5), (200_000 - rims.shape[0], 2))
    points = np.concatenate([rims, anywhere])
    found, best = ask(stores, radius_m, points), nearest_by_proj(stores, radius_m, points)
    inside = np.isfinite(best)
    assert 0.1 < inside.mean() < 0.9
    assert ((found.store_index != NO_STORE) == inside).all()
    assert np.abs(found.distance_m[inside] - best[inside]).max() < 0.001
    chosen = stores[found.store_index[inside]]
    assert np.abs(proj_m(chosen, points[inside]) - best[inside]).max() < 0.001


@pytest.mark.parametrize(
    ("west", "south"), [(121.4, 31.2), (87.5, 43.8), (109.4, 18.2), (122.3, 53.4), (-70.7, -33.5)]
)
def test_overlapping_stores_of_different_radii_are_distinguished_as_geopy_does(
    west: float, south: float
) -> None:
    rng = np.random.default_rng(11)
    stores = rng.uniform((west, south), (west + 0.15, south + 0.12), (12, 2))
    points = rng.uniform((west - 0.05, south - 0.05), (west + 0.2, south + 0.17), (700, 2))
    assert_equals_geopy(stores, rng.uniform(400, 6_000, 12), points)


@pytest.mark.parametrize("latitude", [-59.0, 0.5, 31.2, 59.5])
def test_of_stores_wall_to_wall_the_nearest_is_found_in_every_part_of_a_cell(
    latitude: float,
) -> None:
    """Of all 50 by the chord, to within a millimetre; some circles hold the whole crowd."""
    rng = np.random.default_rng(16)
    stores = np.array([121.5, latitude]) + rng.normal(0, 0.003, (50, 2))
    radius_m = rng.choice([150.0, 900.0, 5_000.0], 50)
    points = np.array([121.5, latitude]) + rng.normal(0, 0.006, (20_000, 2))
    found = assert_agrees_with_the_chord(stores, radius_m, points)
    assert np.unique(found.store_index).size > 20


@pytest.mark.parametrize("latitude", [-59.7, 0.5, 31.2, 59.7])
def test_circles_of_any_size_are_found_in_every_cell_that_they_reach(latitude: float) -> None:
    """Smaller than a cell, wider than two pages; points along their edges, inside and outside."""
    rng = np.random.default_rng(17)
    radius_m = np.geomspace(1, 10_000, 40)
    stores = np.array([121.5, latitude]) + rng.uniform(-0.09, 0.09, (40, 2))
    bearing = np.linspace(0, 2 * np.pi, 200)
    towards = np.stack([np.sin(bearing) / np.cos(np.radians(latitude)), np.cos(bearing)], axis=1)
    edges = stores[:, None] + towards * (radius_m[:, None, None] / 111_200)
    within = stores[:, None] + (edges - stores[:, None]) * rng.choice([0.99, 1.01], (40, 200, 1))
    assert_agrees_with_the_chord(stores, radius_m, within.reshape(-1, 2))


def test_the_nearest_covering_store_is_not_always_the_nearest_store() -> None:
    stores = np.array([[121.50, 31.20], [121.53, 31.20]])
    point = np.array([[121.51, 31.20]])
    found = assert_equals_geopy(stores, np.array([500.0, 3_000.0]), point)
    assert found.store_index.tolist() == [1]


def test_the_largest_radius_is_as_exact_as_any() -> None:
    rng = np.random.default_rng(12)
    stores = rng.uniform((121.4, 31.2), (121.5, 31.3), (4, 2))
    points = rng.uniform((121.27, 31.08), (121.63, 31.42), (600, 2))
    assert_equals_geopy(stores, np.full(4, 10_000.0), points)


def test_a_radius_of_exactly_the_distance_is_inside_and_one_ulp_less_is_outside() -> None:
    rng = np.random.default_rng(13)
    points = rng.uniform((121.45, 31.18), (121.55, 31.26), (60, 2))
    for point in points:
        exact = distance_m(121.5, 31.22, *point)
        store = np.array([[121.5, 31.22]])
        for radius, expected in (
            (exact, 0),
            (np.nextafter(exact, np.inf), 0),
            (np.nextafter(exact, 0.0), NO_STORE),
        ):
            found = ask(store, np.array([radius]), point[None, :])
            assert found.store_index.tolist() == [expected]
            assert expected == NO_STORE or found.distance_m[0] == exact


def test_of_equally_near_stores_the_first_is_taken() -> None:
    twins = np.array([[121.51, 31.2], [121.50, 31.2], [121.50, 31.2]])
    points = np.random.default_rng(14).uniform((121.46, 31.18), (121.5, 31.22), (300, 2))
    found = assert_equals_geopy(twins, np.full(3, 5_000.0), points)
    assert set(found.store_index.tolist()) == {1}


def test_points_midway_between_two_stores_go_where_geopy_sends_them() -> None:
    stores = np.array([[121.48, 31.2], [121.52, 31.2]])
    latitude = np.linspace(31.18, 31.22, 101)
    offsets = np.array([-3e-7, -1e-9, -1e-12, 0.0, 1e-12, 1e-9, 3e-7])
    points = np.array([[121.5 + offset, lat] for lat in latitude for offset in offsets])
    assert_equals_geopy(stores, np.full(2, 5_000.0), points)


def test_distances_at_the_edge_of_a_ring_are_geopys_own() -> None:
    stores = np.array([[121.5, 31.22]])
    for point in np.random.default_rng(15).uniform((121.47, 31.2), (121.53, 31.24), (40, 2)):
        exact = distance_m(*stores[0], *point)
        for edge in (exact, np.nextafter(exact, 0.0), np.nextafter(exact, np.inf)):
            assert ask(stores, np.array([5_000.0]), point[None, :], edge).distance_m[0] == exact


coordinate = st.tuples(st.floats(73.6, 134.7), st.floats(-59.0, 59.0))


@st.composite
def near_edges(draw: st.DrawFn) -> tuple[Floats, Floats, Floats]:
    """One resident, and stores whose circles' edges pass by it within a nudge."""
    lon, lat = draw(coordinate)
    stores, radii = [], []
    for _ in range(draw(st.integers(1, 4))):
        away = geodesic(meters=draw(st.floats(100, 6_000)))
        place = away.destination((lat, lon), draw(st.floats(0, 360)))
        stores.append((place.longitude, place.latitude))
        nudge = draw(st.sampled_from(NUDGES_M)) * draw(st.sampled_from((-1, 1)))
        exact = distance_m(place.longitude, place.latitude, lon, lat)
        one_ulp_towards = draw(st.sampled_from((0.0, exact + nudge, np.inf)))
        radii.append(np.nextafter(exact + nudge, one_ulp_towards))
    return np.array(stores), np.array(radii), np.array([[lon, lat]])


@settings(max_examples=300, deadline=None)
@given(near_edges())
def test_any_resident_near_any_edge_is_judged_as_by_geopy(
    case: tuple[Floats, Floats, Floats],
) -> None:
    assert_equals_geopy(*case)


def test_refused_points_match_no_store_and_are_counted_by_reason() -> None:
    rows = [
        (121.5, 31.2, None),
        (np.nan, 31.2, CoordinateFault.NOT_FINITE),
        (121.5, -np.inf, CoordinateFault.NOT_FINITE),
        (31.2, 121.5, CoordinateFault.SWAPPED_AXES),
        (481.5, 31.2, CoordinateFault.OUT_OF_RANGE),
        (121.5, 60.001, CoordinateFault.POLAR),
        (0.0, 0.0, CoordinateFault.NULL_ISLAND),
        (31.2, 121.5, CoordinateFault.SWAPPED_AXES),
    ]
    points = np.array([row[:2] for row in rows])
    stores = np.array([[121.5, 31.2], [121.5, 59.99], [0.02, 0.02]])
    found = ask(stores, np.full(3, 5_000.0), points)
    assert found.store_index.tolist() == [0] + [NO_STORE] * 7
    assert np.isinf(found.distance_m[1:]).all()
    assert found.refused_at.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert found.refused == {
        CoordinateFault.NOT_FINITE: 2,
        CoordinateFault.SWAPPED_AXES: 2,
        CoordinateFault.OUT_OF_RANGE: 1,
        CoordinateFault.POLAR: 1,
        CoordinateFault.NULL_ISLAND: 1,
    }


def test_positions_of_refused_points_hold_across_chunks() -> None:
    lon, lat = np.full(2 * CHUNK + 10, 121.5), np.full(2 * CHUNK + 10, 31.2)
    bad = [3, CHUNK - 1, CHUNK, 2 * CHUNK + 9]
    lat[bad] = np.nan
    found = StoreCover.build([121.5], [31.2], [3_000.0]).nearest(lon, lat)
    assert found.refused_at.tolist() == bad
    assert np.flatnonzero(found.store_index == NO_STORE).tolist() == bad
    assert found.distance_m[0] == 0


def test_stores_across_the_country_need_no_grid_between_them() -> None:
    stores = np.array([[121.47, 31.23], [87.62, 43.83], [-70.65, -33.45], [126.64, 45.76]])
    points = np.concatenate([stores + 0.02, stores - 0.03, stores + np.array([0.0, 0.1])])
    found = assert_equals_geopy(stores, np.array([3_000.0, 5_000.0, 3_000.0, 4_000.0]), points)
    assert found.store_index.tolist() == [0, 1, 2, 3, NO_STORE, 1, NO_STORE, NO_STORE, *[-1] * 4]


def test_without_stores_or_points_the_audience_is_empty() -> None:
    assert StoreCover.build([], [], []).nearest([121.5], [31.2]).store_index.tolist() == [NO_STORE]
    empty = StoreCover.build([121.5], [31.2], [3_000.0]).nearest([], [])
    assert empty.store_index.size == empty.distance_m.size == empty.refused_at.size == 0


@pytest.mark.parametrize(
    ("store", "radius_m", "reason"),
    [
        ((np.nan, 31.2), 3_000.0, "finite"),
        ((31.2, 121.5), 3_000.0, "swapped"),
        ((121.5, 61.0), 3_000.0, "60 degrees"),
        ((121.5, 31.2), 0.0, "radius"),
        ((121.5, 31.2), np.nan, "radius"),
        ((121.5, 31.2), 10_000.1, "10 km"),
        ((179.98, 31.2), 3_000.0, "180th meridian"),
        ((-179.98, 31.2), 3_000.0, "180th meridian"),
    ],
)
def test_a_store_that_cannot_be_used_is_named(
    store: tuple[float, float], radius_m: float, reason: str
) -> None:
    with pytest.raises(InvalidCircleError, match=f"Store 1: .*{reason}"):
        StoreCover.build([121.5, store[0]], [31.2, store[1]], [3_000.0, radius_m])


@pytest.mark.parametrize("lon", [179.8, -179.8])
@pytest.mark.parametrize("lat", [0.0, 60.0, -60.0])
def test_the_widest_circle_of_an_accepted_store_ends_before_the_180th_meridian(
    lon: float, lat: float
) -> None:
    StoreCover.build([lon], [lat], [10_000.0])
    assert distance_m(lon, lat, np.copysign(180.0, lon), lat) > 10_000.0


def test_lists_of_unequal_length_are_refused() -> None:
    with pytest.raises(InvalidCircleError, match="one length"):
        StoreCover.build([121.5, 121.6], [31.2], [3_000.0])
    with pytest.raises(ValueError, match="one length"):
        StoreCover.build([121.5], [31.2], [3_000.0]).nearest([121.5, 121.6], [31.2])
