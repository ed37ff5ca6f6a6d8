"""The grid under the store-cover index: for each cell, the stores that can be nearest in it.

They are found from the top: pages of 16 x 16 cells that the box round a circle touches are
quartered down to cells, and the cells that several stores are left in on to parts (`cover_pairs`).

Memory follows the stores and not the area between them: only pages that some circle touches have
cells of their own.
"""

from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from merchants.geo.distance import LocalMetric
from vouchers.rules.audience.cover_pairs import Pairs

Floats = NDArray[np.float64]
Index = NDArray[np.intp]

CELLS_PER_DEG: Final = 400
_PAGE_BITS: Final = 4
_PAGE_MASK: Final = (1 << _PAGE_BITS) - 1
_PAGE_CELLS: Final = 1 << 2 * _PAGE_BITS
_PAGES_PER_DEG: Final = CELLS_PER_DEG / (1 << _PAGE_BITS)
_PART_BITS: Final = 2
_PARTS_A_SIDE: Final = 1 << _PART_BITS
_PART_MASK: Final = _PARTS_A_SIDE - 1
_PARTS: Final = 1 << 2 * _PART_BITS
_BOX_MARGIN: Final = 1.01
NO_STORE: Final = -1
SEVERAL: Final = -2


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
        row, column, stores = _touched_pages(local, radius_m)
        first_row, first_column, pages = _page_table(row, column)
        page = pages[row - first_row, column - first_column]
        order = np.argsort(page, kind="stable")
        west, south = (place[order] / _PAGES_PER_DEG for place in (column, row))
        found = Pairs(page[order], stores[order], west, south, 1 / _PAGES_PER_DEG)
        found = found.refined(_PAGE_BITS, local, radius_m)
        cells = _by_row(found.cells, _PAGE_BITS)
        count = (int(pages.max()) + 1) * _PAGE_CELLS
        is_cut = np.bincount(cells, minlength=count) > 1
        parts = np.where(is_cut, count + (np.cumsum(is_cut) - 1) * _PARTS, -1)
        is_whole = ~is_cut[cells]
        cut = replace(found, cells=parts[cells] >> 2 * _PART_BITS).only(~is_whole)
        cut = cut.refined(_PART_BITS, local, radius_m)
        cells = np.concatenate([cells[is_whole], _by_row(cut.cells, _PART_BITS)])
        order = np.argsort(cells, kind="stable")
        cells, stores = cells[order], np.concatenate([found.stores[is_whole], cut.stores])[order]
        counts = np.bincount(cells, minlength=count + int(is_cut.sum()) * _PARTS)
        sole = np.where(counts > 1, SEVERAL, NO_STORE)
        is_sole = counts[cells] == 1
        sole[cells[is_sole]] = stores[is_sole]
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.intp)
        origin_row, origin_column = first_row << _PAGE_BITS, first_column << _PAGE_BITS
        return cls(origin_row, origin_column, pages, starts, stores, sole, parts)

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

    def cells(self, row: Index, column: Index) -> Index:
        """Cell numbers of rows and columns counted from the grid's origin."""
        page = self.pages[row >> _PAGE_BITS, column >> _PAGE_BITS]
        within = ((row & _PAGE_MASK) << _PAGE_BITS) | (column & _PAGE_MASK)
        return np.asarray((page << 2 * _PAGE_BITS) | within)


def _clipped(position: Floats, size: int) -> Floats:
    """A position in rows or columns; what is outside, and NaN, lands on the grid's empty border."""
    np.fmin(position, size - 1, out=position)
    return np.fmax(position, 0, out=position)


def _touched_pages(local: LocalMetric, radius_m: Floats) -> tuple[Index, Index, Index]:
    """Rows and columns of the pages that the boxes round the circles touch, and which circle's."""
    lon, lat = local.longitude_deg, local.latitude_deg
    high = _BOX_MARGIN * radius_m / local.meridian
    shrink = np.cos(np.radians(np.abs(lat) + high)) / np.cos(np.radians(lat))
    wide = _BOX_MARGIN * radius_m / (local.parallel * shrink)
    south, north, west, east = (
        np.floor(edge * _PAGES_PER_DEG).astype(np.intp)
        for edge in (lat - high, lat + high, lon - wide, lon + wide)
    )
    columns = east - west + 1
    sizes = (north - south + 1) * columns
    stores = np.repeat(np.arange(sizes.size), sizes)
    nth = np.arange(stores.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    row, column = nth // columns[stores], nth % columns[stores]
    return south[stores] + row, west[stores] + column, stores


def _page_table(row: Index, column: Index) -> tuple[int, int, Index]:
    """Row and column it begins at, and page numbers; page 0 is empty and so is the outermost
    ring."""
    if not row.size:
        return 0, 0, np.zeros((1, 1), dtype=np.intp)
    first_row, first_column = int(row.min()) - 1, int(column.min()) - 1
    rows, columns = int(row.max()) - first_row + 2, int(column.max()) - first_column + 2
    is_touched = np.zeros((rows, columns), dtype=np.intp)
    is_touched[row - first_row, column - first_column] = 1
    return first_row, first_column, is_touched * np.cumsum(is_touched).reshape(rows, columns)


def _by_row(cells: Index, bits: int) -> Index:
    """Cells numbered by quartering `bits` times, numbered row by row within what was quartered."""
    nth = np.arange(1 << 2 * bits)
    place = np.zeros_like(nth)
    for bit in range(bits):
        place |= (nth >> 2 * bit & 1) << bit | (nth >> 2 * bit + 1 & 1) << bit + bits
    return np.asarray(cells & ~(nth.size - 1) | place[cells & (nth.size - 1)])
