"""Points in GeoJSON polygons."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchants.geo import (
    NO_AREA,
    Datum,
    InvalidGeometryError,
    containing,
    contains,
    from_wgs84,
    to_wgs84,
)

SHARED_DATA = Path(__file__).parents[3] / "shared" / "data"

SQUARE = [[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]
HOLE = [[1, 1], [1, 3], [3, 3], [3, 1], [1, 1]]
ISLAND = [[10, 0], [12, 0], [11, 2], [10, 0]]


def test_a_hole_is_outside_and_a_second_part_inside() -> None:
    shape = {"type": "MultiPolygon", "coordinates": [[SQUARE, HOLE], [ISLAND]]}
    lon, lat = [0.5, 2.0, 11.0, 5.0, 3.5, np.nan], [0.5, 2.0, 1.0, 2.0, 2.0, 1.0]
    assert contains(shape, lon, lat).tolist() == [True, False, True, False, True, False]


def test_the_winding_and_a_third_coordinate_do_not_matter() -> None:
    ring = [[*position, 7.0] for position in SQUARE[::-1]]
    assert contains({"type": "Polygon", "coordinates": [ring]}, [2.0], [2.0]).all()


def test_a_common_border_belongs_to_exactly_one_neighbour() -> None:
    rng = np.random.default_rng(3)
    border = [[0.3, 0.0], *rng.uniform(0.2, 0.8, (9, 2)).tolist(), [0.7, 1.0]]
    border.sort(key=lambda position: position[1])
    west = [[0.0, 0.0], *border, [0.0, 1.0], [0.0, 0.0]]
    east = [[1.0, 1.0], *border[::-1], [1.0, 0.0], [1.0, 1.0]]
    start, end = np.array(border[:-1]), np.array(border[1:])
    share = rng.uniform(0, 1, (400, 1, 1))
    on_border = (start + share * (end - start)).reshape(-1, 2)
    points = np.concatenate([on_border, np.array(border[:-1]), rng.uniform(0.0, 1.0, (2_000, 2))])
    in_west, in_east = (
        contains({"type": "Polygon", "coordinates": [ring]}, points[:, 0], points[:, 1])
        for ring in (west, east)
    )
    assert (in_west ^ in_east).all()


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Point", "coordinates": [1, 2]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [5, 5]]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], ["a", 1], [0, 0]]]},
        {"type": "Polygon", "coordinates": 3},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, None], [1, 1], [0, 0]]]},
        {},
    ],
)
def test_an_invalid_area_is_refused(geometry: dict[str, Any]) -> None:
    with pytest.raises(InvalidGeometryError):
        contains(geometry, [0.0], [0.0])


def test_427_real_stores_lie_in_their_districts_once_converted() -> None:
    if not SHARED_DATA.is_dir():
        pytest.skip(f"real stores and districts are not at {SHARED_DATA}")
    with (SHARED_DATA / "shanghai-stores.csv").open(encoding="utf-8") as file:
        stores = list(csv.DictReader(file))
    lon = np.array([float(store["longitude"]) for store in stores])
    lat = np.array([float(store["latitude"]) for store in stores])
    lon, lat = from_wgs84(*to_wgs84(lon, lat, Datum.BD_09), Datum.GCJ_02)
    districts = json.loads((SHARED_DATA / "shanghai-districts.geojson").read_text("utf-8"))
    for district in districts["features"]:
        inside = contains(district["geometry"], lon, lat)
        stated = [store["district"] == district["properties"]["name"] for store in stores]
        assert inside.tolist() == stated, district["properties"]["name"]


@given(st.lists(st.tuples(st.floats(-1, 4), st.floats(-1, 4)), min_size=1, max_size=30))
def test_of_areas_the_first_that_contains_a_point_is_named(
    points: list[tuple[float, float]],
) -> None:
    squares = [
        {
            "type": "Polygon",
            "coordinates": [[[w, s], [w + 2, s], [w + 2, s + 2], [w, s + 2], [w, s]]],
        }
        for w, s in ((0, 0), (1, 0), (0, 2), (1, 1))
    ]
    lon, lat = np.array(points).T
    inside = np.array([contains(square, lon, lat) for square in squares])
    expected = np.where(inside.any(axis=0), inside.argmax(axis=0), NO_AREA)
    assert containing(squares, lon, lat).tolist() == expected.tolist()
