"""Areas brought from one datum to another."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Convert = Callable[[Floats, Floats], tuple[Floats, Floats]]


def converted(geometry: Mapping[str, Any], convert: Convert) -> dict[str, Any]:
    """A GeoJSON Polygon or MultiPolygon with its corners converted; its edges stay straight."""
    return {"type": geometry["type"], "coordinates": _converted(geometry["coordinates"], convert)}


def _converted(part: Any, convert: Convert) -> list[Any]:
    """A ring's positions converted together; anything above a ring, part by part."""
    if not isinstance(part[0][0], int | float):
        return [_converted(inner, convert) for inner in part]
    positions = np.array([position[:2] for position in part], dtype=np.float64)
    found: list[Any] = np.stack(convert(positions[:, 0], positions[:, 1]), axis=1).tolist()
    return found
