"""Codes of presentations and papers: they lead back to their row, and only the issuer makes one."""

from string import digits

from hypothesis import given
from hypothesis import strategies as st

from vouchers.rules.issuing import codes
from vouchers.rules.issuing.numbered_codes import (
    LENGTH,
    NUMBER_MAX,
    PAPER,
    PRESENTED,
    Numbered,
    decode,
    encode,
    grouped,
    is_numbered,
)

KEY = b"k" * 32
PAYMENT_PREFIXES = tuple(str(n) for n in (*range(10, 16), *range(25, 31), 62))

kinds = st.sampled_from((PRESENTED, PAPER))
numbers = st.integers(1, NUMBER_MAX)
keys = st.binary(min_size=32, max_size=64)


@given(kinds, numbers, keys)
def test_a_code_leads_back_to_its_row(kind: str, number: int, key: bytes) -> None:
    assert decode(encode(kind, number, key), key) == Numbered(kind, number)


@given(kinds, numbers, keys)
def test_a_code_is_no_payment_code_and_no_vouchers(kind: str, number: int, key: bytes) -> None:
    code = encode(kind, number, key)
    assert len(code) == LENGTH
    assert set(code) <= set(digits)
    assert not code.startswith(PAYMENT_PREFIXES)
    assert not codes.is_code(code)


@given(kinds, numbers, st.integers(0, LENGTH - 1), st.integers(1, 9))
def test_one_wrong_digit_never_leads_to_the_same_row(
    kind: str, number: int, place: int, off: int
) -> None:
    code = encode(kind, number, KEY)
    wrong = code[:place] + str((int(code[place]) + off) % 10) + code[place + 1 :]
    assert decode(wrong, KEY) != Numbered(kind, number)


@given(numbers)
def test_a_paper_cannot_be_made_into_a_presented_code(number: int) -> None:
    paper = encode(PAPER, number, KEY)
    assert encode(PRESENTED, number, KEY)[1:] != paper[1:]


@given(st.text(max_size=24))
def test_any_text_may_be_asked(text: str) -> None:
    assert decode(text, KEY) is None or is_numbered(text)


def test_another_cells_code_is_none() -> None:
    assert decode(encode(PRESENTED, 7, KEY), b"another key of thirty-two bytes!") is None


def test_a_code_is_read_in_three_groups() -> None:
    assert grouped("900000000112345678") == "900000 000112 345678"
