"""Stores left out of a cell because another one beats them at its four corners.

The points nearer to one store than to another are a half-plane, so if all four corners of a cell
are among them, the whole cell is. On the ellipsoid, within 10 km, the line between the two bends by
micrometres over a cell and the cell's own edges by 2 mm; the corners have to be nearer by 0.1 m.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from merchants.geo.distance import LocalMetric

Floats = NDArray[np.float64]
Index = NDArray[np.intp]

_CORNER_SLACK_M: Final = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs (cell, store), those of a cell in a row, with the cells' south-western corners."""

    cells: Index
    stores: Index
    west: Floats
    south: Floats
    side_deg: float

    def only(self, which: NDArray[np.bool_]) -> Self:
        """Some of the pairs."""
        cells, stores = self.cells[which], self.stores[which]
        return type(self)(cells, stores, self.west[which], self.south[which], self.side_deg)

    def quartered(self) -> Self:
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

    def without_beaten(self, local: LocalMetric, radius_m: Floats) -> Self:
        """Less the pairs whose store is beaten at all four corners by one that holds the cell;
        tried with those nearest at each corner."""
        if not self.stores.size:
            return self
        metres = self._corners_m(local)
        is_holder = metres.max(axis=0) + _CORNER_SLACK_M <= radius_m[self.stores]
        is_first = np.r_[True, self.cells[1:] != self.cells[:-1]]
        first, cell = np.flatnonzero(is_first), np.cumsum(is_first) - 1
        beaten = np.zeros(self.stores.size, dtype=np.bool_)
        for at_corner in metres:
            held_m = np.where(is_holder, at_corner, np.inf)
            nearest = np.flatnonzero(held_m == np.minimum.reduceat(held_m, first)[cell])
            champion = np.zeros(first.size, dtype=np.intp)
            champion[cell[nearest]] = nearest
            rival = champion[cell]
            is_beaten = is_holder[rival]
            for some in metres:
                is_beaten &= some >= some[rival] + _CORNER_SLACK_M
            beaten |= is_beaten
        return self.only(~beaten)

    def _corners_m(self, local: LocalMetric) -> Floats:
        """Metres from the store to each of the cell's corners."""
        east, north = self.west + self.side_deg, self.south + self.side_deg
        corners = [(lon, lat) for lon in (self.west, east) for lat in (self.south, north)]
        return np.stack([local.distance_m(self.stores, lon, lat) for lon, lat in corners])
