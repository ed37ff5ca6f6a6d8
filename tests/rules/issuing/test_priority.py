"""Who comes first: the same people in any order of rows, and shares kept where they can be."""

import hashlib
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vouchers.money import WHOLE_BP
from vouchers.rules.issuing.priority import (
    Guarantee,
    People,
    districts_first,
    groups_first,
    held_out,
    in_proportion,
    lots,
    ordered,
)
from vouchers.states import SelectionMethod


def ints(values: list[int]) -> np.ndarray:
    return np.array(values, dtype=np.int64)


@st.composite
def audiences(draw: st.DrawFn) -> People:
    """Up to forty residents; distances and scores that are often equal."""
    ids = draw(st.lists(st.integers(1, 10_000), unique=True, max_size=40))
    size = len(ids)
    few = st.integers(0, 3)
    columns = [draw(st.lists(few, min_size=size, max_size=size)) for _ in range(3)]
    distance, need, district = columns
    return People(ints(ids), np.array(distance, dtype=np.float64), ints(need), ints(district))


def shuffled(people: People, by: list[int]) -> People:
    order = np.array(by, dtype=np.intp)
    return People(
        people.resident_id[order],
        people.distance_m[order],
        people.need[order],
        people.district_id[order],
    )


METHODS = st.sampled_from(SelectionMethod)


@given(audiences(), METHODS, st.text(max_size=5), st.data())
def test_the_order_of_the_rows_changes_nothing(
    people: People, method: SelectionMethod, seed: str, data: st.DataObject
) -> None:
    other = shuffled(people, data.draw(st.permutations(range(len(people)))))
    here = people.resident_id[ordered(method, people, seed)]
    there = other.resident_id[ordered(method, other, seed)]
    assert here.tolist() == there.tolist()
    assert sorted(here.tolist()) == sorted(people.resident_id.tolist())


@given(audiences(), st.text(max_size=5))
def test_nearest_and_neediest_come_first(people: People, seed: str) -> None:
    near = people.distance_m[ordered(SelectionMethod.NEAREST, people, seed)]
    assert (np.diff(near) >= 0).all()
    need = people.need[ordered(SelectionMethod.NEED, people, seed)]
    assert (np.diff(need) <= 0).all()


def test_a_lot_is_what_an_auditor_computes() -> None:
    expected = int.from_bytes(hashlib.sha256(b"spring|42").digest()[:8])
    assert lots("spring", ints([42])).tolist() == [expected]


def test_another_seed_draws_another_order() -> None:
    people = People(ints(list(range(50))), np.zeros(50), ints([0] * 50), ints([0] * 50))
    orders = {
        tuple(ordered(SelectionMethod.RANDOM, people, seed).tolist()) for seed in ("a", "b", "c")
    }
    assert len(orders) == 3


@given(st.text(max_size=5), st.integers(0, 2_000))
def test_a_hold_out_does_not_depend_on_other_residents(seed: str, share_bp: int) -> None:
    everyone = ints(list(range(200)))
    together = held_out(seed, everyone, share_bp)
    alone = [bool(held_out(seed, ints([one]), share_bp)[0]) for one in everyone.tolist()]
    assert together.tolist() == alone


def test_a_hold_out_has_about_its_share_and_none_means_none() -> None:
    everyone = ints(list(range(20_000)))
    assert 1_800 < np.count_nonzero(held_out("s", everyone, 1_000)) < 2_200
    assert not held_out("s", everyone, 0).any()


WEIGHTS = st.dictionaries(st.integers(1, 6), st.integers(0, 50), min_size=1)


@given(st.integers(0, 300), WEIGHTS, WEIGHTS)
def test_seats_are_given_once_and_none_beyond_the_demand(
    seats: int, population: dict[int, int], demand: dict[int, int]
) -> None:
    given_ = in_proportion(seats, population, demand)
    assert all(given_[district] <= demand[district] for district in demand)
    able = sum(demand[d] for d in demand if population.get(d, 0) > 0)
    assert sum(given_.values()) == min(seats, able)


@given(st.integers(0, 300), WEIGHTS)
def test_where_demand_suffices_every_district_is_within_one_seat_of_its_quota(
    seats: int, population: dict[int, int]
) -> None:
    given_ = in_proportion(seats, population, dict.fromkeys(population, seats))
    total = sum(population.values())
    for district, people in population.items():
        quota = Fraction(seats * people, total) if total else Fraction(0)
        assert abs(given_[district] - quota) < 1


def test_the_largest_remainders_get_the_last_seats() -> None:
    """10 seats over 45, 33 and 22 of 100: quotas 4.5, 3.3 and 2.2."""
    assert in_proportion(10, {1: 45, 2: 33, 3: 22}, {1: 9, 2: 9, 3: 9}) == {1: 5, 2: 3, 3: 2}


@given(audiences(), st.integers(0, 60), st.data())
def test_districts_get_their_seats_before_anybody_else_is_served(
    people: People, seats: int, data: st.DataObject
) -> None:
    population = data.draw(st.dictionaries(st.integers(1, 3), st.integers(0, 9)))
    wanted = ints([1] * len(people))
    order = ordered(SelectionMethod.DISTRICTS, people, "s")
    first = districts_first(order, people.district_id, wanted, seats, population)
    assert sorted(first.tolist()) == list(range(len(people)))
    demand = Counter(people.district_id.tolist())
    allotted = in_proportion(seats, population, demand)
    served = Counter(people.district_id[first[: sum(allotted.values())]].tolist())
    assert served == Counter({d: n for d, n in allotted.items() if n})


@given(audiences(), st.integers(0, 60), st.integers(0, WHOLE_BP), st.data())
def test_a_guaranteed_share_is_kept_where_there_are_enough(
    people: People, seats: int, share_bp: int, data: st.DataObject
) -> None:
    size = len(people)
    flags = np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)), dtype=bool)
    order = ordered(SelectionMethod.NEAREST, people, "s")
    first = groups_first(order, ints([1] * size), seats, [Guarantee(flags, share_bp)])
    assert sorted(first.tolist()) == list(range(size))
    served = first[:seats]
    promised = min(int(np.count_nonzero(flags)), -(-seats * share_bp // WHOLE_BP))
    assert np.count_nonzero(flags[served]) >= min(promised, served.size)
    assert first[flags[first]].tolist() == order[flags[order]].tolist(), "nearest first within"


@pytest.mark.parametrize("vouchers", [1, 2])
def test_seats_are_vouchers_not_residents(vouchers: int) -> None:
    people = People(ints([1, 2, 3, 4]), np.array([1.0, 2, 3, 4]), ints([0] * 4), ints([0] * 4))
    seniors = np.array([False, False, True, True])
    order = ordered(SelectionMethod.NEAREST, people, "s")
    first = groups_first(order, ints([vouchers] * 4), 4, [Guarantee(seniors, 5_000)])
    expected = {1: [2, 3, 0, 1], 2: [2, 0, 1, 3]}
    assert first.tolist() == expected[vouchers]
