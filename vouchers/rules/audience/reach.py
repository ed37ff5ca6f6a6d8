"""Which boxes of points a campaign can reach at all, so that the others need not be looked into."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from vouchers.rules.audience.store_cover import StoreCircles

Floats = NDArray[np.float64]

_POLAR_RADIUS_M: Final = 6_335_439.0
"""The least radius of curvature on the ellipsoid, so that angles come out too large."""
_MARGIN: Final = 1.01
_BOXES_AT_ONCE: Final = 1024


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """Boxes (west, south, east, north in degrees) round every circle and every polygon."""

    boxes: Floats

    @classmethod
    def of(cls, circles: StoreCircles, polygons: Sequence[Mapping[str, Any]] = ()) -> Self:
        """Boxes a per cent larger than the circles, which never cross the 180th meridian."""
        lon, lat = circles.longitude_deg, circles.latitude_deg
        high = np.degrees(_MARGIN * circles.radius_m / _POLAR_RADIUS_M)
        wide = high / np.cos(np.radians(np.abs(lat) + high))
        round_circles = np.stack([lon - wide, lat - high, lon + wide, lat + high], axis=1)
        round_polygons = [_box(list(_corners(polygon["coordinates"]))) for polygon in polygons]
        return cls(np.concatenate([round_circles, np.array(round_polygons).reshape(-1, 4)]))

    def touches(self, boxes: Floats) -> NDArray[np.bool_]:
        """Which of some boxes meet any of these; one of NaN meets none."""
        found = np.zeros(len(boxes), dtype=np.bool_)
        west, south, east, north = self.boxes.T
        for start in range(0, len(boxes), _BOXES_AT_ONCE):
            part = slice(start, start + _BOXES_AT_ONCE)
            from_lon, from_lat, to_lon, to_lat = boxes[part].T[:, :, None]
            meets = (from_lon <= east) & (to_lon >= west) & (from_lat <= north) & (to_lat >= south)
            found[part] = meets.any(axis=1)
        return found


def _corners(coordinates: Any) -> Iterator[tuple[float, float]]:
    """The corners in a GeoJSON polygon's or multipolygon's coordinates, however deep."""
    if coordinates and isinstance(coordinates[0], int | float):
        yield float(coordinates[0]), float(coordinates[1])
        return
    for part in coordinates:
        yield from _corners(part)


def _box(corners: Sequence[tuple[float, float]]) -> tuple[float, float, float, float]:
    lons, lats = zip(*corners, strict=True)
    return min(lons), min(lats), max(lons), max(lats)
