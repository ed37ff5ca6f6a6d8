"""A preview's figures: whom a campaign reaches, made of squares of ten people or more. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from merchants.geo import FAULTS, NO_AREA, CoordinateFault, containing, coordinate_faults
from vouchers.rules.audience.facts import ANSWER_MASK, NO, REGISTERED_SHIFT, SENIOR_AGE, YES
from vouchers.rules.audience.filters import (
    POINT_KINDS,
    TARGETED,
    Block,
    Coverage,
    Untargeted,
)
from vouchers.rules.audience.squares import LEAST, Census, Ground, cells_of
from vouchers.rules.audience.store_cover import NO_STORE
from vouchers.rules.audience.targeting import NO_RING

Floats = NDArray[np.float64]
Key = TypeVar("Key")

ROUNDED_TO: Final = 10
AGE_BANDS: Final = (0, 18, 30, 45, 60, 70, 80)
"""Where each band of ages begins; the last has no end."""
TAG_BITS: Final = 64
NOT_OF_IT: Final = -1
"""In place of a category: a resident who is not counted in that dimension."""

EVERYONE: Final = "everyone"
DIMENSIONS: Final = (
    EVERYONE,
    "districts",
    "streets",
    "ages",
    "tags",
    "rings",
    "stores",
    "only_by_store",
    "areas",
    "seniors",
    "registered",
    "unregistered",
)

ATTRIBUTES: Final = frozenset({"district_id", "street", "birth_year", "tags"})
"""The columns of a block that the figures look at."""


@dataclass(frozen=True, slots=True)
class Figures:
    """People, rounded to tens; None where they are fewer than ten.

    `targeted` is everyone reached, and the other mappings share them out: by ring (position), store
    that would decide (position), district of residence, street (district, name), beginning of the
    age band (None unknown) and tag bit. `only_by_store` are those whom one store alone reaches.
    `areas` are those whose place lies in each of some areas (position), whatever is on file.
    `seniors`, `registered` and `unregistered` (households, where that is on file) are by district.
    `untargeted` has people by reason code, `coordinates` places by what is wrong with them; both
    only where they are ten or more.
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
    areas: Mapping[int, int | None]
    seniors: Mapping[int, int | None]
    registered: Mapping[int, int | None]
    unregistered: Mapping[int, int | None]
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
    _censuses: dict[tuple[str, str], Census] = field(default_factory=dict)
    _streets: dict[int, dict[str, int]] = field(default_factory=dict)
    """Numbers of streets by district and name."""

    def add(self, block: Block) -> None:
        """Count the residents of a block; those whom no place can help by their reason."""
        self.examined += len(block)
        refused = block.reason[block.reason != TARGETED]
        for code, count in zip(*np.unique(refused, return_counts=True), strict=True):
            self.untargeted[Untargeted(code).code] += int(count)
        lon, lat = block.longitude_deg, block.latitude_deg
        has_any = np.zeros(len(block), dtype=np.bool_)
        has_good = np.zeros(len(block), dtype=np.bool_)
        parts = None
        for row, kind in enumerate(POINT_KINDS):
            has = ~np.isnan(lon[row]) & ~np.isnan(lat[row]) & (block.reason == TARGETED)
            if kind not in self.kinds or not has.any():
                continue
            codes = coordinate_faults(lon[row], lat[row])
            self.faults.update(FAULTS[code - 1] for code in codes[has & (codes > 0)].tolist())
            good = has & (codes == 0)
            has_any |= has
            has_good |= good
            parts = parts or self._parts(block)
            self._count(kind, parts, good, cells_of(lon[row][good], lat[row][good]))
        unplaced = (block.reason == TARGETED) & ~has_good
        self.untargeted[Untargeted.NO_POINT.code] += int((unplaced & ~has_any).sum())
        self.untargeted[Untargeted.BAD_COORDINATES.code] += int((unplaced & has_any).sum())
        self.placed += int(has_good.sum())

    def _parts(self, block: Block) -> dict[str, NDArray[np.int64]]:
        """The category of each resident in each dimension but tags, of which one has many."""
        columns = block.facts.attributes
        ages = self.year - columns["birth_year"].astype(np.int64)
        band = np.searchsorted(AGE_BANDS, np.clip(ages, 0, None), side="right")
        district = columns["district_id"].astype(np.int64)
        is_known = columns["birth_year"] > 0
        registered = (block.facts.flags >> REGISTERED_SHIFT) & ANSWER_MASK
        return {
            EVERYONE: np.zeros(len(block), np.int64),
            "districts": district,
            "seniors": np.where(is_known & (ages >= SENIOR_AGE), district, NOT_OF_IT),
            "registered": np.where(registered == YES, district, NOT_OF_IT),
            "unregistered": np.where(registered == NO, district, NOT_OF_IT),
            "streets": self._street_numbers(columns["district_id"], columns["street"]),
            "ages": np.where(columns["birth_year"] == 0, 0, band),
            "tags": columns["tags"],
        }

    def _street_numbers(self, district: NDArray[Any], street: NDArray[Any]) -> NDArray[np.int64]:
        numbers, names = self._streets, street.tolist()
        found = np.empty(street.size, dtype=np.int64)
        for adcode in np.unique(district).tolist():
            at = np.flatnonzero(district == adcode)
            here = numbers.setdefault(adcode, {})
            for name in {names[row] for row in at.tolist()} - here.keys():
                here[name] = sum(map(len, numbers.values()))
            found[at] = [here[names[row]] for row in at.tolist()]
        return found

    def _count(
        self,
        kind: str,
        parts: Mapping[str, NDArray[np.int64]],
        good: NDArray[np.bool_],
        cells: NDArray[np.int64],
    ) -> None:
        for name, category in parts.items():
            census = self._censuses.setdefault((kind, name), Census())
            if name != "tags":
                of_it = category[good] != NOT_OF_IT
                census.add(category[good][of_it], cells[of_it])
                continue
            tags = category[good]
            for bit in _bits(int(np.bitwise_or.reduce(tags, initial=0))):
                census.add(bit, cells[(tags >> bit) & 1 == 1])

    def figures(self, coverage: Coverage, areas: Sequence[Mapping[str, Any]] = ()) -> Figures:
        """What of it the campaign reaches, in each of some areas (GeoJSON) too."""
        counted = [
            _reached(
                {name: c for (of, name), c in self._censuses.items() if of == kind}, coverage, areas
            )
            for kind in self.kinds
        ]
        reached = [sums[EVERYONE].get(0, 0.0) for sums in counted]
        factor = _overlap(reached, self.placed)
        found: dict[str, dict[int, float]] = {name: {} for name in DIMENSIONS}
        for sums in counted:
            for name, by_category in sums.items():
                for category, people in by_category.items():
                    so_far = found[name].get(category, 0.0)
                    found[name][category] = so_far + factor * people
        astray = self._within_reach(coverage) - factor * sum(reached) if coverage.streets else 0.0
        return self._shown(found, astray)

    def _within_reach(self, coverage: Coverage) -> float:
        """People whom the campaign would reach if it did not stay within streets."""
        everywhere = replace(coverage, streets=())
        reached = [
            _people(census, everywhere)
            for (kind, name), census in self._censuses.items()
            if name == EVERYONE and kind in self.kinds
        ]
        return _overlap(reached, self.placed) * sum(reached)

    def _shown(self, found: Mapping[str, Mapping[int, float]], astray: float) -> Figures:
        targeted = found[EVERYONE].get(0, 0.0)
        untargeted = Counter(self.untargeted)
        untargeted[Untargeted.OUTSIDE_STREETS.code] = round(astray)
        untargeted[Untargeted.OUTSIDE.code] = round(self.placed - targeted - astray)
        streets = {
            number: (adcode, name)
            for adcode, names in self._streets.items()
            for name, number in names.items()
        }
        bands = dict(enumerate(AGE_BANDS, 1))
        return Figures(
            examined=shown(self.examined),
            targeted=shown(targeted),
            rings=_in_order(found["rings"]),
            stores=_in_order(found["stores"]),
            only_by_store=_in_order(found["only_by_store"]),
            districts=_in_order(found["districts"]),
            streets={
                streets[number]: count
                for number, count in _in_order(found["streets"]).items()
                if streets[number][1]
            },
            ages={bands.get(number): count for number, count in _in_order(found["ages"]).items()},
            tags=_in_order(found["tags"]),
            areas=_in_order(found["areas"]),
            seniors=_in_order(found["seniors"]),
            registered=_in_order(found["registered"]),
            unregistered=_in_order(found["unregistered"]),
            untargeted=_ten_or_more({why.code: untargeted[why.code] for why in Untargeted}),
            coordinates=_ten_or_more({fault: self.faults[fault] for fault in FAULTS}),
        )


