"""The grid under the store-cover index: for each cell, the stores that can be nearest in it.

A cell keeps a store iff the store's circle reaches it and no other store whose circle holds the
whole cell is certainly nearer everywhere in it. That is seen in two ways:

1. By bounds on the distances to the whole cell, on the flat approximation with the extreme
   parallels of store and cell, widened by 1e-4 and 0.5 m, which exceeds what curvature, flattening
   and rounding can take away below 10 km.
2. By the corners of the cell (`cover_pairs`).

Memory follows the stores and not the area between them: cells come in pages of 16 x 16, and only
pages that some circle touches have cells of their own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from merchants.geo.distance import LocalMetric, curvature_radii_m
from vouchers.rules.audience.cover_pairs import Pairs

Floats = NDArray[np.float64]
Index = NDArray[np.intp]

CELLS_PER_DEG: Final = 400
_CELL_DEG: Final = 1 / CELLS_PER_DEG
_PAGE_BITS: Final = 4
_PAGE_MASK: Final = (1 << _PAGE_BITS) - 1
_PAGE_CELLS: Final = 1 << 2 * _PAGE_BITS
_PART_BITS: Final = 2
_PARTS_A_SIDE: Final = 1 << _PART_BITS
_PART_MASK: Final = _PARTS_A_SIDE - 1
_PARTS: Final = 1 << 2 * _PART_BITS
# Where the parts lie, row by row, that come of quartering and quartering again.
_PART_OF_QUARTERS: Final = np.array([0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15])
_SLACK: Final = 1e-4
_SLACK_M: Final = 0.5
NO_STORE: Final = -1
SEVERAL: Final = -2


class _Box(NamedTuple):
    """Cells that hold a circle: rows and columns from..to, both included."""

    south: int
    north: int
    west: int
    east: int


@dataclass(frozen=True, slots=True, eq=False)
class CoverGrid:
    """Cells, and per cell a run of `stores` in ascending order: `starts[cell]:starts[cell + 1]`.

    `sole` has, per cell, its one store, or NO_STORE, or SEVERAL. A cell of several stores is cut
    into parts, which are cells too, numbered from `parts[cell]` (-1: not cut). Whatever is used as
    an index is of the machine's own width: numpy takes three times as long by a narrower one.
    """

    origin_row: int
    origin_column: int
    pages: Index
    starts: Index
    stores: Index
    sole: Index
    parts: Index

    @classmethod
    def build(cls, local: LocalMetric, radius_m: Floats) -> Self:
        """Grid for circles round the origins of a metric, which neither cross the 180th meridian
        nor lie beyond latitude 60."""
        circles = _Circles.of(local.longitude_deg, local.latitude_deg, radius_m)
        boxes = list(circles.boxes())
        row, column, pages = _page_table(boxes)
        count = (int(pages.max()) + 1) * _PAGE_CELLS
        bare = cls(row, column, pages, _NONE, _NONE, _NONE, _NONE)
        cells, stores = _candidates(circles, boxes, bare, count)
        order = np.argsort(cells, kind="stable")
        whole = Pairs(cells[order], stores[order], *bare.corner_of(cells[order]), _CELL_DEG)
        whole = whole.without_beaten(local, radius_m)
        is_cut = np.bincount(whole.cells, minlength=count) > 1
        parts = np.where(is_cut, count + (np.cumsum(is_cut) - 1) * _PARTS, -1)
        cut = whole.only(is_cut[whole.cells])
        for _ in range(_PART_BITS):
            cut = cut.quartered().without_beaten(local, radius_m)
        whole = whole.only(~is_cut[whole.cells])
        within = _PART_OF_QUARTERS[cut.cells & (_PARTS - 1)]
        cells = np.concatenate([whole.cells, parts[cut.cells >> 2 * _PART_BITS] + within])
        order = np.argsort(cells, kind="stable")
        cells, stores = cells[order], np.concatenate([whole.stores, cut.stores])[order]
        counts = np.bincount(cells, minlength=count + int(is_cut.sum()) * _PARTS)
        sole = np.where(counts > 1, SEVERAL, NO_STORE)
        is_sole = counts[cells] == 1
        sole[cells[is_sole]] = stores[is_sole]
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.intp)
        return cls(row, column, pages, starts, stores, sole, parts)

    def cells_of(self, lon: Floats, lat: Floats) -> Index:
        """Per point the number of its cell, or part of one; an empty one far from circles and for
        NaN."""
        rows, columns = (extent << _PAGE_BITS for extent in self.pages.shape)
        high = _clipped(lat * CELLS_PER_DEG - self.origin_row, rows)
        far = _clipped(lon * CELLS_PER_DEG - self.origin_column, columns)
        cell = self.cells(high.astype(np.intp), far.astype(np.intp))
        parts = self.parts[cell]
        at = np.flatnonzero(parts >= 0)
        row, column = ((place[at] * _PARTS_A_SIDE).astype(np.intp) for place in (high, far))
        within = ((row & _PART_MASK) << _PART_BITS) | (column & _PART_MASK)
        cell[at] = parts[at] + within
        return cell

    def corner_of(self, cells: Index) -> tuple[Floats, Floats]:
        """Longitude and latitude of the south-western corners of cells that belong to a page."""
        rows, columns = np.nonzero(self.pages)
        page_row, page_column = np.zeros((2, int(self.pages.max()) + 1), dtype=np.intp)
        page_row[self.pages[rows, columns]] = rows << _PAGE_BITS
        page_column[self.pages[rows, columns]] = columns << _PAGE_BITS
        page, within = cells >> 2 * _PAGE_BITS, cells & (_PAGE_CELLS - 1)
        row = page_row[page] + (within >> _PAGE_BITS) + self.origin_row
        column = page_column[page] + (within & _PAGE_MASK) + self.origin_column
        return column * _CELL_DEG, row * _CELL_DEG

    def cells(self, row: Index, column: Index) -> Index:
        """Cell numbers of rows and columns counted from the grid's origin."""
        page = self.pages[row >> _PAGE_BITS, column >> _PAGE_BITS]
        within = ((row & _PAGE_MASK) << _PAGE_BITS) | (column & _PAGE_MASK)
        return np.asarray((page << 2 * _PAGE_BITS) | within)


