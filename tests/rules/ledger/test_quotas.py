"""Quota arithmetic: what a voucher takes from which cells, and how a cell's room is laid out."""

from collections.abc import Mapping
from datetime import date
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vouchers.rules.ledger.quotas import (
    DIMENSIONS,
    Cell,
    Cells,
    Need,
    PlannedVouchers,
    Price,
    Room,
    Slice,
    laid_evenly,
    lay_evenly,
    room_of,
    short,
)

CITY, GROUP, PLATFORM = 1, 2, 3
DAYS = (date(2026, 4, 1), date(2026, 4, 2))
VALUES: Mapping[str, tuple[Any, Any]] = {
    "tier_id": (1, 2),
    "round_id": (1, 2),
    "district_id": (310101, 310104),
    "store_id": (11, 12),
    "channel": ("alipay", "wechat"),
    "day": DAYS,
}

amounts = st.integers(0, 10**15)
needs = st.builds(Need, amounts, amounts)
rooms = st.builds(Room, st.none() | amounts, st.none() | amounts)


@st.composite
def slices(draw: st.DrawFn) -> Slice:
    """A voucher with every dimension known."""
    return Slice(**{name: draw(st.sampled_from(values)) for name, values in VALUES.items()})


@st.composite
def cells(draw: st.DrawFn) -> Cells:
    """Cells on any slices, each at most once."""
    named = st.tuples(
        *(st.sampled_from((None, *values)) for values in VALUES.values()),
        st.sampled_from([None, CITY, GROUP, PLATFORM]),
    )
    found = draw(st.lists(named, unique=True, max_size=12))
    return Cells.of(Cell(number, *row) for number, row in enumerate(found, 1))


@st.composite
def prices(draw: st.DrawFn) -> Price:
    """A face that two sources share."""
    city_fen, group_fen = draw(st.integers(1, 50_000)), draw(st.integers(0, 50_000))
    split = ((CITY, city_fen), (GROUP, group_fen)) if group_fen else ((CITY, city_fen),)
    return Price(city_fen + group_fen, split)


def contains(cell: Cell, item: Slice) -> bool:
    """Whether a cell's slice has a voucher in it: the definition."""
    return all(getattr(cell, name) in (None, getattr(item, name)) for name in DIMENSIONS)


def takes(cell: Cell, item: Slice, price: Price) -> Need | None:
    """What one voucher takes from a cell, by definition; None where it does not count."""
    if not contains(cell, item):
        return None
    shares = dict(price.split)
    if cell.source_id is None:
        return Need(price.face_fen, 1)
    return Need(shares[cell.source_id], 1) if cell.source_id in shares else None


