"""Tables in files: CSV read as a stream of column blocks, every fault with its line.

Cells become numpy columns at once. A cell that can't be read marks its row with a code; the row is
left out and the rest goes on.
"""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from numpy.typing import NDArray

from merchants.geo import FAULTS, Datum, UnknownDatumError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]

BLOCK_ROWS: Final = 65_536
DATUMS: Final = tuple(Datum)
"""A datum in a column is its position here; -1 is none that is known."""

_READ_BYTES: Final = 1 << 20
_UTF16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_BOOLEANS: Final = {
    **dict.fromkeys(("1", "true", "yes", "y", "是"), 1),
    **dict.fromkeys(("0", "false", "no", "n", "否"), 0),
    "": -1,
}

REASONS: Final[Mapping[str, str]] = {
    **{fault.value: fault.sentence for fault in FAULTS},
    "row_malformed": gettext_noop("The row has more or fewer cells than the header."),
    "value_missing": gettext_noop("A required cell is empty."),
    "text_too_long": gettext_noop("A text is longer than its field allows."),
    "text_not_printable": gettext_noop("A text holds control characters."),
    "number_malformed": gettext_noop("A cell that must be a number is not one."),
    "number_out_of_range": gettext_noop("A number lies outside the range of its field."),
    "boolean_malformed": gettext_noop("A yes-or-no cell must be 1, 0 or empty."),
    "datum_unknown": gettext_noop("The datum is missing or none of WGS-84, GCJ-02 and BD-09."),
    "coordinates_incomplete": gettext_noop("Longitude and latitude must be given together."),
    "duplicate_row": gettext_noop("An earlier row of this file has the same number."),
}
"""What each code means to the person who mends the file; also the translation keys."""


class UnreadableFileError(Exception):
    """Not one row can be read: no such file, not text, or not the columns that are needed."""


@dataclass(frozen=True, slots=True)
class RowFault:
    """A row that was left out: the line it ends on, whose it is, a stable code and a sentence."""

    line: int
    subject: str
    code: str
    reason: str


@dataclass(slots=True)
class LoadSummary:
    """What came of the rows. `warnings` counts what went in but deserves a look, by code."""

    read: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    warnings: Counter[str] = field(default_factory=Counter)
    notices: list[str] = field(default_factory=list)

    @property
    def is_usable(self) -> bool:
        """Whether any row went in or was there already."""
        return self.new + self.changed + self.unchanged > 0


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

    def __init__(self, columns: Mapping[str, Sequence[str]], lines: Sequence[int]) -> None:
        self.columns = columns
        self.lines = lines
        self.faults = Faults(len(lines))

    def __len__(self) -> int:
        return len(self.lines)

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
        known = {cell: _datum(cell, otherwise) for cell in set(self.columns["datum"])}
        return np.array([known[cell] for cell in self.columns["datum"]], dtype=np.int8)

    def _parse(self, name: str, parse: Any, empty: Any) -> list[Any]:
        cells = self.columns[name]
        try:
            return [parse(cell) if cell else empty for cell in cells]
        except ValueError:
            return self._parse_one_by_one(name, parse, empty)

    def _parse_one_by_one(self, name: str, parse: Any, empty: Any) -> list[Any]:
        values, bad = [], []
        for cell in map(str.strip, self.columns[name]):
            try:
                values.append(parse(cell) if cell else empty)
                bad.append(False)
            except ValueError:
                values.append(empty)
                bad.append(True)
        self._mark(bad, "number_malformed")
        return values

    def _mark(self, where: Iterable[bool], code: str) -> None:
        self.faults.mark(np.fromiter(where, np.bool_, len(self)), code)


def _datum(cell: str, otherwise: int) -> int:
    if not cell.strip():
        return otherwise
    try:
        return DATUMS.index(Datum.parse(cell))
    except UnknownDatumError:
        return -1


class Table:
    """An open CSV file with a header; `blocks()` reads it once."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self.encoding = encoding
        self._file = file
        self._reader = csv.reader(io.TextIOWrapper(file, encoding=encoding, newline=""))
        self.header = [name.strip().lower() for name in next(self._reader, [])]

    @property
    def bytes_read(self) -> int:
        """How far into the file the reader has come, for a progress bar."""
        return self._file.tell()

    def blocks(self, rows: int = BLOCK_ROWS) -> Iterator[Block]:
        """The rows in their order; UnreadableFileError where the CSV itself breaks off."""
        while True:
            lines, cells = self._next(rows)
            if not lines:
                return
            yield self._block(lines, cells)

    def _next(self, rows: int) -> tuple[list[int], list[list[str]]]:
        """Line numbers and cells of the next rows; blank lines are passed over."""
        lines: list[int] = []
        cells: list[list[str]] = []
        try:
            for row in self._reader:
                if row:
                    lines.append(self._reader.line_num)
                    cells.append(row)
                if len(lines) == rows:
                    break
        except csv.Error as error:
            raise UnreadableFileError(
                _("Line %(line)s is no CSV: %(error)s.")
                % {"line": self._reader.line_num, "error": error}
            ) from error
        return lines, cells

    def _block(self, lines: list[int], cells: list[list[str]]) -> Block:
        width = len(self.header)
        malformed = np.fromiter((len(row) != width for row in cells), np.bool_, len(cells))
        if malformed.any():
            cells = [(row + [""] * width)[:width] for row in cells]
        columns = zip(*cells, strict=True)
        block = Block(dict(zip(self.header, columns, strict=True)), lines)
        block.faults.mark(malformed, "row_malformed")
        return block


@contextmanager
def open_table(path: Path, required: Iterable[str]) -> Iterator[Table]:
    """Open a CSV in UTF-8 (with or without BOM) or GB18030; raises UnreadableFileError."""
    try:
        with open(path, "rb") as file:
            table = Table(file, _encoding(file))
            _check_header(table.header, required)
            yield table
    except OSError as error:
        raise UnreadableFileError(
            _("%(path)s can't be read: %(error)s.") % {"path": path, "error": error.strerror}
        ) from error


def encoding_notice(table: Table) -> list[str]:
    """What to tell people about an encoding that had to be guessed."""
    if table.encoding != "gb18030":
        return []
    return [_("The file is not UTF-8; it was read as GB18030. Check a name or two.")]


def _encoding(file: BinaryIO) -> str:
    """The encoding that the whole file is valid in; the file is wound back."""
    for encoding in ("utf-8-sig", "gb18030"):
        file.seek(0)
        if _decodes(file, encoding):
            file.seek(0)
            return encoding
    raise UnreadableFileError(_("The file is neither UTF-8 nor GB18030. Save it as CSV UTF-8."))


def _decodes(file: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while chunk := file.read(_READ_BYTES):
            if b"\x00" in chunk or chunk.startswith(_UTF16_MARKS):
                raise UnreadableFileError(_("The file is no plain text. Save it as CSV UTF-8."))
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _check_header(header: Sequence[str], required: Iterable[str]) -> None:
    missing = [name for name in required if name not in header]
    twice = sorted({name for name in header if header.count(name) > 1})
    if missing:
        raise UnreadableFileError(_("The header lacks: %(names)s.") % {"names": ", ".join(missing)})
    if twice:
        raise UnreadableFileError(
            _("The header names twice: %(names)s.") % {"names": ", ".join(twice)}
        )
