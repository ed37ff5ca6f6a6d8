"""People counted by squares of ground, so that no figure says where one person lives. Pure.

A preview that counted homes would give one away: 3,000 m against 3,001 m, one person more. So a
figure is made of *squares* that hold at least ten of the people it counts, and a square counts by
how much of its ground is reached, not by who lives where in it:

1. Each person stands for the cell of 0.0025 degrees (about 280 m) that holds their place.
2. Cells with ten or more are squares. What fewer is left goes up to the square of four times the
   size, with what its neighbours have left, and so on. The last few are counted without a place.
3. A square's share is that of 16 points, spread evenly over it, which the campaign reaches.

The first two steps know nothing of the campaign's stores and radii, the third nothing of people.
So previews of the same people, however many, say no more than the table of squares would, and two
people of one cell can never be told apart by their places.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST: Final = 10
"""People in a square; a figure of fewer is not shown."""

CELLS_PER_DEGREE: Final = 400
TOP_LEVEL: Final = 5
"""Squares of 32 × 32 cells, about 9 km; what is left there is counted without a place."""
ANYWHERE: Final = TOP_LEVEL + 1

_AXIS_BITS: Final = 18
_AXIS: Final = (1 << _AXIS_BITS) - 1
_CELL: Final = (1 << 2 * _AXIS_BITS) - 1
_PENDING_MOST: Final = 1 << 21
_POINTS_A_SIDE: Final = 4
POINTS: Final = _POINTS_A_SIDE**2


class Squares(NamedTuple):
    """Groups of at least `LEAST` people of one category. `level` 0 is a cell, each next one four
    times as large; of ANYWHERE row and column mean nothing."""

    category: Ints
    level: Ints
    row: Ints
    column: Ints
    people: Ints


@dataclass(slots=True)
class Census:
    """People by category (a number below 2^27) and cell."""

    _keys: list[Ints] = field(default_factory=list)
    _pending: int = 0
    _counted: tuple[Ints, Ints] = (np.empty(0, np.int64), np.empty(0, np.int64))

    def add(self, category: Ints | int, cells: Ints) -> None:
        """Count people by their categories, or all by one, and by the cells of their places."""
        self._keys.append(np.left_shift(np.int64(category), 2 * _AXIS_BITS) | cells)
        self._pending += cells.size
        if self._pending > _PENDING_MOST:
            self._count()

    def cells(self) -> tuple[Ints, Ints]:
        """Distinct cells, ascending, and their people of all categories."""
        self._count()
        keys, counts = self._counted
        return _summed(keys & _CELL, counts)

    def squares(self) -> Squares:
        """Everyone in squares, but for the last nine or fewer of a category."""
        self._count()
        keys, counts = self._counted
        category, row, column = keys >> 2 * _AXIS_BITS, (keys >> _AXIS_BITS) & _AXIS, keys & _AXIS
        made = []
        for level in range(ANYWHERE + 1):
            if level == ANYWHERE:
                row, column = np.zeros_like(row), np.zeros_like(column)
            keys = (category << 2 * _AXIS_BITS) | (row << _AXIS_BITS) | column
            keys, counts = _summed(keys, counts)
            category = keys >> 2 * _AXIS_BITS
            row, column = (keys >> _AXIS_BITS) & _AXIS, keys & _AXIS
            full = counts >= LEAST
            at = np.full(int(full.sum()), level, dtype=np.int64)
            made.append((category[full], at, row[full], column[full], counts[full]))
            category, counts = category[~full], counts[~full]
            row, column = row[~full] >> 1, column[~full] >> 1
        return Squares(*(np.concatenate(columns) for columns in zip(*made, strict=True)))

    def _count(self) -> None:
        """Bring together what was added, so that memory holds distinct cells and not people."""
        keys = np.concatenate([np.empty(0, np.int64), *self._keys])
        found, counts = np.unique(keys, return_counts=True)
        known, before = self._counted
        self._counted = _summed(
            np.concatenate([known, found]), np.concatenate([before, counts.astype(np.int64)])
        )
        self._keys, self._pending = [], 0


def cells_of(longitude_deg: Floats, latitude_deg: Floats) -> Ints:
    """The cell of each place, as one number."""
    row = np.floor((latitude_deg + 90) * CELLS_PER_DEGREE).astype(np.int64)
    column = np.floor((longitude_deg + 180) * CELLS_PER_DEGREE).astype(np.int64)
    return join_cells(row, column)


def join_cells(row: Ints, column: Ints) -> Ints:
    """Rows and columns of cells, each as one number; in the order of rows."""
    return np.asarray((row << _AXIS_BITS) | column)


def split_cells(cells: Ints) -> tuple[Ints, Ints]:
    """Rows and columns of cells."""
    return np.asarray(cells >> _AXIS_BITS), np.asarray(cells & _AXIS)


def _summed(keys: Ints, counts: Ints) -> tuple[Ints, Ints]:
    """Distinct keys, ascending, with the sums of their counts."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    if not starts.size:
        return ordered, counts
    return ordered[starts], np.add.reduceat(counts[order], starts)


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """The distinct squares of some groups, and 16 points of each, one square after another."""

    _keys: Ints
    longitude_deg: Floats
    latitude_deg: Floats

    @classmethod
    def of(cls, parts: Sequence[Squares]) -> Self:
        """Each square once, however many groups are counted in it."""
        keys = [_keys(squares)[squares.level < ANYWHERE] for squares in parts]
        found = np.unique(np.concatenate([np.empty(0, np.int64), *keys]))
        level, row = found >> 2 * _AXIS_BITS, (found >> _AXIS_BITS) & _AXIS
        inner = (np.arange(_POINTS_A_SIDE) + 0.5) / _POINTS_A_SIDE
        size = (1 << level)[:, None] / CELLS_PER_DEGREE
        lat = (row[:, None] + np.repeat(inner, _POINTS_A_SIDE)) * size - 90
        lon = ((found & _AXIS)[:, None] + np.tile(inner, _POINTS_A_SIDE)) * size - 180
        return cls(found, lon.reshape(-1), lat.reshape(-1))

    def people(self, squares: Squares) -> Floats:
        """People of each square, as if evenly over its points; those without a place are left
        out."""
        placed = squares.level < ANYWHERE
        at = np.searchsorted(self._keys, _keys(squares)[placed])
        of_square = np.bincount(at, weights=squares.people[placed], minlength=self._keys.size)
        return np.repeat(of_square / POINTS, POINTS)

    def shares(self, squares: Squares, is_reached: NDArray[np.bool_]) -> Floats:
        """Of each group the share that is reached, given which of the points are.

        A group without a place has the mean share of its category, or if none of it has a place, of
        all groups.
        """
        of_square = is_reached.reshape(-1, POINTS).mean(axis=1)
        placed = squares.level < ANYWHERE
        shares = np.zeros(squares.people.size)
        shares[placed] = of_square[np.searchsorted(self._keys, _keys(squares)[placed])]
        for group in np.flatnonzero(~placed):
            same = placed & (squares.category == squares.category[group])
            like = same if same.any() else placed
            if like.any():
                shares[group] = np.average(shares[like], weights=squares.people[like])
        return shares


def _keys(squares: Squares) -> Ints:
    """One number for the ground of each group."""
    where = (squares.row << _AXIS_BITS) | squares.column
    return np.asarray((squares.level << 2 * _AXIS_BITS) | where)
