"""Distances on the WGS-84 ellipsoid: the definition, and two fast approximations of known error.

| function | error against the definition, up to 10 km and 60 degrees of latitude | cost |
|---|---|---|
| `distance_m` | is the definition | 0.2 ms a pair |
| `chord_distance_m` | below 0.01 mm | trigonometry per point |
| `LocalMetric.distance_m` | below 0.1 mm | no trigonometry per point |

The tests measure both bounds. Longitude differences are not wrapped by the local metric.
"""

import math
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from geopy.distance import geodesic
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_A_M: Final = 6_378_137.0
_F: Final = 1 / 298.257223563
_E2: Final = _F * (2 - _F)
_MEAN_RADIUS_M: Final = 6_371_008.8


def distance_m(lon1: float, lat1: float, lon2: float, lat2: float) -> float:
    """Metres between two WGS-84 points: `geopy.distance.geodesic`, always called in this order.

    Longitude before latitude; geopy wants the reverse. Raises ValueError on NaN, infinity or a
    latitude beyond 90. By habit the first point is the store.
    """
    return float(geodesic((float(lat1), float(lon1)), (float(lat2), float(lon2))).m)


def is_farther_m(lon1: float, lat1: float, lon2: float, lat2: float, limit_m: float) -> bool:
    """Whether `distance_m` of the two points is greater than `limit_m`, exactly.

    Two microseconds instead of 0.2 ms: the great circle differs from the definition by less than
    0.6 %, so only within 1 % of the limit is the definition asked.
    """
    phi1, phi2 = math.radians(lat1), math.radians(lat2)
    half = (
        math.sin((phi2 - phi1) / 2) ** 2
        + math.cos(phi1) * math.cos(phi2) * math.sin(math.radians(lon2 - lon1) / 2) ** 2
    )
    rough_m = 2 * _MEAN_RADIUS_M * math.asin(min(1.0, math.sqrt(half)))
    if abs(rough_m - limit_m) > 0.01 * rough_m:
        return rough_m > limit_m
    return distance_m(lon1, lat1, lon2, lat2) > limit_m


def chord_distance_m(lon1: Floats, lat1: Floats, lon2: Floats, lat2: Floats) -> Floats:
    """Metres between point pairs a few kilometres apart: the straight line, bent into an arc.

    The chord is exact in earth-centred coordinates; the arc over it takes the Gaussian mean radius
    sqrt(M N) at the first point.
    """
    x1, y1, z1 = _earth_centred(lon1, lat1)
    x2, y2, z2 = _earth_centred(lon2, lat2)
    chord = np.sqrt((x2 - x1) ** 2 + (y2 - y1) ** 2 + (z2 - z1) ** 2)
    meridian, normal = curvature_radii_m(lat1)
    diameter = 2.0 * np.sqrt(meridian * normal)
    return np.asarray(diameter * np.arcsin(chord / diameter))


def curvature_radii_m(latitude_deg: Floats) -> tuple[Floats, Floats]:
    """Radii of curvature (meridian M, prime vertical N) of the WGS-84 ellipsoid in metres."""
    w2 = 1.0 - _E2 * np.sin(np.radians(latitude_deg)) ** 2
    return _A_M * (1.0 - _E2) / w2**1.5, _A_M / np.sqrt(w2)


def _earth_centred(lon: Floats, lat: Floats) -> tuple[Floats, Floats, Floats]:
    lam, phi = np.radians(lon), np.radians(lat)
    _, normal = curvature_radii_m(lat)
    flat = normal * np.cos(phi)
    return flat * np.cos(lam), flat * np.sin(lam), normal * (1.0 - _E2) * np.sin(phi)


@dataclass(frozen=True, slots=True, eq=False)
class LocalMetric:
    """Taylor expansion of the squared distance about fixed origins, to the fourth order.

    With dphi, dlam the differences to the origin at latitude phi:

        Y = dphi (M + M' dphi / 2)                     M' = dM/dphi
        X = dlam (N cos phi - M sin phi dphi / 2)
        d² = Y² + X² (1 - a Y² - b X²)                 a = 1/(3 M N) + tan² phi / (4 N²)
                                                       b = tan² phi / (12 N²)

    The fourth-order terms are those of the sphere with the same curvature (expand the haversine
    formula to fourth order and subtract the square of X); what they leave out is of fifth order or
    carries a factor of the flattening, 1/298. Arrays are per origin, angles degrees.
    """

    longitude_deg: Floats
    latitude_deg: Floats
    meridian: Floats
    meridian_bend: Floats
    parallel: Floats
    parallel_bend: Floats
    square_xy: Floats
    square_xx: Floats

    @classmethod
    def at(cls, longitude_deg: Floats, latitude_deg: Floats) -> Self:
        """Expansions about the given points; all trigonometry happens here."""
        phi, per_deg = np.radians(latitude_deg), np.pi / 180.0
        m, n = curvature_radii_m(latitude_deg)
        m_slope = 3.0 * _E2 * m * np.sin(phi) * np.cos(phi) / (1.0 - _E2 * np.sin(phi) ** 2)
        bend2 = (np.tan(phi) / n) ** 2
        return cls(
            longitude_deg=longitude_deg,
            latitude_deg=latitude_deg,
            meridian=m * per_deg,
            meridian_bend=m_slope / 2.0 * per_deg**2,
            parallel=n * np.cos(phi) * per_deg,
            parallel_bend=-m * np.sin(phi) / 2.0 * per_deg**2,
            square_xy=1.0 / (3.0 * m * n) + bend2 / 4.0,
            square_xx=bend2 / 12.0,
        )

    def distance_m(self, origin: NDArray[np.integer], lon: Floats, lat: Floats) -> Floats:
        """Metres from origin number `origin[i]` to point i."""
        dphi = lat - self.latitude_deg[origin]
        dlam = lon - self.longitude_deg[origin]
        y2 = (dphi * (self.meridian[origin] + self.meridian_bend[origin] * dphi)) ** 2
        x2 = (dlam * (self.parallel[origin] + self.parallel_bend[origin] * dphi)) ** 2
        shrink = 1.0 - self.square_xy[origin] * y2 - self.square_xx[origin] * x2
        return np.asarray(np.sqrt(y2 + x2 * shrink))
