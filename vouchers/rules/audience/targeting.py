"""Rings around stores, and the answer to one resident's "why me, why not me"."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from merchants.geo import CoordinateFault, check_coordinates, distance_m
from vouchers.rules.audience.store_cover import NO_STORE, Nearest, StoreCircles, StoreCover

Floats = NDArray[np.float64]

NO_RING: Final = -1
_MEAN_RADIUS_M: Final = 6_371_008.8
_SPHERE_ERROR: Final = 0.01
"""A sphere is wrong by at most 0.6 per cent of any distance on the ellipsoid; rounded up."""


class InvalidRingsError(ValueError):
    """Rings must have distinct labels, be finite, rise outwards and not overlap."""


@dataclass(frozen=True, slots=True)
class Ring:
    """Distances above `from_m` up to and including `to_m`; a ring from zero includes zero."""

    label: str
    from_m: float
    to_m: float

    def holds(self, metres: float) -> bool:
        """Whether a distance falls in this ring."""
        return (self.from_m < metres or self.from_m == 0) and metres <= self.to_m


@dataclass(frozen=True, slots=True)
class Rings:
    """The rings of a campaign, inmost first; gaps between them are allowed."""

    rings: tuple[Ring, ...]

    @classmethod
    def of(cls, edges: Iterable[tuple[str, float, float]]) -> Self:
        """From (label, from_m, to_m), inmost first; raises InvalidRingsError."""
        return cls(tuple(Ring(*edge) for edge in edges))

    def __post_init__(self) -> None:
        bounds = [bound for ring in self.rings for bound in (ring.from_m, ring.to_m)]
        if not np.isfinite(bounds).all() or any(bound < 0 for bound in bounds):
            raise InvalidRingsError("Ring edges must be finite and not negative.")
        if any(ring.from_m >= ring.to_m for ring in self.rings):
            raise InvalidRingsError("A ring must end farther out than it begins.")
        if any(inner.to_m > outer.from_m for inner, outer in pairwise(self.rings)):
            raise InvalidRingsError("Rings must be given inmost first and must not overlap.")
        if len({ring.label for ring in self.rings}) < len(self.rings):
            raise InvalidRingsError("Each ring needs a label of its own.")

    @property
    def edges_m(self) -> tuple[float, ...]:
        """Every distance at which the ring changes, ascending."""
        return tuple(sorted({edge for ring in self.rings for edge in (ring.from_m, ring.to_m)}))

    def positions(self, metres: Floats) -> NDArray[np.int8]:
        """Per distance the position of its ring, or NO_RING."""
        found = np.full(metres.shape, NO_RING, dtype=np.int8)
        for position, ring in enumerate(self.rings):
            above = (metres > ring.from_m) | (ring.from_m == 0)
            found[above & (metres <= ring.to_m)] = position
        return found

    def label(self, metres: float) -> str | None:
        """Label of the ring a distance falls in."""
        return next((ring.label for ring in self.rings if ring.holds(metres)), None)


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """Per resident the nearest covering store and, by its distance, the position of the ring."""

    nearest: Nearest
    ring: NDArray[np.int8]


def place(
    cover: StoreCover, rings: Rings, longitude_deg: ArrayLike, latitude_deg: ArrayLike
) -> Placed:
    """Place WGS-84 points: store and ring as geopy's distance has them, at every edge too."""
    nearest = cover.nearest(longitude_deg, latitude_deg, edges_m=rings.edges_m)
    return Placed(nearest, rings.positions(nearest.distance_m))


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one point is targeted or not; distances are geopy's own.

    `nearest_store` is the nearest of all. `deciding_store` is the nearest whose circle holds the
    point or, where none does, the one whose circle's edge is nearest; `distance_m` and `outside_m`
    (0 inside) refer to it. With a fault, or no stores, there is neither.
    """

    fault: CoordinateFault | None = None
    nearest_store: int = NO_STORE
    nearest_m: float = float("inf")
    deciding_store: int = NO_STORE
    distance_m: float = float("inf")
    inside: bool = False
    outside_m: float = float("inf")
    ring: str | None = None


def explain(
    longitude_deg: float, latitude_deg: float, circles: StoreCircles, rings: Rings
) -> Explanation:
    """Explain one WGS-84 point against the participating stores; agrees with `place`."""
    fault = check_coordinates(longitude_deg, latitude_deg)
    if fault or not len(circles):
        return Explanation(fault=fault)
    metres = _distances_that_matter(longitude_deg, latitude_deg, circles)
    nearest = min(metres, key=lambda store: (metres[store], store))
    outside = {store: max(0.0, metres[store] - circles.radius_m[store]) for store in metres}
    deciding = min(metres, key=lambda store: (outside[store], metres[store], store))
    inside = bool(metres[deciding] <= circles.radius_m[deciding])
    return Explanation(
        nearest_store=nearest,
        nearest_m=metres[nearest],
        deciding_store=deciding,
        distance_m=metres[deciding],
        inside=inside,
        outside_m=float(outside[deciding]),
        ring=rings.label(metres[deciding]) if inside else None,
    )


def _distances_that_matter(lon: float, lat: float, circles: StoreCircles) -> dict[int, float]:
    """Geodesic metres to every store that can be nearest, covering, or nearest by its edge.

    Bounds from the sphere leave out the stores that certainly are none of these.
    """
    sphere_m = _haversine_m(circles.longitude_deg, circles.latitude_deg, lon, lat)
    low, high = sphere_m * (1 - _SPHERE_ERROR), sphere_m * (1 + _SPHERE_ERROR)
    radius_m = circles.radius_m
    candidate = (low <= high.min()) | (low <= radius_m)
    candidate |= low - radius_m <= (high - radius_m).min()
    stores = np.flatnonzero(candidate).tolist()
    lons, lats = circles.longitude_deg, circles.latitude_deg
    return {store: distance_m(lons[store], lats[store], lon, lat) for store in stores}


def _haversine_m(lon1: Floats, lat1: Floats, lon2: float, lat2: float) -> Floats:
    phi1, phi2 = np.radians(lat1), np.radians(lat2)
    rise, run = np.sin((phi2 - phi1) / 2), np.sin(np.radians(lon2 - lon1) / 2)
    square = np.clip(rise**2 + np.cos(phi1) * np.cos(phi2) * run**2, 0.0, 1.0)
    return np.asarray(2 * _MEAN_RADIUS_M * np.arcsin(np.sqrt(square)))
