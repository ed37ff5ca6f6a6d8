"""The one rule of numbers that others give: which texts have their form, and which are the same."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchants.references import folded, is_reference

PRINTABLE = string.ascii_letters + string.digits + string.punctuation + " "
ODD = [
    "",
    " ",
    "   ",
    "A-1 ",
    " A-1",
    "A-1\n",
    "A\t1",
    "A\r1",
    "A-1\x00",
    "A-1\u200b",
    "\ufeffA-1",
    "A\u202e1",
    "Ａ-1",
    "Caf\u00e9",
    "Cafe\u0301",
    "桌1",
    "A\u00a01",
]


@pytest.mark.parametrize("text", ODD, ids=ascii)
def test_what_could_look_like_another_number_has_not_the_form(text: str) -> None:
    assert not is_reference(text)


@pytest.mark.parametrize("text", ["1", "A-1", "a 1", "20261127/0001", "~!#", "x" * 255])
def test_printable_ascii_has_the_form(text: str) -> None:
    assert is_reference(text)


@given(st.text())
def test_the_form_is_printable_ascii_without_outer_blanks(text: str) -> None:
    wanted = bool(text) and set(text) <= set(PRINTABLE) and text == text.strip(" ")
    assert is_reference(text) == wanted


@given(st.text(PRINTABLE), st.text(PRINTABLE))
def test_case_is_all_that_is_folded(one: str, other: str) -> None:
    assert (folded(one) == folded(other)) == (one.lower() == other.lower())
