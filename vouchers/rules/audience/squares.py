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

from collections.abc import Hashable
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
    """People by category and cell; a category is anything that can be a key."""

    _numbers: dict[Hashable, int] = field(default_factory=dict)
    _keys: list[Ints] = field(default_factory=list)
    _counts: list[Ints] = field(default_factory=list)

    @property
    def categories(self) -> list[Hashable]:
        """By number, in the order of their first appearance."""
        return list(self._numbers)

    def add(self, category: Hashable, cells: Ints) -> None:
        """Count people of a category by the cells (`cells_of`) of their places."""
        if cells.size:
            number = self._numbers.setdefault(category, len(self._numbers))
            found, counts = np.unique(cells, return_counts=True)
            self._keys.append((number << 2 * _AXIS_BITS) | found)
            self._counts.append(counts.astype(np.int64))

    def squares(self) -> Squares:
        """Everyone in squares, but for the last nine or fewer of a category."""
        keys = np.concatenate([np.empty(0, np.int64), *self._keys])
        counts = np.concatenate([np.empty(0, np.int64), *self._counts])
        category, cells = keys >> 2 * _AXIS_BITS, keys & ((1 << 2 * _AXIS_BITS) - 1)
        row, column = cells >> _AXIS_BITS, cells & _AXIS
        made = []
        for level in range(ANYWHERE + 1):
            if level == ANYWHERE:
                row, column = np.zeros_like(row), np.zeros_like(column)
            category, row, column, counts = _summed(category, row, column, counts)
            full = counts >= LEAST
            at = np.full(int(full.sum()), level, dtype=np.int64)
            made.append((category[full], at, row[full], column[full], counts[full]))
            category, counts = category[~full], counts[~full]
            row, column = row[~full] >> 1, column[~full] >> 1
        return Squares(*(np.concatenate(columns) for columns in zip(*made, strict=True)))


def cells_of(longitude_deg: Floats, latitude_deg: Floats) -> Ints:
    """The cell of each place, as one number."""
    row = np.floor((latitude_deg + 90) * CELLS_PER_DEGREE).astype(np.int64)
    column = np.floor((longitude_deg + 180) * CELLS_PER_DEGREE).astype(np.int64)
    return np.asarray((row << _AXIS_BITS) | column)


def _summed(category: Ints, row: Ints, column: Ints, counts: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Rows that agree in all three, as one with the sum of the counts."""
    keys = (category << 2 * _AXIS_BITS) | (row << _AXIS_BITS) | column
    found, place = np.unique(keys, return_inverse=True)
    sums = np.zeros(found.size, dtype=np.int64)
    np.add.at(sums, place, counts)
    return found >> 2 * _AXIS_BITS, (found >> _AXIS_BITS) & _AXIS, found & _AXIS, sums


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """The distinct squares of some groups, and 16 points of each.

    `square` is the place of each group among the distinct ones, -1 for a group without a place.
    """

    square: NDArray[np.intp]
    longitude_deg: Floats
    latitude_deg: Floats

    @classmethod
    def of(cls, squares: Squares) -> Self:
        """Each distinct square once, whatever the categories counted in it."""
        placed = np.flatnonzero(squares.level < ANYWHERE)
        whole = np.stack([squares.level[placed], squares.row[placed], squares.column[placed]])
        (level, row, column), place = np.unique(whole, axis=1, return_inverse=True)
        square = np.full(squares.people.size, -1, dtype=np.intp)
        square[placed] = place.reshape(-1)
        inner = (np.arange(_POINTS_A_SIDE) + 0.5) / _POINTS_A_SIDE
        size = (1 << level)[:, None] / CELLS_PER_DEGREE
        lat = (row[:, None] + np.repeat(inner, _POINTS_A_SIDE)) * size - 90
        lon = (column[:, None] + np.tile(inner, _POINTS_A_SIDE)) * size - 180
        return cls(square, lon.reshape(-1), lat.reshape(-1))

    def shares(self, squares: Squares, is_reached: NDArray[np.bool_]) -> Floats:
        """Of each group the share that is reached, given which of the points are.

        A group without a place has the mean share of its category, or if none of it has a place, of
        all groups.
        """
        of_square = is_reached.reshape(-1, POINTS).mean(axis=1)
        placed = self.square >= 0
        shares = np.zeros(squares.people.size)
        shares[placed] = of_square[self.square[placed]]
        for group in np.flatnonzero(~placed):
            same = placed & (squares.category == squares.category[group])
            like = same if same.any() else placed
            if like.any():
                shares[group] = np.average(shares[like], weights=squares.people[like])
        return shares
