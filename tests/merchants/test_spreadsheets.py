"""No text from outside becomes a formula in a spreadsheet; everything else stays as it is."""

import csv
import io
from datetime import date
from decimal import Decimal

import pytest

from merchants.spreadsheets import SpreadsheetWriter


def written(*cells: object) -> str:
    """The line that holds these cells."""
    text = io.StringIO(newline="")
    SpreadsheetWriter(text).row(cells)
    return text.getvalue()


@pytest.mark.parametrize("sign", "=+-@＝＋－＠﹦﹢﹣﹫")
@pytest.mark.parametrize(
    "before", ["", " ", "\u3000", "\t", "\r", "\n", "\x00", "\u200b", "\ufeff"]
)
def test_what_looks_like_a_formula_is_made_text(sign: str, before: str) -> None:
    formula = f"{before}{sign}1+1"
    (row,) = csv.reader(io.StringIO(written(formula), newline=""))
    assert row == [f"'{formula}"]


@pytest.mark.parametrize("text", ["\tx", "\rx", "\nx"])
def test_what_would_leave_its_cell_is_made_text(text: str) -> None:
    (row,) = csv.reader(io.StringIO(written(text), newline=""))
    assert row == [f"'{text}"]


def test_other_cells_are_written_as_they_are() -> None:
    cells = ("A-1", "1=1", "罗森", "", " x", -5, Decimal("-0.05"), date(2026, 3, 2))
    assert written(*cells) == "A-1,1=1,罗森,, x,-5,-0.05,2026-03-02\n"
