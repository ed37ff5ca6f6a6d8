"""What is wrong with an area that a person has drawn or typed, so that it can be refused."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from merchants.geo.coordinates import FAULTS, CoordinateFault, coordinate_faults
from merchants.geo.polygons import InvalidGeometryError, rings_of

Floats = NDArray[np.float64]

MOST_CORNERS: Final = 2_000


class AreaFlaw(StrEnum):
    """Why a GeoJSON area can't be used."""

    MALFORMED = "area_malformed"
    TOO_DETAILED = "area_too_detailed"
    COORDINATES = "area_coordinates"
    CROSSES_ITSELF = "area_crosses_itself"
    EMPTY = "area_empty"


def area_flaw(geometry: Any) -> tuple[AreaFlaw, CoordinateFault | None] | None:
    """The first flaw of a GeoJSON Polygon or MultiPolygon in WGS-84, with the fault of a corner
    where that is the flaw; None if it is an area.

    Rings may touch in a point; edges that cross enclose ground twice, which is ambiguous.
    """
    try:
        polygons = rings_of(geometry) if isinstance(geometry, Mapping) else []
    except InvalidGeometryError:
        return AreaFlaw.MALFORMED, None
    rings = [ring for polygon in polygons for ring in polygon]
    if not rings:
        return AreaFlaw.MALFORMED, None
    corners = np.concatenate(rings)
    if len(corners) > MOST_CORNERS:
        return AreaFlaw.TOO_DETAILED, None
    codes = coordinate_faults(corners[:, 0], corners[:, 1])
    if codes.any():
        return AreaFlaw.COORDINATES, FAULTS[int(codes[codes > 0][0]) - 1]
    if any(_has_crossing(polygon) for polygon in polygons):
        return AreaFlaw.CROSSES_ITSELF, None
    if any(_encloses_nothing(ring) for ring in rings):
        return AreaFlaw.EMPTY, None
    return None


def _encloses_nothing(ring: Floats) -> bool:
    """By the shoelace formula about the first corner."""
    x, y = (ring - ring[0]).T
    return bool(abs(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])) < 1e-14)


def _has_crossing(rings: Sequence[Floats]) -> bool:
    """Whether any two edges of a polygon's rings cross between their ends."""
    starts = np.concatenate([ring[:-1] for ring in rings])
    ends = np.concatenate([ring[1:] for ring in rings])
    return any(_crosses(starts, ends, number) for number in range(len(starts) - 1))


def _crosses(starts: Floats, ends: Floats, number: int) -> bool:
    """Whether an edge crosses a later one: each has its ends on both sides of the other."""
    start, end = starts[number], ends[number]
    first, last = starts[number + 1 :], ends[number + 1 :]
    of_this = _side(start, end, first) * _side(start, end, last) < 0
    of_other = _side(first, last, start) * _side(first, last, end) < 0
    return bool((of_this & of_other).any())


def _side(start: Floats, end: Floats, point: Floats) -> Floats:
    """The sign says on which side of a line a point lies."""
    along, to = end - start, point - start
    return np.sign(along[..., 0] * to[..., 1] - along[..., 1] * to[..., 0])
