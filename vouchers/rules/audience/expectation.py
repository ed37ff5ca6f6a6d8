"""What a distribution to a previewed audience would issue and cost under the quota. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from vouchers.rules.ledger.quotas import Cells, Price, Room, Slice

UNFORESEEN: Final = ("channel", "day")
"""Dimensions of quota cells that a preview does not know the value of."""


@dataclass(frozen=True, slots=True)
class OfferedTier:
    """A tier and what a resident gets of it in one distribution."""

    id: int
    code: str
    per_resident: int
    price: Price


@dataclass(frozen=True, slots=True)
class ExpectedTier:
    """Vouchers wanted by everyone reached, those the quota allows, and what they cost in all and
    by source id, in fen."""

    code: str
    wanted: int
    issued: int
    cost_fen: int
    by_source: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Expectation:
    """Tiers in the order in which a run serves them. `is_partial` where some quota cell names a
    channel or a day, or both district and store: those are left out of account."""

    tiers: tuple[ExpectedTier, ...]
    is_partial: bool

    @property
    def cost_fen(self) -> int:
        """Fen of all tiers."""
        return sum(tier.cost_fen for tier in self.tiers)

    @property
    def by_source(self) -> dict[int, int]:
        """Fen of all tiers by source id, ascending."""
        total: dict[int, int] = {}
        for tier in self.tiers:
            for source_id, fen in tier.by_source.items():
                total[source_id] = total.get(source_id, 0) + fen
        return dict(sorted(total.items()))


def expect(
    *,
    people: int,
    by_district: Mapping[int, int],
    by_store: Mapping[int, int],
    tiers: Sequence[OfferedTier],
    cells: Cells,
    rooms: Mapping[int, Room],
    round_id: int | None,
    day: date,
) -> Expectation:
    """Serve the tiers one after another while the cells have room.

    `by_district` and `by_store` share the people out; they matter where a quota cell names one.
    A tier that a source pays for without being capped can't be issued at all.
    """
    asked = cells.dimensions
    both = {"district_id", "store_id"} <= asked
    whole = cells.narrowed(Slice(0, round_id, day=day))
    groups = list(_groups(whole, asked, people, by_district, by_store))
    left = dict(rooms)
    found = []
    for tier in tiers:
        issued = 0
        if not cells.unfunded(tier.price):
            for item, count in groups:
                slice_ = replace(item, tier_id=tier.id)
                issued += _take(cells, slice_, tier.price, count * tier.per_resident, left)
        found.append(
            ExpectedTier(
                code=tier.code,
                wanted=sum(count for _, count in groups) * tier.per_resident,
                issued=issued,
                cost_fen=issued * tier.price.face_fen,
                by_source=dict(tier.price.times(issued)),
            )
        )
    return Expectation(tuple(found), bool(asked & set(UNFORESEEN)) or both)


def _groups(
    whole: Slice,
    asked: frozenset[str],
    people: int,
    by_district: Mapping[int, int],
    by_store: Mapping[int, int],
) -> Iterator[tuple[Slice, int]]:
    """Slices with their people. A resident of unknown district (0) is barred where a cell names
    one, as in a run."""
    if "district_id" in asked:
        for district_id, count in by_district.items():
            if district_id:
                yield replace(whole, district_id=district_id), count
    elif "store_id" in asked:
        for store_id, count in by_store.items():
            yield replace(whole, store_id=store_id), count
    else:
        yield whole, people


def _take(cells: Cells, item: Slice, price: Price, wanted: int, left: dict[int, Room]) -> int:
    """The vouchers that every cell has room for; takes them from `left`."""
    costs = list(cells.costs(item, price))
    count = wanted
    for cell, each in costs:
        room = left[cell.id]
        if room.count is not None:
            count = min(count, room.count)
        if room.fen is not None:
            count = min(count, room.fen // each.fen)
    for cell, each in costs:
        room = left[cell.id]
        left[cell.id] = Room(
            None if room.fen is None else room.fen - each.fen * count,
            None if room.count is None else room.count - count,
        )
    return count
