"""Some rows of a file as columns: cells become numpy columns at once.

A cell that can't be read marks its row with a code; the row is left out and the rest goes on.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from merchants.geo import Datum, UnknownDatumError, is_cgcs2000
from merchants.services.records import Record
from merchants.services.summaries import (
    DATUM_CGCS2000,
    IDS_ROUNDED,
    LINES_SWALLOWED,
    ROWS_OF_SEVERAL_LINES,
    LoadSummary,
    RowFault,
)

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]

DATUMS: Final = tuple(Datum)
"""A datum in a column is its position here; -1 is none that is known."""

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_NO_ID_SIGN: Final = re.compile(r"[^\x20-\x7e\n]")
# How a spreadsheet shows a number of twelve digits or more, and what it leaves of one beyond its
# precision. Of untouched numbers one in a thousand ends so.
_SCIENTIFIC: Final = re.compile(r"^[+-]?\d(?:\.\d+)?E[+-]\d+$", re.MULTILINE | re.IGNORECASE)
_LONG_ID: Final = re.compile(r"^\d{12,}$", re.MULTILINE)
_ROUNDED_ID: Final = re.compile(r"^\d{9,}000$", re.MULTILINE)
_MANY_ROUNDED: Final = 3
_ROUNDED_SHARE: Final = 0.05
# What float() and int() take of these signs alone is plain decimal: no exponent, no underscore.
_DECIMAL_SIGNS: Final = b"0123456789.+- "
_BOOLEANS: Final = {
    **dict.fromkeys(("1", "true", "yes", "y", "是"), 1),
    **dict.fromkeys(("0", "false", "no", "n", "否"), 0),
    "": -1,
}


class Faults:
    """The first fault of each row of a block, by code; '' is a sound row."""

    def __init__(self, rows: int) -> None:
        self.codes: NDArray[np.object_] = np.full(rows, "", dtype=object)
        self._sound: Mask = np.ones(rows, dtype=np.bool_)

    def mark(self, where: Mask, code: str) -> None:
        """Give `code` to the rows at `where` that have no fault yet."""
        fresh = where & self._sound
        self.codes[fresh] = code
        self._sound[fresh] = False

    @property
    def sound(self) -> Mask:
        """Rows without a fault."""
        return self._sound

    def rows(self) -> Iterator[tuple[int, str]]:
        """Position and code of every faulty row."""
        for row in np.flatnonzero(~self._sound).tolist():
            yield row, str(self.codes[row])


class Block:
    """Some consecutive rows as columns of text; reading a column marks what can't be read."""

    def __init__(self, columns: Mapping[str, Sequence[str]], records: Sequence[Record]) -> None:
        self.columns = columns
        self.faults = Faults(len(records))
        self.warnings = Counter[str]()
        """Counts of warnings in these rows, by code; `report` adds them to the summary."""
        self._lines = [record.first_line for record in records]
        self._spans = {
            row: (record.opens, record.last_line)
            for row, record in enumerate(records)
            if record.opens != record.last_line
        }
        self._details: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self._lines)

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def texts(self, name: str, max_length: int, *, required: bool = False) -> list[str]:
        """Cells without surrounding blanks, at most `max_length` characters, on one line."""
        cells = [cell.strip() for cell in self.columns[name]]
        if max(map(len, cells), default=0) > max_length:
            self._mark((len(cell) > max_length for cell in cells), "text_too_long")
        if _CONTROL.search("".join(cells)):
            self._mark((_CONTROL.search(cell) is not None for cell in cells), "text_not_printable")
        if required and not all(cells):
            self._mark((not cell for cell in cells), "value_missing")
        return cells

    def ids(self, name: str, max_length: int) -> list[str]:
        """Numbers that name things: printable ASCII, and not what a spreadsheet made of one."""
        cells = self.texts(name, max_length, required=True)
        together = "\n".join(cells)
        if _NO_ID_SIGN.search(together):
            self._mark((_NO_ID_SIGN.search(cell) is not None for cell in cells), "id_malformed")
        if ("+" in together or "-" in together) and _SCIENTIFIC.search(together):
            self._mark((_SCIENTIFIC.match(cell) is not None for cell in cells), "id_scientific")
        rounded = len(_ROUNDED_ID.findall(together)) if "000\n" in together else 0
        if rounded >= _MANY_ROUNDED and rounded > _ROUNDED_SHARE * len(_LONG_ID.findall(together)):
            self.warnings[IDS_ROUNDED] += rounded
        return cells

    def numbers(self, name: str) -> Floats:
        """Decimal numbers; an empty cell is NaN, and so is one that was marked."""
        return np.array(self._parse(name, float, np.nan), dtype=np.float64)

    def integers(self, name: str, low: int, high: int, *, empty: int) -> Integers:
        """Whole numbers from `low` to `high`; an empty cell is `empty`."""
        values = self._parse(name, int, empty)
        beyond = [value != empty and not low <= value <= high for value in values]
        self._mark(beyond, "number_out_of_range")
        return np.array(
            [empty if out else value for value, out in zip(values, beyond, strict=True)],
            dtype=np.int64,
        )

    def booleans(self, name: str) -> Integers:
        """1, 0, or -1 for an empty cell: not known."""
        known = {cell: _BOOLEANS.get(cell.strip().lower()) for cell in set(self.columns[name])}
        values = [known[cell] for cell in self.columns[name]]
        if None in known.values():
            self._mark((value is None for value in values), "boolean_malformed")
        return np.array([-1 if value is None else value for value in values], dtype=np.int64)

    def datums(self, default: Datum | None) -> NDArray[np.int8]:
        """Positions in DATUMS; the row's own `datum` overrides the default."""
        otherwise = -1 if default is None else DATUMS.index(default)
        if "datum" not in self:
            return np.full(len(self), otherwise, dtype=np.int8)
        as_wgs84 = {cell for cell in set(self.columns["datum"]) if is_cgcs2000(cell)}
        if as_wgs84:
            rows = sum(cell in as_wgs84 for cell in self.columns["datum"])
            self.warnings[DATUM_CGCS2000] += rows
        known = {cell: _datum(cell, otherwise) for cell in set(self.columns["datum"])}
        return np.array([known[cell] for cell in self.columns["datum"]], dtype=np.int8)

    def mark_nameless(self, cells: Sequence[str], column: int) -> None:
        """Mark the rows with anything in the column of that number, which has no name."""
        for row, cell in enumerate(cells):
            if cell and cell.strip() and row not in self._details:
                self._details[row] = _("It is column %(column)s.") % {"column": column}
        filled = np.zeros(len(self), dtype=np.bool_)
        filled[list(self._details)] = True
        self.faults.mark(filled, "column_nameless")

    def report(
        self,
        subjects: Sequence[str],
        reasons: Mapping[str, str],
        on_fault: Callable[[RowFault], None],
        summary: LoadSummary,
    ) -> None:
        """Report every faulty row to `on_fault`, and rows that swallow other lines to the
        summary."""
        for row, code in self.faults.rows():
            reason = f"{_(reasons[code])}{self._detail(row, code)}"
            on_fault(RowFault(self._lines[row], subjects[row], code, reason))
        summary.warnings.update(self.warnings)
        for row, (opens, last) in self._spans.items():
            if self.faults.sound[row]:
                summary.warnings[ROWS_OF_SEVERAL_LINES] += 1
            else:
                summary.warnings[LINES_SWALLOWED] += last - opens

    def _detail(self, row: int, code: str) -> str:
        if code == "column_nameless":
            return f" {self._details[row]}"
        if row not in self._spans:
            return ""
        opens, last = self._spans[row]
        span = _("The quote opens on line %(opens)s and swallows %(count)s lines, up to %(last)s.")
        return " " + span % {"opens": opens, "count": last - opens, "last": last}

    def _parse(self, name: str, parse: Any, empty: Any) -> list[Any]:
        cells = self.columns[name]
        if not _is_decimal("".join(cells)):
            return self._parse_one_by_one(name, parse, empty)
        try:
            return [parse(cell) if cell else empty for cell in cells]
        except ValueError:
            return self._parse_one_by_one(name, parse, empty)

    def _parse_one_by_one(self, name: str, parse: Any, empty: Any) -> list[Any]:
        values, bad = [], []
        for cell in map(str.strip, self.columns[name]):
            try:
                value, is_bad = parse(cell) if cell else empty, not _is_decimal(cell)
            except ValueError:
                is_bad = True
            values.append(empty if is_bad else value)
            bad.append(is_bad)
        self._mark(bad, "number_malformed")
        return values

    def _mark(self, where: Iterable[bool], code: str) -> None:
        self.faults.mark(np.fromiter(where, np.bool_, len(self)), code)


def _is_decimal(text: str) -> bool:
    return not text.encode().translate(None, _DECIMAL_SIGNS)


def _datum(cell: str, otherwise: int) -> int:
    if not cell.strip():
        return otherwise
    try:
        return DATUMS.index(Datum.parse(cell))
    except UnknownDatumError:
        return -1
