"""No published figure is of fewer than ten people, nor can one be had by subtraction."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vouchers.rules.proofs.anonymity import (
    LEAST_PERSONS,
    Group,
    publishable,
    publishable_within,
    share_pct,
)


def group(key: int, persons: int, discount_fen: int = 100) -> Group:
    return Group(key, f"district {key}", persons, persons, discount_fen, 4 * discount_fen)


GROUPS = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 10_000)), max_size=12).map(
    lambda rows: [group(key, *row) for key, row in enumerate(rows)]
)


@given(GROUPS, st.none() | st.integers(1, 5))
def test_each_group_shown_is_of_ten_people_and_so_is_what_is_left(
    groups: list[Group], most: int | None
) -> None:
    found = publishable(groups, most=most)
    assert all(one.persons >= LEAST_PERSONS for one in found.shown)
    rest = [one for one in groups if one not in found.shown]
    if found.shown and rest:
        assert max(one.persons for one in rest) >= LEAST_PERSONS
        assert found.others is not None
        assert found.others.discount_fen == sum(one.discount_fen for one in rest)


def test_a_small_group_takes_the_smallest_large_one_with_it() -> None:
    found = publishable([group(1, 50, 900), group(2, 12, 300), group(3, 4, 50)])
    assert [one.key for one in found.shown] == [1]
    assert found.others == Group(None, "", 12, 16, 350, 1_400)


def test_where_all_groups_are_small_none_is_shown() -> None:
    found = publishable([group(1, 9), group(2, 9)])
    assert (found.shown, found.others) == ((), None)


def test_of_a_whole_that_is_shown_with_others_no_part_is_shown() -> None:
    wholes = publishable([group(1, 50, 900), group(2, 12, 300), group(3, 4, 50)])
    parts: dict[int | None, Sequence[Group]] = {
        1: [group(11, 40), group(12, 10)],
        2: [group(21, 12)],
        3: [group(31, 4)],
    }
    within = publishable_within(wholes, parts)
    assert {key: [one.key for one in found.shown] for key, found in within.items()} == {1: [11, 12]}


def test_only_groups_that_may_be_told_are_shown_and_the_rest_stays_together() -> None:
    found = publishable([group(1, 50, 900), group(2, 12, 300), group(3, 30, 50)], among={1, 3})
    assert [one.key for one in found.shown] == [1, 3]
    assert found.others == Group(None, "", 12, 12, 300, 1_200)


@pytest.mark.parametrize(("persons", "shown"), [(9, None), (10, 50.0), (11, None), (0, 50.0)])
def test_a_share_is_of_ten_people_and_leaves_ten(persons: int, shown: float | None) -> None:
    assert share_pct(group(1, persons, 50), group(2, 20, 100)) == shown


def test_the_share_of_nothing_is_not_shown() -> None:
    assert share_pct(group(1, 0, 0), group(2, 0, 0)) is None
