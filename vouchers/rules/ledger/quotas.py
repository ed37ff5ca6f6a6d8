"""Quota arithmetic: which cells a voucher counts in, and what it takes from each. Pure.

A cell caps a slice of a campaign; an empty dimension of a cell means "all". A voucher carries a
`Slice` with a value only for the dimensions that some cell of its campaign names, so that vouchers
which count in the same cells share one allocation.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, Self

DIMENSIONS: Final = ("tier_id", "round_id", "district_id", "store_id", "channel", "day")


Split = Sequence[tuple[int, int]]
"""(source id, fen)."""


@dataclass(frozen=True, slots=True)
class Slice:
    """The dimensions a voucher counts in. District and store are those of the targeting: where the
    resident lives, and the participating store they were reached by; `day` is the business day of
    issue. None: no cell names the dimension, or it has no value."""

    tier_id: int
    round_id: int | None = None
    district_id: int | None = None
    store_id: int | None = None
    channel: str | None = None
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """A capped slice. With a source only that source's share of the face counts in it."""

    id: int
    tier_id: int | None = None
    round_id: int | None = None
    district_id: int | None = None
    store_id: int | None = None
    channel: str | None = None
    day: date | None = None
    source_id: int | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """What one voucher costs: its face, and (source id, fen) shares that add up to it."""

    face_fen: int
    split: tuple[tuple[int, int], ...]

    def times(self, count: int) -> list[tuple[int, int]]:
        """The shares of `count` vouchers."""
        return [(source_id, share_fen * count) for source_id, share_fen in self.split]


@dataclass(frozen=True, slots=True)
class PlannedVouchers:
    """`count` vouchers of one slice and price."""

    slice: Slice
    price: Price
    count: int


@dataclass(frozen=True, slots=True)
class Room:
    """Fen and vouchers a cell can still take, or takes; None is unlimited."""

    fen: int | None
    count: int | None

    def less(self, need: "Need") -> "Room":
        """What is left once `need` is taken (or, where it is negative, given back)."""
        fen = None if self.fen is None else self.fen - need.fen
        return Room(fen, None if self.count is None else self.count - need.count)


@dataclass(frozen=True, slots=True)
class Need:
    """Fen and vouchers that count in a cell."""

    fen: int
    count: int

    def negative(self) -> "Need":
        """What gives back as much as this takes."""
        return Need(-self.fen, -self.count)


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of one campaign, found by the dimensions they name."""

    all: tuple[Cell, ...]
    _by_names: Mapping[tuple[str, ...], Mapping[tuple[object, ...], Sequence[Cell]]]

    @classmethod
    def of(cls, cells: Iterable[Cell]) -> Self:
        """Index cells; they keep the order given."""
        every = tuple(cells)
        by_names: dict[tuple[str, ...], dict[tuple[object, ...], list[Cell]]] = {}
        for cell in every:
            names = tuple(name for name in DIMENSIONS if getattr(cell, name) is not None)
            values = tuple(getattr(cell, name) for name in names)
            by_names.setdefault(names, {}).setdefault(values, []).append(cell)
        return cls(every, by_names)

    @property
    def dimensions(self) -> frozenset[str]:
        """The dimensions some cell names, and always the tier, which the ledger distinguishes."""
        return frozenset({"tier_id"}.union(*self._by_names))

    def narrowed(self, whole: Slice) -> Slice:
        """The slice without the dimensions that no cell names."""
        unasked: dict[str, Any] = dict.fromkeys(set(DIMENSIONS) - self.dimensions)
        return replace(whole, **unasked)

    def costs(self, item: Slice, price: Price) -> Iterator[tuple[Cell, Need]]:
        """The cells one voucher counts in, and what it takes from each.

        It counts in a source's cell only when that source pays a part of it.
        """
        shares_fen = dict(price.split)
        for names, by_values in self._by_names.items():
            for cell in by_values.get(tuple(getattr(item, name) for name in names), ()):
                source_id = cell.source_id
                fen = price.face_fen if source_id is None else shares_fen.get(source_id)
                if fen:
                    yield cell, Need(fen, 1)

    def parts(self, item: Slice, price: Price, split: Split, count: int) -> dict[int, Need]:
        """By cell id what `count` vouchers hold when `split` is all that is left of their faces.

        They keep their place also in the cell of a source that has no fen left among them.
        """
        fens, total_fen = dict(split), sum(fen for _, fen in split)
        return {
            cell.id: Need(
                total_fen if cell.source_id is None else fens.get(cell.source_id, 0), count
            )
            for cell, _ in self.costs(item, price)
        }

    def needs(self, planned: Iterable[PlannedVouchers]) -> dict[int, Need]:
        """By cell id what all planned together take; cells they do not touch are absent."""
        total: dict[int, Need] = {}
        for planned_part in planned:
            for cell, each in (
                self.costs(planned_part.slice, planned_part.price) if planned_part.count else ()
            ):
                so_far = total.get(cell.id, Need(0, 0))
                total[cell.id] = Need(
                    so_far.fen + each.fen * planned_part.count, so_far.count + planned_part.count
                )
        return total

    def unfunded(self, price: Price) -> list[int]:
        """Sources without a cell that caps all they pay: nothing would stop them."""
        capped = {cell.source_id for cell in self._by_names.get((), {}).get((), ())}
        return [source_id for source_id, _ in price.split if source_id not in capped]


def laid_evenly(amount: int | None, parts: int) -> list[int | None]:
    """`amount` in as many parts, none more than one larger than another, the larger first;
    unlimited in every part where it is None. Raises ValueError for a negative amount."""
    if amount is None:
        return [None] * parts
    if amount < 0:
        raise ValueError(f"{-amount} more than there is")
    each, over = divmod(amount, parts)
    return [each + (number < over) for number in range(parts)]


def lay_evenly(room: Room, parts: int) -> list[Room]:
    """A cell's room over its sub-buckets, in their order."""
    both = zip(laid_evenly(room.fen, parts), laid_evenly(room.count, parts), strict=True)
    return [Room(fen, count) for fen, count in both]


def room_of(buckets: Iterable[Room]) -> Room:
    """What a cell's sub-buckets can take together."""
    parts = list(buckets)
    return Room(_total(part.fen for part in parts), _total(part.count for part in parts))


def short(rooms: Mapping[int, Room], wanted: Mapping[int, Need]) -> list[int]:
    """Ids of the cells that can't take what is wanted of them, ascending."""
    return sorted(
        cell_id
        for cell_id, need in wanted.items()
        if _exceeds(need.fen, rooms[cell_id].fen) or _exceeds(need.count, rooms[cell_id].count)
    )


def _total(parts: Iterable[int | None]) -> int | None:
    known = list(parts)
    return None if None in known else sum(part for part in known if part is not None)


def _exceeds(wanted: int, room: int | None) -> bool:
    return room is not None and wanted > room
