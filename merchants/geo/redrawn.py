"""Areas brought from one datum to another, for maps that are drawn on foreign tiles."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Convert = Callable[[Floats, Floats], tuple[Floats, Floats]]

DIGITS: Final = 9
"""A tenth of a millimetre, so that a corner comes back from another datum as it was."""


def redrawn(geometry: Mapping[str, Any], convert: Convert) -> dict[str, Any]:
    """A GeoJSON Polygon or MultiPolygon whose corners are converted; its edges stay straight."""
    return {"type": geometry["type"], "coordinates": _redrawn(geometry["coordinates"], convert)}


def _redrawn(part: Any, convert: Convert) -> list[Any]:
    """A ring's positions converted together; anything above a ring, part by part."""
    if not isinstance(part[0][0], int | float):
        return [_redrawn(inner, convert) for inner in part]
    positions = np.array([position[:2] for position in part], dtype=np.float64)
    rows = np.stack(convert(positions[:, 0], positions[:, 1]), axis=1)
    found: list[Any] = rows.round(DIGITS).tolist()
    return found
