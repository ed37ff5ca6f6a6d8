"""Who gets which vouchers: against a plain loop that serves one voucher after another."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from vouchers.rules.issuing.priority import Guarantee, People, ordered
from vouchers.rules.issuing.selection import Costs, Line, Plan, choose, fill, limits, line_up
from vouchers.rules.ledger.quotas import Cell, Cells, Need, PlannedVouchers, Price, Room, Slice
from vouchers.states import SelectionMethod

CITY, GROUP = 1, 2
PRICE = Price(2_000, ((CITY, 1_500), (GROUP, 500)))
ROOMS = st.none() | st.integers(0, 12)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Cell], dict[int, Room], list[Slice], list[int]]:
    """Cells with room for a few vouchers, slices of stores and districts, and who asks in turn."""
    slices = [
        Slice(1, district_id=district, store_id=store) for district in (1, 2) for store in (1, 2)
    ]
    dimensions = draw(
        st.lists(
            st.tuples(
                st.sampled_from([None, 1, 2]),
                st.sampled_from([None, 1, 2]),
                st.sampled_from([None, CITY, GROUP, 9]),
            ),
            unique=True,
            max_size=6,
        )
    )
    cells = [
        Cell(number, district_id=district, store_id=store, source_id=source)
        for number, (district, store, source) in enumerate(dimensions, 1)
    ]
    rooms = {}
    for cell in cells:
        vouchers, count = draw(ROOMS), draw(ROOMS)
        odd_fen = draw(st.integers(0, 1_999))
        rooms[cell.id] = Room(None if vouchers is None else vouchers * 1_000 + odd_fen, count)
    return cells, rooms, slices, draw(st.lists(st.integers(0, 3), max_size=60))


def one_by_one(
    cells: list[Cell], rooms: dict[int, Room], slices: list[Slice], groups: list[int]
) -> list[bool]:
    """The definition: each voucher in turn, if every cell it counts in has room for it."""
    left_fen = {id_: room.fen for id_, room in rooms.items()}
    left_count = {id_: room.count for id_, room in rooms.items()}
    served = []
    for group in groups:
        costs = list(Cells.of(cells).costs(slices[group], PRICE))
        fits = all(
            (fen := left_fen[cell.id]) is None or fen >= each.fen for cell, each in costs
        ) and all((count := left_count[cell.id]) is None or count >= 1 for cell, _ in costs)
        served.append(fits)
        for cell, each in costs if fits else ():
            fen, count = left_fen[cell.id], left_count[cell.id]
            left_fen[cell.id] = None if fen is None else fen - each.fen
            left_count[cell.id] = None if count is None else count - 1
    return served


@given(worlds())
def test_serving_in_stretches_is_serving_one_by_one(
    world: tuple[list[Cell], dict[int, Room], list[Slice], list[int]],
) -> None:
    cells, rooms, slices, groups = world
    costs = Costs.of(Cells.of(cells), slices, PRICE)

    served, left = fill(np.array(groups, dtype=np.intp), costs, limits(cells, rooms))

    assert served.tolist() == one_by_one(cells, rooms, slices, groups)
    assert (left >= 0).all()


@given(worlds())
def test_at_the_end_no_resident_passed_over_would_still_fit(
    world: tuple[list[Cell], dict[int, Room], list[Slice], list[int]],
) -> None:
    cells, rooms, slices, groups = world
    costs = Costs.of(Cells.of(cells), slices, PRICE)

    served, left = fill(np.array(groups, dtype=np.intp), costs, limits(cells, rooms))

    passed_over = {group for group, got in zip(groups, served, strict=True) if not got}
    assert not passed_over & set(np.flatnonzero(costs.can_take_one(left)).tolist())


@given(worlds())
def test_what_is_taken_is_what_the_quota_arithmetic_says(
    world: tuple[list[Cell], dict[int, Room], list[Slice], list[int]],
) -> None:
    cells, rooms, slices, groups = world
    before = limits(cells, rooms)

    served, left = fill(
        np.array(groups, dtype=np.intp), Costs.of(Cells.of(cells), slices, PRICE), before
    )

    taken = Counter(group for group, got in zip(groups, served, strict=True) if got)
    demands = [PlannedVouchers(slices[group], PRICE, count) for group, count in taken.items()]
    needs = Cells.of(cells).needs(demands)
    expected = [needs.get(cell.id, Need(0, 0)) for cell in cells]
    limited = before < np.iinfo(np.int64).max
    flat = [need.fen for need in expected] + [need.count for need in expected]
    assert ((before - left)[limited] == np.array(flat, dtype=np.int64)[limited]).all()


def crowd(
    distance_m: Sequence[float], resident_id: Sequence[int], districts: Sequence[int]
) -> People:
    return People(
        resident_id=np.array(resident_id, dtype=np.int64),
        distance_m=np.array(distance_m, dtype=np.float64),
        need=np.zeros(len(resident_id), dtype=np.int64),
        district_id=np.array(districts, dtype=np.int64),
    )


def nearest(distance_m: Sequence[float], resident_id: Sequence[int], seed: str) -> NDArray[np.intp]:
    people = crowd(distance_m, resident_id, [0] * len(resident_id))
    return ordered(SelectionMethod.NEAREST, people, seed)


def test_the_nearest_are_ranked_first() -> None:
    order = nearest([30.0, 10.0, 20.0], [1, 2, 3], "seed")

    assert order.tolist() == [1, 2, 0]


@given(
    st.lists(
        st.tuples(st.sampled_from([5.0, 7.5, 900.0]), st.integers(1, 500)),
        unique_by=lambda pair: pair[1],
    )
)
def test_neighbours_are_ranked_by_the_hash_of_seed_and_resident(
    members: list[tuple[float, int]],
) -> None:
    def key(member: tuple[float, int]) -> tuple[float, bytes, int]:
        metres, resident_id = member
        return metres, hashlib.sha256(f"s1|{resident_id}".encode()).digest()[:8], resident_id

    shares = Counter(metres for metres, _ in members)

    order = nearest([metres for metres, _ in members], [id_ for _, id_ in members], "s1")

    expected = sorted(members, key=lambda m: key(m) if shares[m[0]] > 1 else (m[0], b"", 0))
    assert [members[i] for i in order] == expected


def test_another_seed_ranks_neighbours_otherwise_but_never_past_a_nearer_one() -> None:
    distances = [100.0] * 50 + [200.0] * 50

    one, other = (nearest(distances, list(range(100)), seed).tolist() for seed in ("one", "other"))

    assert one != other
    assert set(one[:50]) == set(other[:50]) == set(range(50))


def line(
    cells: Cells,
    *,
    districts: list[int],
    stores: list[int],
    plan: Plan | None = None,
    guarantees: Sequence[Guarantee] = (),
) -> Line:
    size = len(districts)
    return line_up(
        people=crowd(range(size), range(1, size + 1), districts),
        bucket=np.zeros(size, dtype=np.int16),
        store_id=np.array(stores),
        seed="s",
        cells=cells,
        round_id=7,
        day=date(2026, 4, 1),
        plan=plan,
        guarantees=guarantees,
    )


def test_members_are_grouped_only_by_what_some_cell_names() -> None:
    by_store = Cells.of([Cell(1), Cell(2, store_id=11)])

    found = line(by_store, districts=[1, 2, 1], stores=[11, 12, 12])

    assert [
        (item.district_id, item.store_id, item.round_id, item.day) for item in found.slices
    ] == [
        (None, 11, None, None),
        (None, 12, None, None),
    ]
    assert found.group.tolist() == [0, 1, 1]


def test_a_resident_of_unknown_district_is_barred_where_districts_are_capped() -> None:
    cells = Cells.of([Cell(1), Cell(2, district_id=1)])
    found = line(cells, districts=[0, 1, 2], stores=[11, 11, 11])
    rooms = {1: Room(None, None), 2: Room(None, None)}

    chosen, _ = choose(
        found,
        cells=cells,
        slices=found.of_tier(1),
        price=PRICE,
        wanted=np.array([1, 1, 1]),
        room=limits(cells.all, rooms),
    )

    assert chosen.member.tolist() == [1, 2]
    assert chosen.passed_over == {"district_unknown": 1}


def test_the_last_voucher_is_given_and_reasons_are_counted_for_the_rest() -> None:
    cells = Cells.of([Cell(1)])
    found = line(cells, districts=[1] * 5, stores=[11] * 5)

    chosen, left = choose(
        found,
        cells=cells,
        slices=found.of_tier(1),
        price=PRICE,
        wanted=np.array([2, 0, 2, 2, 2]),
        room=limits(cells.all, {1: Room(3 * 2_000 + 1_999, 100)}),
    )

    assert chosen.member.tolist() == [0, 0, 2]
    assert chosen.is_served.tolist() == [True, False, True, False, False]
    assert chosen.passed_over == {"already_served": 1, "quota": 2}
    assert left.tolist() == [1_999, 97]


def test_a_cell_of_a_source_counts_only_its_share_and_only_where_it_pays() -> None:
    cells = Cells.of([Cell(1, source_id=CITY), Cell(2, source_id=9), Cell(3)])

    taken = {cell.id: each for cell, each in cells.costs(Slice(1), PRICE)}

    assert taken == {1: Need(1_500, 1), 3: Need(2_000, 1)}


def test_a_source_without_a_cell_of_its_own_is_unfunded() -> None:
    cells = Cells.of([Cell(1, source_id=CITY), Cell(2, source_id=GROUP, tier_id=1)])

    assert cells.unfunded(PRICE) == [GROUP]


CITY_ONLY = Price(2_000, ((CITY, 2_000),))


def served(found: Line, cells: Cells, most: int) -> list[int]:
    """Who gets one of so many vouchers."""
    room = limits(cells.all, {cell.id: Room(None, most) for cell in cells.all})
    chosen, _room = choose(
        found,
        cells=cells,
        slices=found.of_tier(1),
        price=CITY_ONLY,
        wanted=np.ones(found.group.size, dtype=np.int64),
        room=room,
    )
    return sorted(found.resident_id[chosen.member].tolist())


def test_districts_get_vouchers_in_proportion_to_their_population() -> None:
    cells = Cells.of([Cell(1)])
    plan = Plan(SelectionMethod.DISTRICTS, population={1: 300, 2: 100})
    found = line(cells, districts=[2] * 10 + [1] * 10, stores=[11] * 20, plan=plan)
    chosen = served(found, cells, 8)
    assert sum(resident > 10 for resident in chosen) == 6
    assert len(chosen) == 8


def test_no_voucher_is_left_where_a_district_has_too_few_residents() -> None:
    cells = Cells.of([Cell(1)])
    plan = Plan(SelectionMethod.DISTRICTS, population={1: 900, 2: 100})
    found = line(cells, districts=[2] * 10 + [1] * 2, stores=[11] * 12, plan=plan)
    assert len(served(found, cells, 8)) == 8


def test_a_guaranteed_share_goes_first_and_the_rest_to_the_nearest() -> None:
    cells = Cells.of([Cell(1)])
    far = np.array([number >= 7 for number in range(10)])
    found = line(cells, districts=[1] * 10, stores=[11] * 10, guarantees=[Guarantee(far, 2_500)])
    assert served(found, cells, 8) == [1, 2, 3, 4, 5, 6, 8, 9]


def test_a_control_group_gets_nothing_and_keeps_its_reason() -> None:
    cells = Cells.of([Cell(1)])
    plan = Plan(hold_out_bp=2_000, hold_out_seed="spring")
    found = line(cells, districts=[1] * 200, stores=[11] * 200, plan=plan)
    apart = {int(one) for one in found.resident_id[found.held_out]}
    assert 20 < len(apart) < 60
    assert not apart & set(served(found, cells, 200))
