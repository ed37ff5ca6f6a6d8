"""Cells and the stores that count in them, quartered from large cells to small ones.

A store is left out of a cell, and so of every quarter of it, for one of two reasons:

1. Its circle does not reach the cell. The point of a rectangle that is nearest to a store lies, in
   either direction, at most half a side from the nearest corner; so the square of the distance to
   the cell is that to the corner less, at most, the square of half the diagonal.
2. Another store, whose circle holds the whole cell, beats it at the four corners. The points nearer
   to one store than to another are a half-plane, so if all four corners are among them, the whole
   cell is.

Both are said of the plane. On the ellipsoid, within 21 km, the line between two stores bends by
micrometres over a cell of 0.0025 degrees and the cell's own edges by 1 mm. Both grow by the square
of the width, and so does the slack, which is a hundred times as much.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from merchants.geo.distance import LocalMetric

Floats = NDArray[np.float64]
Index = NDArray[np.intp]

_PAIRS_AT_ONCE: Final = 1024
_REACH_SLACK: Final = 1e-4
_REACH_SLACK_M: Final = 0.5
_HALF_DIAGONAL_SLACK: Final = 1.01
"""A degree of longitude is longer by less than a per cent at the cell than at the store."""
_CORNER_SLACK_M: Final = 0.1
_CORNER_SLACK_M_PER_DEG2: Final = _CORNER_SLACK_M / 0.0025**2


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs (cell, store), those of a cell in a row, with the cells' south-western corners."""

    cells: Index
    stores: Index
    west: Floats
    south: Floats
    side_deg: float

    def refined(self, times: int, local: LocalMetric, radius_m: Floats) -> Self:
        """Quartered so many times, each time without the pairs that do not count; a few cells at
        once, so that all of it stays in the processor's cache."""
        if not self.stores.size:
            return self
        borders = np.flatnonzero(self._is_first())
        is_cut = np.append(True, np.diff(borders // _PAIRS_AT_ONCE) > 0)
        refined = []
        for start, stop in pairwise([*borders[is_cut].tolist(), self.stores.size]):
            few = self.only(slice(start, stop))
            for _ in range(times):
                few = few._quartered()._pruned(local, radius_m)
            refined.append(few)
        return type(self)(
            np.concatenate([few.cells for few in refined]),
            np.concatenate([few.stores for few in refined]),
            np.concatenate([few.west for few in refined]),
            np.concatenate([few.south for few in refined]),
            refined[0].side_deg,
        )

    def only(self, which: NDArray[np.bool_] | Index | slice) -> Self:
        """Some of the pairs."""
        cells, stores = self.cells[which], self.stores[which]
        return type(self)(cells, stores, self.west[which], self.south[which], self.side_deg)

    def _is_first(self) -> NDArray[np.bool_]:
        """Which pairs are the first of their cell."""
        is_first = np.ones(self.cells.size, dtype=np.bool_)
        is_first[1:] = self.cells[1:] != self.cells[:-1]
        return is_first

    def _quartered(self) -> Self:
        """Each cell's pairs once for every quarter of it: those of cell n are 4n to 4n + 3, by
        row."""
        quarter = np.arange(4)[:, None]
        side_deg = self.side_deg / 2
        cells = (self.cells * 4 + quarter).ravel()
        order = np.argsort(cells, kind="stable")
        west = (self.west + (quarter & 1) * side_deg).ravel()
        south = (self.south + (quarter >> 1) * side_deg).ravel()
        stores = np.tile(self.stores, 4)
        return type(self)(cells[order], stores[order], west[order], south[order], side_deg)

    def _pruned(self, local: LocalMetric, radius_m: Floats) -> Self:
        """The pairs without those whose store does not reach the cell, or is beaten by a store that
        holds all of it; tried with the one whose farthest corner is nearest."""
        metres = self._corners_m(local)
        slack_m = _CORNER_SLACK_M + _CORNER_SLACK_M_PER_DEG2 * self.side_deg**2
        far_m = metres.max(axis=0)
        held_m = np.where(far_m + slack_m <= radius_m[self.stores], far_m, np.inf)
        is_first = self._is_first()
        cell = np.cumsum(is_first) - 1
        least_m = np.minimum.reduceat(held_m, np.flatnonzero(is_first))
        nearest = np.flatnonzero(held_m == least_m[cell])
        champion = np.empty(least_m.size, dtype=np.intp)
        champion[cell[nearest]] = nearest
        rival = champion[cell]
        is_beaten = (metres >= metres[:, rival] + slack_m).all(axis=0) & (held_m[rival] < np.inf)
        reaches = self._reaches(metres.min(axis=0), local, radius_m)
        return self.only(np.flatnonzero(reaches & ~is_beaten))

    def _corners_m(self, local: LocalMetric) -> Floats:
        """Metres from the store to each of the cell's corners."""
        lon = np.stack([self.west, self.west + self.side_deg])
        lat = np.stack([self.south, self.south + self.side_deg])
        return local.distance_m(self.stores, lon, lat[:, None]).reshape(4, -1)

    def _reaches(self, corner_m: Floats, local: LocalMetric, radius_m: Floats) -> NDArray[np.bool_]:
        """Whether the circle can hold a point of the cell whose nearest corner is so far away."""
        half_m = np.hypot(local.meridian, local.parallel) * (self.side_deg / 2)
        limit_m = radius_m * (1 + _REACH_SLACK) + _REACH_SLACK_M
        limit_m = np.hypot(limit_m, half_m * _HALF_DIAGONAL_SLACK)
        return np.asarray(corner_m <= limit_m[self.stores])
