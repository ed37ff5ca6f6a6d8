"""The audit chooses one by one what the run chose by columns: two programs, the same people."""

from collections import Counter
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vouchers.rules.audience.facts import SENIOR_AGE
from vouchers.rules.audience.need import NAMES, NeedFacts, NeedWeights
from vouchers.rules.issuing.priority import Guarantee, People
from vouchers.rules.issuing.selection import Plan, choose, limits, line_up
from vouchers.rules.ledger.quotas import Cell, Cells, Price, Room
from vouchers.rules.proofs.audit.selection import (
    CellRoom,
    Choice,
    Person,
    TierTaken,
    chosen_again,
    differences,
)
from vouchers.states import SelectionMethod

DAY = date(2026, 4, 1)
CITY, MALL = 1, 2
SMALL, PLAIN = 11, 12
PRICES = {1: Price(2_000, ((CITY, 1_500), (MALL, 500))), 2: Price(5_000, ((CITY, 5_000),))}

people = st.lists(
    st.builds(
        Person,
        resident_id=st.integers(1, 10**6),
        distance_m=st.sampled_from([10.0, 250.0, 900.5, 3_000.0]),
        store_id=st.sampled_from([SMALL, PLAIN]),
        district_id=st.sampled_from([0, 1, 2, 3]),
        need_score=st.integers(0, 3),
        birth_year=st.sampled_from([0, 1940, 1950, DAY.year - SENIOR_AGE, 1999]),
        is_registered=st.booleans(),
        has_residence_permit=st.booleans(),
        tags=st.sampled_from([0, 1, 8, -(1 << 63)]),
    ),
    max_size=25,
    unique_by=lambda person: person.resident_id,
)
NAMED: list[dict[str, Any]] = [
    {},
    {"tier_id": 1},
    {"source_id": MALL},
    {"district_id": 1},
    {"district_id": 2},
    {"store_id": SMALL},
    {"tier_id": 2, "day": DAY},
    {"channel": "wechat"},
]
cells = st.lists(
    st.sampled_from(NAMED),
    unique_by=lambda named: tuple(named.items()),
    min_size=1,
    max_size=4,
)
rooms = st.one_of(st.none(), st.integers(0, 20))
weights = st.dictionaries(
    st.sampled_from([*NAMES[:6], "tag_3", "tag_63"]), st.integers(1, 3), max_size=4
)
choices_of = st.fixed_dictionaries(
    {
        "method": st.sampled_from(list(SelectionMethod)),
        "senior_share_bp": st.sampled_from([0, 2_000, 5_000]),
        "small_shop_share_bp": st.sampled_from([0, 3_333, 5_000]),
        "hold_out_bp": st.sampled_from([0, 1_000, 2_000]),
        "need_weights": weights,
    }
)


