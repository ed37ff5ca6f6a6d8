"""The grid under the store-cover index: for each cell, the stores that can be nearest in it.

A cell keeps a store iff the store's circle reaches it and no other store whose circle holds the
whole cell is certainly nearer everywhere in it. Distances to cells are bounded on the flat
approximation with the extreme parallels of store and cell, and the bounds widened by 1e-4 and
0.5 m, which exceeds what curvature, flattening and rounding can take away below 10 km.

Memory follows the stores and not the area between them: cells come in pages of 16 x 16, and only
pages that some circle touches have cells of their own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from merchants.geo.distance import curvature_radii_m

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

CELLS_PER_DEG: Final = 400
_CELL_DEG: Final = 1 / CELLS_PER_DEG
_PAGE_BITS: Final = 4
_PAGE_MASK: Final = (1 << _PAGE_BITS) - 1
_PAGE_CELLS: Final = 1 << 2 * _PAGE_BITS
_SLACK: Final = 1e-4
_SLACK_M: Final = 0.5


class _Box(NamedTuple):
    """Cells that hold a circle: rows and columns from..to, both included."""

    south: int
    north: int
    west: int
    east: int


@dataclass(frozen=True, slots=True, eq=False)
class CoverGrid:
    """Cells, and per cell a run of `stores` in ascending order: `starts[cell]:starts[cell + 1]`."""

    origin_row: int
    origin_column: int
    pages: Ints
    starts: Ints
    stores: Ints

    @classmethod
    def build(cls, lon: Floats, lat: Floats, radius_m: Floats) -> Self:
        """Grid for circles that neither cross the 180th meridian nor lie beyond latitude 60."""
        circles = _Circles.of(lon, lat, radius_m)
        boxes = list(circles.boxes())
        row, column, pages = _page_table(boxes)
        cell_count = (int(pages.max()) + 1) * _PAGE_CELLS
        cells, stores = _candidates(
            circles, boxes, cls(row, column, pages, _NONE, _NONE), cell_count
        )
        order = np.argsort(cells, kind="stable")
        starts = np.zeros(cell_count + 1, dtype=np.int32)
        np.cumsum(np.bincount(cells, minlength=cell_count), out=starts[1:])
        return cls(row, column, pages, starts, stores[order])

    def candidates(self, lon: Floats, lat: Floats) -> tuple[Ints, Ints]:
        """Per point the half-open run of `stores` to try; empty far from circles and for NaN."""
        rows, columns = (extent << _PAGE_BITS for extent in self.pages.shape)
        row = _clipped(lat * CELLS_PER_DEG - self.origin_row, rows)
        column = _clipped(lon * CELLS_PER_DEG - self.origin_column, columns)
        cell = self.cells(row, column)
        return self.starts[cell], self.starts[cell + 1]

    def cells(self, row: NDArray[np.intp], column: NDArray[np.intp]) -> NDArray[np.intp]:
        """Cell numbers of rows and columns counted from the grid's origin."""
        page = self.pages[row >> _PAGE_BITS, column >> _PAGE_BITS]
        within = ((row & _PAGE_MASK) << _PAGE_BITS) | (column & _PAGE_MASK)
        return np.asarray((page << 2 * _PAGE_BITS) | within, dtype=np.intp)


_NONE: Final = np.empty(0, dtype=np.int32)


def _clipped(position: Floats, size: int) -> NDArray[np.intp]:
    """Row or column of a position; what is outside, and NaN, lands on the grid's empty border."""
    np.fmin(position, size - 1, out=position)
    return np.fmax(position, 0, out=position).astype(np.intp)


def _page_table(boxes: list[_Box]) -> tuple[int, int, Ints]:
    """Grid origin (row, column) and page numbers; page 0 is empty and so is the outermost ring."""
    if not boxes:
        return 0, 0, np.zeros((1, 1), dtype=np.int32)
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
    pages = np.where(touched, np.cumsum(touched).reshape(touched.shape), 0).astype(np.int32)
    return first_row << _PAGE_BITS, first_column << _PAGE_BITS, pages


def _candidates(
    circles: "_Circles", boxes: list[_Box], grid: CoverGrid, cell_count: int
) -> tuple[NDArray[np.intp], Ints]:
    """Pairs (cell, store), stores ascending, that survive the nearest-store pruning."""
    nearest_cover_m = np.full(cell_count, np.inf, dtype=np.float32)
    reached: list[tuple[NDArray[np.intp], NDArray[np.float32]]] = []
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
    owners = np.repeat(np.arange(len(kept), dtype=np.int32), [cell.size for cell in kept])
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