def _bits(mask: int) -> list[int]:
    return [bit for bit in range(TAG_BITS) if mask >> bit & 1]


def _in_order(sums: Mapping[int, float]) -> dict[int, int | None]:
    return {category: shown(people) for category, people in sorted(sums.items())}


def _ten_or_more(counts: Mapping[Key, int]) -> dict[Key, int | None]:
    """Without those of fewer than ten: whether it is none or some would tell of one person."""
    return {key: shown(count) for key, count in counts.items() if count >= LEAST}


def shown(people: float) -> int | None:
    """A count as it may be shown: in tens, half up; None of fewer than ten people but some."""
    if 0 < people < LEAST:
        return None
    return int(people + ROUNDED_TO / 2) // ROUNDED_TO * ROUNDED_TO


def _people(census: Census, coverage: Coverage) -> float:
    """People of one census reached."""
    squares = census.squares()
    ground = Ground.of([squares])
    placed = coverage.place(ground.longitude_deg, ground.latitude_deg)
    shares = ground.shares(squares, placed.nearest.store_index != NO_STORE)
    return float((squares.people * shares).sum())


def _reached(
    censuses: Mapping[str, Census], coverage: Coverage, areas: Sequence[Mapping[str, Any]]
) -> dict[str, dict[int, float]]:
    """People reached at one kind of place, by dimension and category, not yet rounded."""
    sums: dict[str, dict[int, float]] = {name: {} for name in DIMENSIONS}
    parts = {name: census.squares() for name, census in censuses.items()}
    ground = Ground.of(list(parts.values()))
    placed = coverage.place(ground.longitude_deg, ground.latitude_deg)
    store = placed.nearest.store_index
    for name, squares in parts.items():
        people = squares.people * ground.shares(squares, store != NO_STORE)
        sums[name] = _by(squares.category, people)
        if name == EVERYONE:
            # Those counted without a place are spread over the points like the others.
            weights = ground.people(squares) * (store != NO_STORE)
            weights *= people.sum() / (weights.sum() or 1.0)
            alone = np.full(store.size, NO_STORE, dtype=np.int32)
            held = np.flatnonzero((store != NO_STORE) & (weights > 0))
            alone[held] = coverage.only_store(ground.longitude_deg[held], ground.latitude_deg[held])
            sums["rings"] = _by(placed.ring, weights, NO_RING)
            sums["stores"] = _by(store, weights, NO_STORE)
            sums["only_by_store"] = _by(alone, weights, NO_STORE)
            lies_in = np.full(store.size, NO_AREA, dtype=np.int32)
            lies_in[held] = containing(areas, ground.longitude_deg[held], ground.latitude_deg[held])
            sums["areas"] = _by(lies_in, weights, NO_AREA)
    return sums


def _by(column: NDArray[Any], weights: Floats, none: int = -1) -> dict[int, float]:
    """Sums of weights by the value of a column, without its value for none."""
    at = column != none
    values, place = np.unique(column[at], return_inverse=True)
    totals = np.bincount(place, weights=weights[at], minlength=values.size)
    return {
        value: total
        for value, total in zip(values.tolist(), totals.tolist(), strict=True)
        if total > 0
    }


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
