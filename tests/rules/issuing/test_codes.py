"""Voucher codes: they lead back to their voucher, and only the issuer can make one."""

from string import digits

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from vouchers.rules.issuing.codes import CHECK_DIGITS, LENGTH, SERIAL_BITS, decode, encode

KEY = b"k" * 32
PAYMENT_PREFIXES = tuple(str(n) for n in (*range(10, 16), *range(25, 31), 62))

voucher_ids = st.builds(
    lambda tranche, serial: tranche << SERIAL_BITS | serial,
    st.integers(1, 999_999),
    st.integers(0, 999_999),
)
keys = st.binary(min_size=32, max_size=64)


@given(voucher_ids, keys)
def test_a_code_leads_back_to_its_voucher(voucher_id: int, key: bytes) -> None:
    assert decode(encode(voucher_id, key), key) == voucher_id


@given(voucher_ids, keys)
def test_a_code_is_twenty_digits_and_no_payment_code(voucher_id: int, key: bytes) -> None:
    code = encode(voucher_id, key)
    assert len(code) == LENGTH
    assert set(code) <= set(digits)
    assert not code.startswith(PAYMENT_PREFIXES)


@given(voucher_ids, st.integers(0, LENGTH - 1), st.integers(1, 9))
def test_one_wrong_digit_never_leads_to_the_same_voucher(
    voucher_id: int, place: int, off: int
) -> None:
    code = encode(voucher_id, KEY)
    wrong = code[:place] + str((int(code[place]) + off) % 10) + code[place + 1 :]
    assert decode(wrong, KEY) != voucher_id


@given(voucher_ids, st.integers(LENGTH - CHECK_DIGITS, LENGTH - 1), st.integers(1, 9))
def test_a_wrong_check_digit_is_refused(voucher_id: int, place: int, off: int) -> None:
    code = encode(voucher_id, KEY)
    wrong = code[:place] + str((int(code[place]) + off) % 10) + code[place + 1 :]
    assert decode(wrong, KEY) is None


@given(voucher_ids, st.integers(0, LENGTH - 2))
def test_two_digits_exchanged_never_lead_to_the_same_voucher(voucher_id: int, place: int) -> None:
    code = encode(voucher_id, KEY)
    wrong = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    assume(wrong != code)
    assert decode(wrong, KEY) != voucher_id


@given(voucher_ids, voucher_ids)
def test_two_vouchers_never_share_a_code(one: int, other: int) -> None:
    assume(one != other)
    assert encode(one, KEY) != encode(other, KEY)


def test_neighbours_in_a_tranche_disclose_nothing_of_each_others_check_digits() -> None:
    checks = {encode(1 << SERIAL_BITS | serial, KEY)[-CHECK_DIGITS:] for serial in range(2_000)}
    assert len(checks) > 1_990


def test_a_code_of_another_issuer_is_refused() -> None:
    codes = [encode(7 << SERIAL_BITS | serial, b"o" * 32) for serial in range(2_000)]
    assert [code for code in codes if decode(code, KEY) is not None] == []


@given(st.text(max_size=30))
def test_an_invalid_code_text_is_refused_without_an_exception(text: str) -> None:
    voucher_id = decode(text, KEY)
    assert voucher_id is None or encode(voucher_id, KEY) == text


@pytest.mark.parametrize(
    "spoil",
    [
        lambda code: code + "0",
        lambda code: code[:-1],
        lambda code: " " + code,
        lambda code: code + "\n",
        lambda code: "9" + code[1:],
        lambda code: "１" + code[1:],
        lambda code: code[:-1] + "²",
        lambda code: code.translate({ord(d): ord("０") + int(d) for d in digits}),
    ],
)
def test_only_the_exact_ascii_digits_count(spoil) -> None:  # type: ignore[no-untyped-def]
    assert decode(spoil(encode(5 << SERIAL_BITS, KEY)), KEY) is None