@st.composite
def choices(draw: st.DrawFn) -> tuple[Choice, Cells]:
    """What a run may have to choose from."""
    named = draw(cells)
    quota = Cells.of(Cell(number, **dims) for number, dims in enumerate(named, start=1))
    kept = [
        CellRoom(
            {
                name: value.isoformat() if name == "day" else value
                for name, value in dims.items()
                if name != "source_id"
            },
            dims.get("source_id"),
            None if (fen := draw(rooms)) is None else fen * 2_000,
            draw(rooms),
        )
        for dims in named
    ]
    found = draw(people)
    options: dict[str, Any] = draw(choices_of)
    by_district = options["method"] is SelectionMethod.DISTRICTS
    choice = Choice(
        run_id=1,
        seed=draw(st.sampled_from(["s", "spring"])),
        hold_out_seed="spring-2026",
        day=DAY.isoformat(),
        common={"round_id": None, "channel": "wechat", "day": DAY.isoformat()},
        tiers=[TierTaken(id_, 2 // id_, dict(price.split)) for id_, price in PRICES.items()],
        cells=kept,
        people=found,
        earlier={(1, person.resident_id): 1 for person in found[:3]},
        chosen={},
        population={1: 500, 2: 300, 3: 1} if by_district else {},
        small_shops=frozenset([SMALL]),
        **options,
    )
    return choice, quota


def chosen_by_columns(choice: Choice, cells: Cells) -> Counter[tuple[int, int]]:
    """As a run chooses."""
    columns = [np.array(column) for column in zip(*choice.people, strict=True)] or [
        np.zeros(0, dtype=np.int64)
    ] * len(Person._fields)
    resident_id, distance_m, store_id, district_id, need_score, birth_year, *others = columns
    facts = NeedFacts(need_score, birth_year, *others)
    need = NeedWeights.of(choice.need_weights).need(facts, year=DAY.year)
    seniors = (birth_year > 0) & (DAY.year - birth_year >= SENIOR_AGE)
    guarantees = [
        Guarantee(seniors, choice.senior_share_bp),
        Guarantee(np.isin(store_id, list(choice.small_shops)), choice.small_shop_share_bp),
    ]
    line = line_up(
        people=People(resident_id, distance_m, need, district_id),
        bucket=np.zeros(resident_id.size, dtype=np.int16),
        store_id=store_id,
        seed=choice.seed,
        cells=cells,
        round_id=None,
        day=DAY,
        channel="wechat",
        plan=Plan(
            SelectionMethod(choice.method),
            choice.hold_out_bp,
            choice.hold_out_seed,
            choice.population,
        ),
        guarantees=[each for each in guarantees if each.share_bp],
    )
    had = [
        [choice.earlier.get((t.id, r), 0) for r in line.resident_id.tolist()] for t in choice.tiers
    ]
    room = limits(
        cells.all,
        {
            cell.id: Room(each.fen, each.vouchers)
            for cell, each in zip(cells.all, choice.cells, strict=True)
        },
    )
    found: Counter[tuple[int, int]] = Counter()
    for tier, already in zip(choice.tiers, had, strict=True):
        wanted = np.maximum(tier.per_resident - np.array(already, dtype=np.int64), 0)
        chosen, room = choose(
            line,
            cells=cells,
            slices=line.of_tier(tier.id),
            price=PRICES[tier.id],
            wanted=wanted,
            room=room,
        )
        found.update((tier.id, r) for r in line.resident_id[chosen.member].tolist())
    return found


@settings(max_examples=60)
@given(choices(), st.randoms(use_true_random=False))
def test_the_audit_and_the_run_choose_the_same_people_in_any_order_of_rows(
    made: tuple[Choice, Cells], random: Any
) -> None:
    choice, quota = made
    expected = chosen_by_columns(choice, quota)
    shuffled = random.sample(list(choice.people), len(choice.people))
    assert chosen_again(replace(choice, people=shuffled)) == expected
    assert chosen_by_columns(replace(choice, people=shuffled), quota) == expected


@given(people, weights, st.integers(1, 12))
def test_the_audit_counts_points_for_need_as_the_run_does(
    found: list[Person], document: dict[str, int], vouchers: int
) -> None:
    choice = Choice(
        run_id=1,
        seed="s",
        method=SelectionMethod.NEED,
        senior_share_bp=0,
        small_shop_share_bp=0,
        hold_out_bp=0,
        hold_out_seed="spring-2026",
        day=DAY.isoformat(),
        common={"round_id": None, "channel": "wechat", "day": DAY.isoformat()},
        tiers=[TierTaken(2, 1, dict(PRICES[2].split))],
        cells=[CellRoom({}, None, None, vouchers)],
        people=found,
        earlier={},
        chosen={},
        population={},
        small_shops=frozenset(),
        need_weights=document,
    )
    assert chosen_again(choice) == chosen_by_columns(choice, Cells.of([Cell(1)]))


@settings(max_examples=40)
@given(choices())
def test_no_cell_gives_more_than_it_had_and_nobody_eligible_is_left(
    made: tuple[Choice, Cells],
) -> None:
    choice, quota = made
    got = chosen_again(choice)
    without = {1: choice.tiers[0], 2: choice.tiers[1]}
    for (tier_id, resident_id), count in got.items():
        had = choice.earlier.get((tier_id, resident_id), 0)
        assert count + had <= without[tier_id].per_resident
    # What is left over serves no one: choosing once more, after these, adds nobody.
    left = replace(
        choice,
        cells=[_less(choice, number, got) for number in range(len(choice.cells))],
        earlier=Counter(choice.earlier) + got,
    )
    for cell in left.cells:
        assert (cell.fen or 0) >= 0
        assert (cell.vouchers or 0) >= 0
    assert not chosen_by_columns(left, quota)


def _less(choice: Choice, number: int, got: Counter[tuple[int, int]]) -> CellRoom:
    """A cell's room without what the vouchers took, counted anew."""
    cell = choice.cells[number]
    person_of = {person.resident_id: person for person in choice.people}
    fen = count = 0
    for (tier_id, resident_id), vouchers in got.items():
        person, shares = person_of[resident_id], dict(PRICES[tier_id].split)
        slice_of = {
            **choice.common,
            "tier_id": tier_id,
            "district_id": person.district_id,
            "store_id": person.store_id,
        }
        share = sum(shares.values()) if cell.source_id is None else shares.get(cell.source_id, 0)
        if share and all(slice_of[name] == value for name, value in cell.named.items()):
            fen, count = fen + share * vouchers, count + vouchers
    return cell._replace(
        fen=None if cell.fen is None else cell.fen - fen,
        vouchers=None if cell.vouchers is None else cell.vouchers - count,
    )


def person(resident_id: int, distance_m: float) -> Person:
    return Person(resident_id, distance_m, PLAIN, 1, 0, 0)


NEAREST_OF_TWO = Choice(
    run_id=7,
    seed="s",
    method=SelectionMethod.NEAREST,
    senior_share_bp=0,
    small_shop_share_bp=0,
    hold_out_bp=0,
    hold_out_seed="",
    day="2026-04-01",
    common={},
    tiers=[TierTaken(1, 1, {CITY: 2_000})],
    cells=[CellRoom({}, None, None, 1)],
    people=[person(5, 20.0), person(6, 10.0)],
    earlier={},
    chosen={(1, 6): 1},
    population={},
    small_shops=frozenset(),
)


def test_a_run_that_chose_the_nearest_is_right() -> None:
    assert list(differences(NEAREST_OF_TWO)) == []


def test_who_was_preferred_and_who_was_passed_over_are_both_named() -> None:
    assert list(differences(replace(NEAREST_OF_TWO, chosen={(1, 5): 1}))) == [
        {"run": 7, "tier": 1, "resident": 5, "vouchers": 1, "expected": 0},
        {"run": 7, "tier": 1, "resident": 6, "vouchers": 0, "expected": 1},
    ]


def test_what_is_on_file_of_residents_is_asked_for_by_need_districts_and_seniors_only() -> None:
    assert not NEAREST_OF_TWO.asks_for_facts
    others: list[dict[str, Any]] = [
        {"method": SelectionMethod.NEED},
        {"method": SelectionMethod.DISTRICTS},
        {"senior_share_bp": 1},
        {"cells": [CellRoom({"district_id": 1}, None, None, 1)]},
    ]
    for changes in others:
        assert replace(NEAREST_OF_TWO, **changes).asks_for_facts
