"""A sweep sees to all that is due, and says at the end what failed."""

import pytest

from vouchers.services.sweeps import for_each


def test_the_results_come_in_the_order_of_the_items() -> None:
    assert for_each(iter([3, 1, 2]), lambda number: number * 10) == [30, 10, 20]
    assert for_each([], str) == []


def test_an_item_that_fails_keeps_none_of_the_others_and_is_told_at_the_end() -> None:
    seen: list[int] = []

    def act(number: int) -> None:
        seen.append(number)
        if number % 2:
            raise ValueError(number)

    with pytest.raises(ExceptionGroup, match="2 of 4 failed") as failed:
        for_each([1, 2, 3, 4], act)
    assert seen == [1, 2, 3, 4]
    assert [failure.args for failure in failed.value.exceptions] == [(1,), (3,)]
