"""Which longitude/latitude pairs are accepted, and why the others are not."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

MAX_LATITUDE_DEG: Final = 60.0
"""Up to here the accuracy of the distance formulas is proven; China ends at 53.6."""

MAX_LONGITUDE_DEG: Final = 179.8
"""Up to here, at any accepted latitude, a circle of 10 km ends before the 180th meridian, beyond
which longitudes begin anew; no formula has to wrap them."""

_NULL_ISLAND_DEG: Final = 0.01


class CoordinateFault(StrEnum):
    """Why a coordinate pair is refused: a stable machine code and a sentence for people."""

    NOT_FINITE = "coordinates_not_finite"
    SWAPPED_AXES = "coordinates_swapped"
    OUT_OF_RANGE = "coordinates_out_of_range"
    POLAR = "coordinates_polar"
    ANTIMERIDIAN = "coordinates_antimeridian"
    NULL_ISLAND = "coordinates_zero"

    @property
    def sentence(self) -> str:
        """One English sentence, also the translation key."""
        return _SENTENCES[self]


_SENTENCES: Final = {
    CoordinateFault.NOT_FINITE: "Longitude and latitude must both be finite numbers.",
    CoordinateFault.SWAPPED_AXES: (
        "Longitude and latitude look swapped: China lies at longitude 73 to 135, latitude 18 to 54."
    ),
    CoordinateFault.OUT_OF_RANGE: (
        "Longitude must lie between -180 and 180 degrees and latitude between -90 and 90."
    ),
    CoordinateFault.POLAR: "Latitudes beyond 60 degrees north or south are not supported.",
    CoordinateFault.ANTIMERIDIAN: (
        "Longitudes within 0.2 degrees of the 180th meridian are not supported."
    ),
    CoordinateFault.NULL_ISLAND: (
        "Longitude 0, latitude 0 is what failed geocoding leaves behind, not a place."
    ),
}

FAULTS: Final = tuple(CoordinateFault)
"""Order in which faults are looked for; `coordinate_faults` reports positions in it, from 1."""


def check_coordinates(longitude_deg: float, latitude_deg: float) -> CoordinateFault | None:
    """The first fault of one pair in WGS-84, GCJ-02 or BD-09 degrees, or None if it is accepted."""
    conditions = _conditions(np.float64(longitude_deg), np.float64(latitude_deg))
    return next((fault for fault, present in zip(FAULTS, conditions, strict=True) if present), None)


def coordinate_faults(longitude_deg: ArrayLike, latitude_deg: ArrayLike) -> NDArray[np.int8]:
    """Per pair 0 if accepted, else 1 + the position in FAULTS of the fault `check_coordinates`
    returns."""
    lon = np.asarray(longitude_deg, dtype=np.float64)
    lat = np.asarray(latitude_deg, dtype=np.float64)
    found = np.zeros(lon.shape, dtype=np.int8)
    if lat.size and _are_plain(lon, lat):
        return found
    for code, present in enumerate(_conditions(lon, lat), start=1):
        found[(found == 0) & present] = code
    return found


def _are_plain(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> bool:
    """Whether they all lie where no condition can hold: north of the equator, short of the pole."""
    return bool(
        lat.min() > 1
        and lat.max() < MAX_LATITUDE_DEG
        and lon.min() > -MAX_LONGITUDE_DEG
        and lon.max() < MAX_LONGITUDE_DEG
    )


def _conditions(lon: Any, lat: Any) -> Iterator[Any]:
    """One condition per member of FAULTS, in that order, for scalars and arrays alike."""
    yield ~(np.isfinite(lon) & np.isfinite(lat))
    yield (lon >= 18) & (lon <= 54) & (lat >= 73) & (lat <= 135)
    yield (abs(lon) > 180) | (abs(lat) > 90)
    yield abs(lat) > MAX_LATITUDE_DEG
    yield abs(lon) > MAX_LONGITUDE_DEG
    yield (abs(lon) < _NULL_ISLAND_DEG) & (abs(lat) < _NULL_ISLAND_DEG)