_NONE: Final = np.empty(0, dtype=np.intp)


def _clipped(position: Floats, size: int) -> Floats:
    """A position in rows or columns; what is outside, and NaN, lands on the grid's empty border."""
    np.fmin(position, size - 1, out=position)
    return np.fmax(position, 0, out=position)


def _page_table(boxes: list[_Box]) -> tuple[int, int, Index]:
    """Grid origin (row, column) and page numbers; page 0 is empty and so is the outermost ring."""
    if not boxes:
        return 0, 0, np.zeros((1, 1), dtype=np.intp)
    first_row = (min(box.south for box in boxes) >> _PAGE_BITS) - 1
    first_column = (min(box.west for box in boxes) >> _PAGE_BITS) - 1
    last_row = (max(box.north for box in boxes) >> _PAGE_BITS) + 1
    last_column = (max(box.east for box in boxes) >> _PAGE_BITS) + 1
    touched = np.zeros((last_row - first_row + 1, last_column - first_column + 1), dtype=np.bool_)
    for south, north, west, east in boxes:
        touched[
            (south >> _PAGE_BITS) - first_row : (north >> _PAGE_BITS) - first_row + 1,
            (west >> _PAGE_BITS) - first_column : (east >> _PAGE_BITS) - first_column + 1,
        ] = True
    pages = np.where(touched, np.cumsum(touched).reshape(touched.shape), 0).astype(np.intp)
    return first_row << _PAGE_BITS, first_column << _PAGE_BITS, pages


