"""Areas that a person draws or types: what makes one unusable is named."""

from collections.abc import Sequence
from typing import Any

import pytest

from merchants.geo import AreaFlaw, CoordinateFault, area_flaw

Corners = Sequence[Sequence[float]]
WEST, SOUTH = 121.4, 31.2
SQUARE: Corners = [[0, 0], [0.1, 0], [0.1, 0.1], [0, 0.1], [0, 0]]
HOLE: Corners = [[0.02, 0.02], [0.08, 0.02], [0.08, 0.08], [0.02, 0.08], [0.02, 0.02]]


def ring(corners: Corners) -> list[list[float]]:
    return [[WEST + x, SOUTH + y] for x, y in corners]


def polygon(*rings: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [ring(corners) for corners in rings]}


def test_areas_with_holes_and_of_several_parts_are_sound() -> None:
    assert area_flaw(polygon(SQUARE)) is None
    assert area_flaw(polygon(SQUARE, HOLE)) is None
    parts = [polygon(SQUARE)["coordinates"], [ring([[x + 1, y] for x, y in SQUARE])]]
    assert area_flaw({"type": "MultiPolygon", "coordinates": parts}) is None


def test_a_ring_that_touches_itself_in_a_point_is_sound() -> None:
    bow = [[0, 0], [0.1, 0], [0.05, 0.05], [0.1, 0.1], [0, 0.1], [0.05, 0.05], [0, 0]]
    assert area_flaw(polygon(bow)) is None


@pytest.mark.parametrize(
    "geometry",
    [
        {},
        [],
        "POLYGON",
        {"type": "Point", "coordinates": [WEST, SOUTH]},
        {"type": "Polygon", "coordinates": []},
        {"type": "Polygon", "coordinates": [[[WEST, SOUTH], [WEST, SOUTH + 1], [WEST, SOUTH]]]},
        {"type": "Polygon", "coordinates": [ring(SQUARE)[:-1]]},
        {"type": "Polygon", "coordinates": [[[float("nan"), 1], [2, 3], [4, 5], [0, 0]]]},
        {"type": "MultiPolygon", "coordinates": [ring(SQUARE)]},
    ],
)
def test_an_invalid_area_is_malformed(geometry: Any) -> None:
    assert area_flaw(geometry) == (AreaFlaw.MALFORMED, None)


@pytest.mark.parametrize(
    "corners",
    [
        [[0, 0], [0.1, 0.1], [0.1, 0], [0, 0.1], [0, 0]],
        [[0, 0], [0.1, 0], [0.1, 0.1], [0.03, -0.05], [0, 0.1], [0, 0]],
    ],
)
def test_a_ring_that_crosses_itself_is_refused(corners: Corners) -> None:
    assert area_flaw(polygon(corners)) == (AreaFlaw.CROSSES_ITSELF, None)


def test_a_hole_that_crosses_its_outer_ring_is_refused() -> None:
    hole = [[x + 0.05, y] for x, y in HOLE]
    assert area_flaw(polygon(SQUARE, hole)) == (AreaFlaw.CROSSES_ITSELF, None)


def test_swapped_axes_zero_and_polar_corners_are_named() -> None:
    swapped = {"type": "Polygon", "coordinates": [[[y, x] for x, y in ring(SQUARE)]]}
    assert area_flaw(swapped) == (AreaFlaw.COORDINATES, CoordinateFault.SWAPPED_AXES)
    zero = {"type": "Polygon", "coordinates": [SQUARE]}
    assert area_flaw(zero) == (AreaFlaw.COORDINATES, CoordinateFault.NULL_ISLAND)
    north = {"type": "Polygon", "coordinates": [[[x + 10, y + 70] for x, y in SQUARE]]}
    assert area_flaw(north) == (AreaFlaw.COORDINATES, CoordinateFault.POLAR)


def test_a_line_there_and_back_encloses_nothing() -> None:
    assert area_flaw(polygon([[0, 0], [0.1, 0.1], [0.2, 0.2], [0, 0]])) == (AreaFlaw.EMPTY, None)


def test_an_area_with_too_many_corners_is_refused() -> None:
    many = [[0.00001 * number, 0.0] for number in range(2_001)]
    assert area_flaw(polygon([*many, [0, 0.1], [0, 0]])) == (AreaFlaw.TOO_DETAILED, None)
