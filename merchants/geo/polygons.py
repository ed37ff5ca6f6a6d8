"""Points in GeoJSON polygons, for the district a store or resident lies in."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

NO_AREA: Final = -1
_MIN_RING_POSITIONS: Final = 4


class InvalidGeometryError(ValueError):
    """Not a GeoJSON Polygon or MultiPolygon with closed rings of finite positions."""


def contains(
    geometry: Mapping[str, Any], longitude_deg: ArrayLike, latitude_deg: ArrayLike
) -> NDArray[np.bool_]:
    """Which points lie in a GeoJSON Polygon or MultiPolygon (RFC 7946).

    Even-odd rule on straight edges in the longitude/latitude plane, holes included. Edges are
    half-open and computed in one direction for every polygon, so of polygons that tile an area
    exactly one contains a point, also on a common border. NaN is in no polygon. No ring may cross
    the antimeridian (RFC 7946 has such geometries cut there). Raises InvalidGeometryError.
    """
    lon = np.asarray(longitude_deg, dtype=np.float64).ravel()
    lat = np.asarray(latitude_deg, dtype=np.float64).ravel()
    order = np.argsort(lat, kind="stable")
    found = np.zeros(lon.size, dtype=np.bool_)
    for rings in rings_of(geometry):
        found[order] |= _in_polygon(rings, lon[order], lat[order])
    return found


def containing(
    geometries: Sequence[Mapping[str, Any]], longitude_deg: ArrayLike, latitude_deg: ArrayLike
) -> NDArray[np.int32]:
    """Per point the position of the first geometry that contains it, as `contains` has it, or
    NO_AREA. Raises InvalidGeometryError."""
    lon = np.asarray(longitude_deg, dtype=np.float64).ravel()
    lat = np.asarray(latitude_deg, dtype=np.float64).ravel()
    found = np.full(lon.size, NO_AREA, dtype=np.int32)
    for position, geometry in enumerate(geometries):
        corners = np.concatenate([ring for rings in rings_of(geometry) for ring in rings])
        (west, south), (east, north) = corners.min(axis=0), corners.max(axis=0)
        near = (found == NO_AREA) & (lat >= south) & (lat <= north)
        rows = np.flatnonzero(near & (lon >= west) & (lon <= east))
        found[rows[contains(geometry, lon[rows], lat[rows])]] = position
    return found


def _in_polygon(rings: Sequence[Floats], lon: Floats, lat: Floats) -> NDArray[np.bool_]:
    """Parity of the edges east of each point; points come in order of latitude, NaN last."""
    odd = np.zeros(lon.size, dtype=np.bool_)
    for (west, south), (east, north) in _edges(rings):
        start, stop = np.searchsorted(lat, (south, north), side="left")
        span = slice(int(start), int(stop))
        crossing = west + (lat[span] - south) * ((east - west) / (north - south))
        odd[span] ^= lon[span] < crossing
    return odd


def _edges(rings: Sequence[Floats]) -> Iterator[tuple[Floats, Floats]]:
    """Edges from south to north; a level one separates nothing."""
    for ring in rings:
        for start, end in pairwise(ring):
            if start[1] < end[1]:
                yield start, end
            elif start[1] > end[1]:
                yield end, start


def rings_of(geometry: Mapping[str, Any]) -> list[list[Floats]]:
    """The closed rings of each polygon, the outer one first. Raises InvalidGeometryError."""
    try:
        match geometry:
            case {"type": "Polygon", "coordinates": rings}:
                return [[_ring(ring) for ring in rings]]
            case {"type": "MultiPolygon", "coordinates": polygons}:
                return [[_ring(ring) for ring in rings] for rings in polygons]
    except (TypeError, ValueError) as error:
        raise InvalidGeometryError(f"Malformed coordinates: {error}") from error
    raise InvalidGeometryError("Only GeoJSON geometries Polygon and MultiPolygon hold an area.")


def _ring(positions: Sequence[Sequence[float]]) -> Floats:
    ring = np.array([position[:2] for position in positions], dtype=np.float64)
    if len(ring) < _MIN_RING_POSITIONS or ring.shape[1:] != (2,):
        raise ValueError("a ring needs at least four positions of longitude and latitude")
    if not np.isfinite(ring).all() or not np.array_equal(ring[0], ring[-1]):
        raise ValueError("a ring must be finite and end where it begins")
    return ring