def _candidates(
    circles: "_Circles", boxes: list[_Box], grid: CoverGrid, cell_count: int
) -> tuple[Index, Index]:
    """Pairs (cell, store), stores ascending, that survive the nearest-store pruning."""
    nearest_cover_m = np.full(cell_count, np.inf, dtype=np.float32)
    reached: list[tuple[Index, NDArray[np.float32]]] = []
    for store, box in enumerate(boxes):
        near_m, far_m = circles.bounds(store, box)
        row = np.arange(box.south, box.north + 1) - grid.origin_row
        column = np.arange(box.west, box.east + 1) - grid.origin_column
        cell = grid.cells(row[:, None], column[None, :])
        inside = far_m <= circles.radius_m[store]
        held = cell[inside]
        nearest_cover_m[held] = np.minimum(nearest_cover_m[held], far_m[inside])
        touched = near_m <= circles.radius_m[store]
        reached.append((cell[touched], near_m[touched].astype(np.float32)))
    kept = [cell[near_m <= nearest_cover_m[cell]] for cell, near_m in reached]
    owners = np.repeat(np.arange(len(kept), dtype=np.intp), [cell.size for cell in kept])
    return np.concatenate([np.empty(0, np.intp), *kept]), owners


@dataclass(frozen=True, slots=True, eq=False)
class _Circles:
    """Extents of circles in cells, and bounds on store-to-cell distances in metres."""

    lon: Floats
    lat: Floats
    radius_m: Floats
    meridian: Floats
    normal: Floats

    @classmethod
    def of(cls, lon: Floats, lat: Floats, radius_m: Floats) -> Self:
        meridian_m, normal_m = curvature_radii_m(lat)
        return cls(lon, lat, radius_m, np.radians(meridian_m), np.radians(normal_m))

    def boxes(self) -> Iterator[_Box]:
        """Per store the cells of the box around its circle, with a margin of 1 per cent."""
        high = 1.01 * self.radius_m / self.meridian
        wide = 1.01 * self.radius_m / (self.normal * np.cos(np.radians(np.abs(self.lat) + high)))
        edges = (self.lat - high, self.lat + high, self.lon - wide, self.lon + wide)
        cells = np.floor(np.stack(edges, axis=1) * CELLS_PER_DEG).astype(int)
        return (_Box(*box) for box in cells.tolist())

    def bounds(self, store: int, box: _Box) -> tuple[Floats, Floats]:
        """Lower and upper bound in metres of the distances to each cell of a box."""
        south = np.arange(box.south, box.north + 1, dtype=np.float64) * _CELL_DEG
        west = np.arange(box.west, box.east + 1, dtype=np.float64) * _CELL_DEG
        lat, north = self.lat[store], south + _CELL_DEG
        polar = np.maximum(np.abs(lat), np.maximum(np.abs(south), np.abs(north)))
        tropic = np.minimum(np.abs(lat), np.minimum(np.abs(south), np.abs(north)))
        rise_near, rise_far = _gaps(lat, south)
        run_near, run_far = _gaps(self.lon[store], west)
        degree_near = self.normal[store] * np.cos(np.radians(polar))
        degree_far = self.normal[store] * np.cos(np.radians(tropic))
        near = np.hypot(
            (rise_near * self.meridian[store])[:, None], np.outer(degree_near, run_near)
        )
        far = np.hypot((rise_far * self.meridian[store])[:, None], np.outer(degree_far, run_far))
        return near * (1 - _SLACK) - _SLACK_M, far * (1 + _SLACK) + _SLACK_M


def _gaps(point: float, start: Floats) -> tuple[Floats, Floats]:
    """Least and greatest difference in degrees between a point and the cells that begin there."""
    below, above = start - point, point - start - _CELL_DEG
    return np.maximum(0.0, np.maximum(below, above)), np.maximum(np.abs(below), np.abs(above))