class TestWhatCountsWhere:
    @given(cells(), slices(), prices())
    def test_a_voucher_counts_in_every_cell_whose_slice_has_it_and_in_no_other(
        self, of: Cells, item: Slice, price: Price
    ) -> None:
        expected = {cell.id: takes(cell, item, price) for cell in of.all}
        found = {cell.id: each for cell, each in of.costs(item, price)}
        assert found == {id_: need for id_, need in expected.items() if need is not None}

    @given(cells(), slices(), prices())
    def test_leaving_out_what_no_cell_names_changes_nothing(
        self, of: Cells, item: Slice, price: Price
    ) -> None:
        narrowed = of.narrowed(item)
        assert list(of.costs(narrowed, price)) == list(of.costs(item, price))
        assert narrowed.tier_id == item.tier_id
        for name in DIMENSIONS:
            if getattr(narrowed, name) is None:
                assert all(getattr(cell, name) is None for cell in of.all)

    @given(cells(), st.lists(st.tuples(slices(), prices(), st.integers(0, 1_000)), max_size=6))
    def test_demands_add_up_cell_by_cell(
        self, of: Cells, wanted: list[tuple[Slice, Price, int]]
    ) -> None:
        found = of.needs(PlannedVouchers(*one) for one in wanted)
        for cell in of.all:
            counted = [
                (need, count)
                for item, price, count in wanted
                if count and (need := takes(cell, item, price))
            ]
            fen = sum(need.fen * count for need, count in counted)
            total = Need(fen, sum(count for _, count in counted))
            assert found.get(cell.id, Need(0, 0)) == total
            assert (cell.id in found) == bool(counted)

    @given(cells(), slices(), prices(), st.integers(1, 1_000))
    def test_whole_vouchers_given_up_are_what_they_took(
        self, of: Cells, item: Slice, price: Price, count: int
    ) -> None:
        parts = of.parts(item, price, price.times(count), count)
        assert parts == of.needs([PlannedVouchers(item, price, count)])

    @given(cells(), slices(), prices())
    def test_a_voucher_without_money_left_still_gives_up_its_place(
        self, of: Cells, item: Slice, price: Price
    ) -> None:
        assert set(of.parts(item, price, [], 1).values()) <= {Need(0, 1)}
        assert (
            of.parts(item, price, [], 1).keys()
            == of.needs([PlannedVouchers(item, price, 1)]).keys()
        )

    @pytest.mark.parametrize("dimension", DIMENSIONS)
    def test_each_dimension_distinguishes_vouchers(self, dimension: str) -> None:
        one, other = (
            Slice(**{name: v[0] for name, v in VALUES.items()} | {dimension: value})
            for value in VALUES[dimension]
        )
        of = Cells.of([Cell(1, **{dimension: VALUES[dimension][0]}), Cell(2)])
        price = Price(500, ((CITY, 500),))
        assert [cell.id for cell, _ in of.costs(one, price)] == [1, 2]
        assert [cell.id for cell, _ in of.costs(other, price)] == [2]
        assert of.dimensions == {"tier_id", dimension}

    def test_cells_nest_to_any_depth(self) -> None:
        every = [
            Cell(number, **{name: VALUES[name][0] for name in names})
            for number, names in enumerate(
                (
                    [name for name, on in zip(DIMENSIONS, flags, strict=True) if on]
                    for flags in product((False, True), repeat=len(DIMENSIONS))
                ),
                1,
            )
        ]
        inside = Slice(**{name: values[0] for name, values in VALUES.items()})
        price = Price(500, ((CITY, 500),))
        assert len(list(Cells.of(every).costs(inside, price))) == 2 ** len(DIMENSIONS)


class TestRooms:
    @given(amounts, st.integers(1, 64))
    def test_parts_are_even_and_add_up(self, amount: int, parts: int) -> None:
        found = laid_evenly(amount, parts)
        numbers = [part for part in found if part is not None]
        assert len(numbers) == parts
        assert sum(numbers) == amount
        assert max(numbers) - min(numbers) <= 1
        assert numbers == sorted(numbers, reverse=True)

    @given(rooms, st.integers(1, 64))
    def test_laid_out_and_put_together_it_is_the_same_room(self, room: Room, parts: int) -> None:
        assert room_of(lay_evenly(room, parts)) == room

    @given(rooms, needs)
    def test_what_is_taken_and_given_back_leaves_the_room_as_it_was(
        self, room: Room, need: Need
    ) -> None:
        assert room.less(need).less(need.negative()) == room

    @given(rooms, needs, st.integers(1, 64))
    def test_a_cell_is_short_iff_its_buckets_could_not_hold_what_is_left(
        self, room: Room, need: Need, parts: int
    ) -> None:
        if short({1: room}, {1: need}):
            with pytest.raises(ValueError, match="more than there is"):
                lay_evenly(room.less(need), parts)
        else:
            assert room_of(lay_evenly(room.less(need), parts)) == room.less(need)

    def test_none_is_unlimited_and_zero_is_zero(self) -> None:
        one = {1: Need(1, 1)}
        assert short({1: Room(None, None)}, one) == []
        assert short({1: Room(0, None)}, one) == [1]
        assert short({1: Room(None, 0)}, one) == [1]
        assert short({1: Room(0, 0)}, {1: Need(0, 0)}) == []
        assert laid_evenly(None, 3) == [None] * 3
        assert laid_evenly(0, 3) == [0] * 3

    def test_short_cells_are_named_in_order(self) -> None:
        found = short(
            {9: Room(0, 0), 3: Room(0, 0), 5: Room(1, 1)}, dict.fromkeys((9, 5, 3), Need(1, 1))
        )
        assert found == [3, 9]
