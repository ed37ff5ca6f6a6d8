"""A preview's figures: whom a campaign reaches, made of squares of ten people or more. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from merchants.geo import FAULTS, CoordinateFault, coordinate_faults
from vouchers.rules.audience.filters import (
    POINT_KINDS,
    TARGETED,
    Block,
    Coverage,
    Untargeted,
)
from vouchers.rules.audience.squares import LEAST, POINTS, Census, Ground, cells_of
from vouchers.rules.audience.store_cover import NO_STORE
from vouchers.rules.audience.targeting import NO_RING

Floats = NDArray[np.float64]

ROUNDED_TO: Final = 10
AGE_BANDS: Final = (0, 18, 30, 45, 60, 70, 80)
"""Where each band of ages begins; the last has no end."""
TAG_BITS: Final = 64

ATTRIBUTES: Final = frozenset({"district_id", "street", "birth_year", "tags"})
"""The columns of a block that the figures look at."""


class Dimension(NamedTuple):
    """What a figure counts: everyone, or those of a district, a street, an age band or a tag."""

    name: str
    value: int | tuple[int, str] | None


EVERYONE: Final = Dimension("everyone", None)


@dataclass(frozen=True, slots=True)
class Figures:
    """People, rounded to tens; None where they are fewer than ten.

    `targeted` is everyone reached, and the other mappings share them out: by ring (position), store
    that would decide (position), district of residence, street (district, name), beginning of the
    age band (None unknown) and tag bit. `only_by_store` are those whom one store alone reaches.
    `untargeted` has people by reason code, `coordinates` places by what is wrong with them.
    """

    examined: int | None
    targeted: int | None
    rings: Mapping[int, int | None]
    stores: Mapping[int, int | None]
    only_by_store: Mapping[int, int | None]
    districts: Mapping[int, int | None]
    streets: Mapping[tuple[int, str], int | None]
    ages: Mapping[int | None, int | None]
    tags: Mapping[int, int | None]
    untargeted: Mapping[str, int | None]
    coordinates: Mapping[CoordinateFault, int | None]


@dataclass(slots=True)
class Tally:
    """People by square, block after block; `figures` are made of it in the end.

    Someone with several places that count is in a census for each of them.
    """

    kinds: Sequence[str]
    year: int
    examined: int = 0
    placed: int = 0
    untargeted: Counter[str] = field(default_factory=Counter)
    faults: Counter[CoordinateFault] = field(default_factory=Counter)
    censuses: dict[str, Census] = field(default_factory=dict)

    def add(self, block: Block) -> None:
        """Count the residents of a block; those whom no place can help by their reason."""
        self.examined += len(block)
        refused = block.reason[block.reason != TARGETED]
        for code, count in zip(*np.unique(refused, return_counts=True), strict=True):
            self.untargeted[Untargeted(code).code] += int(count)
        lon, lat = block.longitude_deg, block.latitude_deg
        rows = [POINT_KINDS.index(kind) for kind in POINT_KINDS if kind in self.kinds]
        has_any = np.zeros(len(block), dtype=np.bool_)
        has_good = np.zeros(len(block), dtype=np.bool_)
        for row in rows:
            has = ~np.isnan(lon[row]) & ~np.isnan(lat[row]) & (block.reason == TARGETED)
            codes = coordinate_faults(lon[row], lat[row])
            self.faults.update(FAULTS[code - 1] for code in codes[has & (codes > 0)].tolist())
            good = np.flatnonzero(has & (codes == 0))
            has_any |= has
            has_good[good] = True
            self._count(block, POINT_KINDS[row], good, cells_of(lon[row][good], lat[row][good]))
        unplaced = (block.reason == TARGETED) & ~has_good
        self.untargeted[Untargeted.NO_POINT.code] += int((unplaced & ~has_any).sum())
        self.untargeted[Untargeted.BAD_COORDINATES.code] += int((unplaced & has_any).sum())
        self.placed += int(has_good.sum())

    def _count(
        self, block: Block, kind: str, at: NDArray[np.intp], cells: NDArray[np.int64]
    ) -> None:
        census = self.censuses.setdefault(kind, Census())
        census.add(EVERYONE, cells)
        for dimension, chosen in _parts(block, at, self.year):
            census.add(dimension, cells[chosen])

    def figures(self, coverage: Coverage) -> Figures:
        """What of it the campaign reaches."""
        counted = [_Reached.of(census, coverage) for census in self.censuses.values()]
        factor = _overlap([one.everyone for one in counted], self.placed)
        sums: dict[Dimension, float] = {}
        for one in counted:
            for dimension, people in one.people.items():
                sums[dimension] = sums.get(dimension, 0.0) + factor * people

        def of(name: str) -> dict[int | tuple[int, str] | None, int | None]:
            found = {key.value: shown(people) for key, people in sums.items() if key.name == name}
            return dict(sorted(found.items(), key=lambda item: (item[0] is None, item[0])))

        targeted = shown(sums.get(EVERYONE, 0.0))
        untargeted = Counter(self.untargeted)
        untargeted[Untargeted.OUTSIDE.code] = round(self.placed - sums.get(EVERYONE, 0.0))
        return Figures(
            examined=shown(self.examined),
            targeted=targeted,
            untargeted={
                why.code: shown(untargeted[why.code]) for why in Untargeted if untargeted[why.code]
            },
            coordinates={
                fault: shown(self.faults[fault]) for fault in FAULTS if self.faults[fault]
            },
            **{name: of(name) for name in _NAMES},  # type: ignore[arg-type]
        )


_NAMES: Final = ("rings", "stores", "only_by_store", "districts", "streets", "ages", "tags")


def shown(people: float) -> int | None:
    """A count as it may be shown: in tens, half up; None of fewer than ten people but some."""
    if 0 < people < LEAST:
        return None
    return int(people + ROUNDED_TO / 2) // ROUNDED_TO * ROUNDED_TO


def age_band(age: int) -> int:
    """Where the band of an age begins."""
    return max(start for start in AGE_BANDS if start <= max(age, 0))


def _parts(
    block: Block, at: NDArray[np.intp], year: int
) -> Iterator[tuple[Dimension, NDArray[np.bool_]]]:
    """What the chosen residents of a block are counted in beside everyone."""
    columns = block.facts.attributes
    district = columns["district_id"][at]
    for value in np.unique(district).tolist():
        inside = district == value
        yield Dimension("districts", value), inside
        streets = columns["street"][at]
        for street in np.unique(streets[inside]).tolist():
            if street:
                yield Dimension("streets", (value, street)), inside & (streets == street)
    birth_year = columns["birth_year"][at].astype(np.int64)
    begins = np.array(AGE_BANDS)
    ages = np.clip(year - birth_year, 0, None)
    band = np.where(birth_year == 0, -1, np.searchsorted(begins, ages, side="right") - 1)
    for position in np.unique(band).tolist():
        value = None if position < 0 else AGE_BANDS[position]
        yield Dimension("ages", value), band == position
    tags = columns["tags"][at]
    for bit in range(TAG_BITS):
        tagged = (tags >> bit) & 1 == 1
        if tagged.any():
            yield Dimension("tags", bit), tagged


@dataclass(frozen=True, slots=True)
class _Reached:
    """People reached at one kind of place, not yet rounded."""

    everyone: float
    people: Mapping[Dimension, float]

    @classmethod
    def of(cls, census: Census, coverage: Coverage) -> "_Reached":
        squares = census.squares()
        categories = census.categories
        ground = Ground.of(squares)
        lon, lat = ground.longitude_deg, ground.latitude_deg
        placed = coverage.place(lon, lat)
        store, ring = placed.nearest.store_index, placed.ring
        shares = ground.shares(squares, store != NO_STORE)
        sums = np.bincount(
            squares.category, weights=squares.people * shares, minlength=len(categories)
        )
        people: dict[Dimension, float] = {
            category: float(reached)
            for category, reached in zip(categories, sums, strict=True)
            if isinstance(category, Dimension) and reached > 0
        }
        everyone = people.get(EVERYONE, 0.0)
        whole = squares.category == (categories.index(EVERYONE) if categories else -1)
        weights = _people_of_points(ground, squares.people * whole, everyone, store != NO_STORE)
        for name, column, none in (
            ("rings", ring, NO_RING),
            ("stores", store, NO_STORE),
            ("only_by_store", coverage.only_store(lon, lat), NO_STORE),
        ):
            at = column != none
            for value in np.unique(column[at]).tolist():
                people[Dimension(name, value)] = float(weights[column == value].sum())
        return cls(everyone, people)


def _people_of_points(
    ground: Ground, people: NDArray[np.int64], everyone: float, is_reached: NDArray[np.bool_]
) -> Floats:
    """People of each point that is reached, so that together they are everyone reached: those
    counted without a place are spread like the others."""
    of_square = np.zeros(is_reached.size // POINTS)
    placed = ground.square >= 0
    np.add.at(of_square, ground.square[placed], people[placed])
    weights = np.repeat(of_square / POINTS, POINTS) * is_reached
    total = weights.sum()
    return np.asarray(weights * (everyone / total if total else 0.0))


def _overlap(reached: Sequence[float], placed: int) -> float:
    """By what the sum over kinds of places is multiplied to count each person once, as if being
    reached at one place said nothing about another; 1 for one kind."""
    total = sum(reached)
    if len(reached) < 2 or not total:
        return 1.0
    missed = 1.0
    for people in reached:
        missed *= 1 - min(people / placed, 1.0)
    return placed * (1 - missed) / total
