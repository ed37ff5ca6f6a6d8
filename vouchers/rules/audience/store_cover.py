"""The store-cover index: who is inside which store's circle, exactly, millions of points a second.

A resident is inside a store's circle iff `geopy.distance.geodesic` between them is at most the
store's radius. The index holds the stores, the residents stream past it in chunks, and no table of
(resident, store) pairs ever exists.

1. *Cells.* A grid of 0.0025 degrees (about 280 m); for each cell the few stores that can be the
   nearest covering one somewhere in it. Bounds are conservative, so that none is missed.
2. *Tiers.* Distances to a cell's stores come from the cheapest formula that decides: a polynomial
   without trigonometry; the chord, for points that the polynomial leaves within 5 cm of a circle's
   edge, of a ring's edge or of a second store equally near; geopy itself, for those that even the
   chord leaves within 0.1 mm. The formulas' errors are several hundred and ten times smaller than
   these bands, so the answer equals geopy's by construction, at any edge and to the last bit.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from merchants.geo import (
    FAULTS,
    CoordinateFault,
    LocalMetric,
    chord_distance_m,
    coordinate_faults,
    distance_m,
)
from vouchers.rules.audience.cover_grid import NO_STORE as NO_STORE
from vouchers.rules.audience.cover_grid import SEVERAL, CoverGrid

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Index = NDArray[np.intp]
Flags = NDArray[np.bool_]
Metric = Callable[[Index, Floats, Floats], Floats]

MAX_RADIUS_M: Final = 10_000.0
CHUNK: Final = 1 << 15
POLYNOMIAL_BAND_M: Final = 0.05
CHORD_BAND_M: Final = 0.0001


class InvalidCircleError(ValueError):
    """A store's coordinates or radius can't be used for targeting."""


@dataclass(frozen=True, slots=True, eq=False)
class StoreCircles:
    """Stores of one campaign in WGS-84, each with its own radius; validated, read-only in use."""

    longitude_deg: Floats
    latitude_deg: Floats
    radius_m: Floats

    @classmethod
    def of(cls, longitude_deg: ArrayLike, latitude_deg: ArrayLike, radius_m: ArrayLike) -> Self:
        """Arrays of one length; raises InvalidCircleError naming the first unusable store."""
        lon, lat, radius = (
            np.array(values, dtype=np.float64) for values in (longitude_deg, latitude_deg, radius_m)
        )
        if lon.ndim != 1 or not lon.shape == lat.shape == radius.shape:
            raise InvalidCircleError("Longitudes, latitudes and radii must be lists of one length.")
        codes = coordinate_faults(lon, lat)
        for index in np.flatnonzero(codes)[:1]:
            raise InvalidCircleError(f"Store {index}: {FAULTS[codes[index] - 1].sentence}")
        for index in np.flatnonzero(~((radius > 0) & (radius <= MAX_RADIUS_M)))[:1]:
            raise InvalidCircleError(f"Store {index}: radius must be above 0 and at most 10 km.")
        return cls(lon, lat, radius)

    def __len__(self) -> int:
        return len(self.radius_m)


@dataclass(frozen=True, slots=True, eq=False)
class Nearest:
    """Per point the nearest store among those whose circle holds it (ties: the lowest index).

    `store_index` is NO_STORE and `distance_m` infinite where no circle holds the point. Points
    refused for their coordinates are among those, and listed: position, and 1 + index in FAULTS.
    """

    store_index: Ints
    distance_m: Floats
    refused_at: NDArray[np.intp]
    refused_code: NDArray[np.int8]

    @property
    def refused(self) -> Counter[CoordinateFault]:
        """How many points were refused, by reason."""
        codes, counts = np.unique(self.refused_code, return_counts=True)
        return Counter({FAULTS[code - 1]: int(n) for code, n in zip(codes, counts, strict=True)})


@dataclass(frozen=True, slots=True, eq=False)
class StoreCover:
    """Index over the circles of one campaign; build once, ask for any number of points."""

    circles: StoreCircles
    _local: LocalMetric
    _grid: CoverGrid

    @classmethod
    def build(cls, longitude_deg: ArrayLike, latitude_deg: ArrayLike, radius_m: ArrayLike) -> Self:
        """Index stores given as WGS-84 degrees and metres; raises InvalidCircleError."""
        return cls.of(StoreCircles.of(longitude_deg, latitude_deg, radius_m))

    @classmethod
    def of(cls, circles: StoreCircles) -> Self:
        """Index circles; 0.1 s for 500 stores."""
        local = LocalMetric.at(circles.longitude_deg, circles.latitude_deg)
        return cls(circles, local, CoverGrid.build(local, circles.radius_m))

    def nearest(
        self,
        longitude_deg: ArrayLike,
        latitude_deg: ArrayLike,
        edges_m: Sequence[float] = (),
    ) -> Nearest:
        """Nearest covering store of every WGS-84 point, in the order given.

        Membership and store equal geopy's exactly. Distances are within 0.1 mm of geopy's, never
        beyond the store's radius, and compare with any of `edges_m` as geopy's do.
        """
        lon = np.asarray(longitude_deg, dtype=np.float64)
        lat = np.asarray(latitude_deg, dtype=np.float64)
        if lon.ndim != 1 or lon.shape != lat.shape:
            raise ValueError("longitudes and latitudes must be lists of one length")
        store = np.empty(lon.size, dtype=np.int32)
        distance = np.empty(lon.size, dtype=np.float64)
        unsure = np.empty(lon.size, dtype=np.bool_)
        refused_at, refused_code = [np.empty(0, np.intp)], [np.empty(0, np.int8)]
        for chunk in _chunks(lon.size):
            codes = coordinate_faults(lon[chunk], lat[chunk])
            with np.errstate(invalid="ignore"):
                store[chunk], distance[chunk], unsure[chunk] = self._roughly(
                    lon[chunk], lat[chunk], edges_m
                )
            at = np.flatnonzero(codes)
            if at.size:
                store[chunk][at], distance[chunk][at], unsure[chunk][at] = NO_STORE, np.inf, False
                refused_at.append(at + chunk.start)
                refused_code.append(codes[at])
        self._decide(np.flatnonzero(unsure), lon, lat, edges_m, store, distance)
        return Nearest(store, distance, np.concatenate(refused_at), np.concatenate(refused_code))

    def _roughly(
        self, lon: Floats, lat: Floats, edges_m: Sequence[float]
    ) -> tuple[Index, Floats, Flags]:
        """One chunk by the polynomial, and which points it leaves open."""
        cell = self._grid.cells_of(lon, lat)
        sole = self._grid.sole[cell]
        store, distance, unsure = self._among_one(sole, lon, lat)
        several = np.flatnonzero(sole == SEVERAL)
        store[several], distance[several], unsure[several] = self._scan(
            self._local.distance_m, POLYNOMIAL_BAND_M, lon[several], lat[several], cell[several]
        )
        unsure |= _at_edge(distance, edges_m, POLYNOMIAL_BAND_M)
        return store, distance, unsure

    def _decide(
        self,
        at: Index,
        lon: Floats,
        lat: Floats,
        edges_m: Sequence[float],
        store: Ints,
        distance: Floats,
    ) -> None:
        """Write store and distance of the points left open, `at`: some hundreds of a million,
        taken together because a call costs more than a point."""
        for metric, band_m in ((self.chord_m, CHORD_BAND_M), (self.geodesic_m, 0.0)):
            if not at.size:
                break
            cell = self._grid.cells_of(lon[at], lat[at])
            store[at], distance[at], is_open = self._scan(metric, band_m, lon[at], lat[at], cell)
            at = at[is_open | _at_edge(distance[at], edges_m, band_m)]

    def _among_one(self, sole: Index, lon: Floats, lat: Floats) -> tuple[Index, Floats, Flags]:
        """As `_scan` by the polynomial, for points whose cell has one candidate; of the others none
        is covered."""
        if not len(self.circles):
            return sole, np.full(sole.size, np.inf), np.zeros(sole.size, dtype=np.bool_)
        store = np.maximum(sole, 0)
        distance = self._local.distance_m(store, lon, lat)
        beyond = distance - self.circles.radius_m[store]
        uncovered = ~(beyond <= 0)
        uncovered |= sole < 0
        unsure = np.abs(beyond) <= POLYNOMIAL_BAND_M
        unsure &= sole >= 0
        store[uncovered], distance[uncovered] = NO_STORE, np.inf
        return store, distance, unsure

    def _scan(
        self, metric: Metric, band_m: float, lon: Floats, lat: Floats, cell: Index
    ) -> tuple[Index, Floats, Flags]:
        """Nearest covering candidate by `metric`, and the points it can't decide within the band;
        those whose cells have equally many candidates at once."""
        store = np.full(lon.size, NO_STORE, dtype=np.intp)
        best = np.full(lon.size, np.inf)
        unsure = np.zeros(lon.size, dtype=np.bool_)
        first = self._grid.starts[cell]
        counts = self._grid.starts[cell + 1] - first
        for count in np.flatnonzero(np.bincount(counts)):
            at = np.flatnonzero(counts == count)
            candidate = self._grid.stores[np.arange(count)[:, None] + first[at]]
            distance = metric(candidate, lon[at], lat[at])
            beyond = distance - self.circles.radius_m[candidate]
            covers = beyond <= 0
            distance[~covers] = np.inf
            best[at] = nearest = distance.min(axis=0)
            lowest = np.where(distance == nearest, candidate, len(self.circles)).min(axis=0)
            store[at] = np.where(nearest < np.inf, lowest, NO_STORE)
            covers &= distance <= nearest + band_m
            unsure[at] = (np.abs(beyond) <= band_m).any(axis=0) | (covers.sum(axis=0) > 1)
        return store, best, unsure

    def chord_m(self, store: Index, lon: Floats, lat: Floats) -> Floats:
        """Metres from store i to point i by the chord."""
        stores = self.circles
        return chord_distance_m(stores.longitude_deg[store], stores.latitude_deg[store], lon, lat)

    def geodesic_m(self, store: Index, lon: Floats, lat: Floats) -> Floats:
        """Metres from store i to point i by geopy; 0.2 ms each."""
        stores = self.circles
        pairs = np.broadcast(stores.longitude_deg[store], stores.latitude_deg[store], lon, lat)
        return np.array([distance_m(*pair) for pair in pairs], dtype=np.float64).reshape(
            pairs.shape
        )


def _at_edge(distance: Floats, edges_m: Sequence[float], band_m: float) -> Flags:
    near = np.zeros(distance.size, dtype=np.bool_)
    for edge_m in edges_m:
        near |= np.abs(distance - edge_m) <= band_m
    return near


def _chunks(size: int) -> Iterator[slice]:
    return (slice(start, min(start + CHUNK, size)) for start in range(0, size, CHUNK))
