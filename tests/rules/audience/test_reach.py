"""Boxes that a campaign reaches: none that holds a covered point is left out."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from merchants.geo import distance_m
from vouchers.rules.audience.reach import Reach
from vouchers.rules.audience.store_cover import StoreCircles

SQUARE = [[121.0, 31.0], [121.2, 31.0], [121.2, 31.1], [121.0, 31.1], [121.0, 31.0]]
HOLE = [[121.05, 31.05], [121.06, 31.05], [121.06, 31.06], [121.05, 31.05]]
NOWHERE = [np.nan] * 4


def touches(reach: Reach, *boxes: list[float]) -> list[bool]:
    return list(reach.touches(np.array(boxes)).tolist())


@given(
    latitude=st.floats(-59.8, 59.8),
    radius_m=st.floats(1, 10_000),
    east=st.floats(-1, 1),
    north=st.floats(-1, 1),
)
@example(latitude=59.8, radius_m=10_000, east=1.0, north=0.02)
def test_a_box_that_holds_a_covered_point_is_touched(
    latitude: float, radius_m: float, east: float, north: float
) -> None:
    reach = Reach.of(StoreCircles.of([121.5], [latitude], [radius_m]))
    lon = 121.5 + east * radius_m / 111_000 / np.cos(np.radians(latitude))
    lat = latitude + north * radius_m / 111_000
    if distance_m(121.5, latitude, lon, lat) <= radius_m:
        assert touches(reach, [lon, lat, lon, lat]) == [True]


def test_a_box_beyond_a_circle_is_not() -> None:
    reach = Reach.of(StoreCircles.of([121.5, 121.6], [31.2, 31.2], [3_000, 5_000]))
    assert touches(
        reach,
        [121.50, 31.23, 121.51, 31.24],
        [121.50, 31.20, 121.50, 31.20],
        [121.40, 31.10, 121.45, 31.30],
        [121.64, 31.20, 121.80, 31.21],
        NOWHERE,
    ) == [False, True, False, True, False]


@pytest.mark.parametrize(
    "polygon",
    [
        {"type": "Polygon", "coordinates": [SQUARE, HOLE]},
        {"type": "MultiPolygon", "coordinates": [[HOLE], [SQUARE]]},
    ],
)
def test_polygons_are_reached_as_well(polygon: dict[str, object]) -> None:
    reach = Reach.of(StoreCircles.of([], [], []), [polygon])
    assert touches(reach, [121.1, 31.05, 121.3, 31.3], [121.3, 31.05, 121.4, 31.3]) == [True, False]


def test_without_stores_nothing_is() -> None:
    assert touches(Reach.of(StoreCircles.of([], [], [])), [121.0, 31.0, 122.0, 32.0]) == [False]
