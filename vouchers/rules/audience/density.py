"""How densely an audience lives, by blocks of ground that hold at least ten people. Pure.

A map that drew homes would give one away, and so would two maps whose difference is a home. So:

1. The ground is cut into *blocks* once for a snapshot of the residents, by where all of them live
   and not by whom a campaign wants: a square of 9 km is cut in four, and so on down to cells of
   0.0025 degrees (about 280 m), unless more than one in fifty people would be left in a quarter
   with fewer than ten. Such a quarter is left out. Blocks lie beside one another, never one within
   another, so that none can be taken from another.
2. People are counted by blocks, each once. A block with fewer than ten of them is not drawn, the
   others have their number in tens.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from merchants.geo import coordinate_faults
from vouchers.rules.audience.facts import POINT_KINDS, Facts
from vouchers.rules.audience.squares import (
    CELLS_PER_DEGREE,
    LEAST,
    TOP_LEVEL,
    Census,
    Ints,
    cells_of,
    join_cells,
    split_cells,
)

MOST_BLOCKS: Final = 5_000
"""What browsers draw at ease; a larger city has larger blocks."""
THIN_SHARE: Final = 50
"""A block is cut if no more than one in so many of its people are left in thin quarters."""


class Inhabited(NamedTuple):
    """A square of ground, in degrees, and how many of an audience live there, in tens."""

    west_deg: float
    south_deg: float
    size_deg: float
    people: int


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """Blocks by level: of each the numbers of its cells' rows and columns, halved `level` times, as
    one number; ascending."""

    by_level: Sequence[Ints]

    @classmethod
    def of(cls, census: Census, *, most: int = MOST_BLOCKS) -> Self:
        """Blocks for the people of a census; the finest ones of which there are no more than
        `most`."""
        cells, people = census.cells()
        for finest in range(TOP_LEVEL + 1):
            made = cls(_cut(cells, people, finest))
            if sum(map(len, made.by_level)) <= most:
                break
        return made

    def inhabited(self, census: Census) -> list[Inhabited]:
        """The people of a census by block, west to east."""
        cells, people = census.cells()
        found = []
        for level, blocks in enumerate(self.by_level):
            keys, held = _lifted(cells, people, level)
            is_shown = np.isin(keys, blocks) & (held >= LEAST)
            row, column = split_cells(keys[is_shown])
            size = 2**level / CELLS_PER_DEGREE
            tens = (held[is_shown] + LEAST // 2) // LEAST * LEAST
            found += [
                Inhabited(west, south, size, count)
                for west, south, count in zip(
                    (column * size - 180).tolist(),
                    (row * size - 90).tolist(),
                    tens.tolist(),
                    strict=True,
                )
            ]
        return sorted(found)


def homes(facts: Facts, kinds: Collection[str], is_counted: NDArray[np.bool_]) -> Ints:
    """The cell of each of some residents with a usable place of these kinds, by the first of
    them."""
    left, found = is_counted.copy(), [np.empty(0, np.int64)]
    for row, kind in enumerate(POINT_KINDS):
        if kind in kinds:
            lon, lat = facts.longitude_deg[row], facts.latitude_deg[row]
            here = left & ~np.isnan(lon) & ~np.isnan(lat)
            here[here] = coordinate_faults(lon[here], lat[here]) == 0
            found.append(cells_of(lon[here], lat[here]))
            left &= ~here
    return np.concatenate(found)


def _cut(cells: Ints, people: Ints, finest: int) -> list[Ints]:
    """Blocks by level, none finer than `finest`, cut from the top level downwards."""
    levels = [_lifted(cells, people, level) for level in range(TOP_LEVEL + 1)]
    blocks: list[Ints] = [np.empty(0, np.int64)] * (TOP_LEVEL + 1)
    keys, held = levels[TOP_LEVEL]
    is_open = held >= LEAST
    for level in range(TOP_LEVEL, finest, -1):
        below, held_below = levels[level - 1]
        parent = np.searchsorted(keys, _above(below, 1))
        is_thin = held_below < LEAST
        left = np.bincount(parent, held_below * is_thin, keys.size)
        is_cut = is_open & (left * THIN_SHARE <= held)
        blocks[level] = keys[is_open & ~is_cut]
        is_open = is_cut[parent] & ~is_thin
        keys, held = below, held_below
    blocks[finest] = keys[is_open]
    return blocks


def _lifted(cells: Ints, people: Ints, levels: int) -> tuple[Ints, Ints]:
    """The squares so many levels up that hold some cells, ascending, and their people."""
    keys, place = np.unique(_above(cells, levels), return_inverse=True)
    return keys, np.bincount(place, people, keys.size).astype(np.int64)


def _above(cells: Ints, levels: int) -> Ints:
    row, column = split_cells(cells)
    return join_cells(row >> levels, column >> levels)
