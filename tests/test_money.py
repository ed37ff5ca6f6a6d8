"""Money: splitting leaves no remainder, and what people read says the exact amount."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vouchers.money import split_evenly, split_pro_rata, yuan

amounts = st.integers(0, 10**12)
weights = st.lists(st.integers(0, 10**9), min_size=1, max_size=8).filter(any)


@given(amounts, weights)
def test_the_parts_add_up_and_none_is_a_fen_off_its_share(total: int, by: list[int]) -> None:
    parts = split_pro_rata(total, by)
    assert sum(parts) == total
    for part, weight in zip(parts, by, strict=True):
        assert abs(part * sum(by) - total * weight) < sum(by)


@given(amounts, weights)
def test_a_larger_weight_never_gets_less(total: int, by: list[int]) -> None:
    ranked = sorted(zip(by, split_pro_rata(total, by), strict=True))
    for (light, less), (heavy, more) in pairwise(ranked):
        assert light == heavy or less <= more


@given(st.data(), weights)
def test_part_of_a_face_never_takes_more_than_each_share_of_it(
    data: st.DataObject, shares: list[int]
) -> None:
    amount = data.draw(st.integers(0, sum(shares)))
    parts = split_pro_rata(amount, shares)
    assert all(0 <= part <= share for part, share in zip(parts, shares, strict=True))


@given(weights)
def test_the_whole_is_split_into_the_weights_themselves(by: list[int]) -> None:
    assert split_pro_rata(sum(by), by) == by


@given(amounts, weights)
def test_the_same_arguments_give_the_same_parts(total: int, by: list[int]) -> None:
    assert split_pro_rata(total, by) == split_pro_rata(total, list(by))


def test_of_equal_remainders_the_earlier_part_is_served_first() -> None:
    assert split_pro_rata(100, [1, 1, 1]) == [34, 33, 33]
    assert split_pro_rata(1, [1, 1]) == [1, 0]


@pytest.mark.parametrize(("total", "by"), [(-1, [1]), (1, [0, 0]), (1, []), (1, [2, -1])])
def test_what_has_no_answer_is_an_error(total: int, by: list[int]) -> None:
    with pytest.raises(ValueError, match="cannot split"):
        split_pro_rata(total, by)


@given(amounts, st.integers(1, 500))
def test_equal_parts_differ_by_one_fen_at_most(total: int, count: int) -> None:
    parts = split_evenly(total, count)
    assert sum(parts) == total
    assert max(parts) - min(parts) <= 1
    assert parts == sorted(parts, reverse=True)


@given(st.integers(-(10**14), 10**14))
def test_yuan_says_the_exact_amount(amount_fen: int) -> None:
    text = yuan(amount_fen)
    sign, _, digits = text.partition("¥")
    assert int(sign + digits.replace(",", "").replace(".", "")) == amount_fen
    assert digits[-3] == "."


@pytest.mark.parametrize(
    ("amount_fen", "text"),
    [
        (0, "¥0.00"),
        (1, "¥0.01"),
        (123_450, "¥1,234.50"),
        (-5, "-¥0.05"),
        (500_000_000_00, "¥500,000,000.00"),
    ],
)
def test_yuan_reads_like_a_price_tag(amount_fen: int, text: str) -> None:
    assert yuan(amount_fen) == text
