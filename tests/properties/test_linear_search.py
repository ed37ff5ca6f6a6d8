"""The search for one order of overlapping acts, against trying every order of a register's acts."""

from itertools import permutations
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from tests.support.mixed_load.linear import an_order

FINAL = 2


class Act(NamedTuple):
    """A value written to a register, or read from it."""

    began_s: float
    ended_s: float
    is_write: bool
    value: int


def step(held: int, act: Act) -> int | None:
    """What the register holds afterwards."""
    return act.value if act.is_write or act.value == held else None


def keeps_to_time(order: tuple[Act, ...]) -> bool:
    return all(
        later.ended_s >= earlier.began_s
        for place, earlier in enumerate(order)
        for later in order[place + 1 :]
    )


def explains(order: tuple[Act, ...], *, must_end: bool) -> bool:
    held: int | None = 0
    for act in order:
        held = None if held is None else step(held, act)
    return held == FINAL if must_end else held is not None


acts = st.builds(
    lambda began_s, took_s, is_write, value: Act(began_s, began_s + took_s, is_write, value),
    st.integers(0, 9),
    st.integers(1, 6),
    st.booleans(),
    st.integers(0, 2),
)


@given(st.lists(acts, max_size=5), st.booleans())
def test_an_order_is_found_exactly_when_there_is_one(known: list[Act], must_end: bool) -> None:
    there_is = any(
        keeps_to_time(order) and explains(order, must_end=must_end) for order in permutations(known)
    )
    found = an_order(known, 0, step=step, is_end=lambda held: not must_end or held == FINAL)
    assert found.is_whole == there_is
    assert keeps_to_time(tuple(found.order))
    if there_is:
        assert explains(tuple(found.order), must_end=must_end)
        assert sorted(found.order) == sorted(known)
