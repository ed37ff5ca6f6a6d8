"""Tables in files: CSV read as a stream of column blocks, every fault with its line."""

import io
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
from django.utils.translation import gettext as _

from merchants.services.blocks import Block
from merchants.services.encodings import GUESSED, UnreadableFileError, encoding_of
from merchants.services.records import Record, read_records

BLOCK_ROWS: Final = 65_536
_OTHER_DELIMITERS: Final = (";", "\t", "|", "，", "；")


class Table:
    """An open CSV file with a header; `blocks()` reads it once."""

    def __init__(self, file: BinaryIO, encoding: str, required: Iterable[str]) -> None:
        self._file = file
        self._encoding = encoding
        # Referenced here: a wrapper that is garbage-collected closes its file.
        self._text = io.TextIOWrapper(file, encoding=encoding, newline="")
        self._records = read_records(self._text)
        self._header = _header(next(self._records, None), required)

    @property
    def is_guessed(self) -> bool:
        """Whether the encoding is what the file reads best in, not what it must be."""
        return self._encoding == GUESSED

    @property
    def bytes_read(self) -> int:
        """How far into the file the reader has come, for a progress bar."""
        return self._file.tell()

    def blocks(self, rows: int = BLOCK_ROWS) -> Iterator[Block]:
        """The rows in their order, empty ones passed over."""
        while records := list(islice(self._records, rows)):
            yield self._block(records)

    def _block(self, records: list[Record]) -> Block:
        width = len(self._header)
        cells = [record.cells for record in records]
        malformed = np.fromiter((len(row) != width for row in cells), np.bool_, len(cells))
        if malformed.any():
            # What a spreadsheet leaves behind the last column doesn't count as an extra cell.
            malformed &= [len(row) < width or any(map(str.strip, row[width:])) for row in cells]
            cells = [(row + [""] * width)[:width] for row in cells]
        columns = list(zip(*cells, strict=True))
        named = {name: column for name, column in zip(self._header, columns, strict=True) if name}
        block = Block(named, records)
        broken = np.fromiter((record.is_broken for record in records), np.bool_, len(records))
        block.faults.mark(broken, "quote_unclosed")
        block.faults.mark(malformed, "row_malformed")
        for number, (name, column) in enumerate(zip(self._header, columns, strict=True), start=1):
            if not name:
                block.mark_nameless(column, number)
        return block


@contextmanager
def open_table(path: Path, required: Iterable[str]) -> Iterator[Table]:
    """Open a CSV in UTF-8 (with or without BOM) or GB18030; raises UnreadableFileError."""
    try:
        with open(path, "rb") as file:
            yield Table(file, encoding_of(file), required)
    except OSError as error:
        raise UnreadableFileError(
            _("%(path)s can't be read: %(error)s.") % {"path": path, "error": error.strerror}
        ) from error


def encoding_notice(table: Table) -> list[str]:
    """The notice shown when the encoding had to be guessed."""
    if not table.is_guessed:
        return []
    return [_("The file is not UTF-8; it was read as GB18030. Check a name or two.")]


def _header(record: Record | None, required: Iterable[str]) -> list[str]:
    """Names of the columns, '' for those without one; UnreadableFileError if they won't do."""
    if record is not None and record.is_broken:
        raise UnreadableFileError(_("A quote in the header is not closed."))
    cells = record.cells if record else []
    header = [unicodedata.normalize("NFKC", cell).strip().lower() for cell in cells]
    missing = [name for name in required if name not in header]
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if missing:
        _refuse_other_delimiter(cells, missing)
        raise UnreadableFileError(_("The header lacks: %(names)s.") % {"names": ", ".join(missing)})
    if twice:
        raise UnreadableFileError(
            _("The header names twice: %(names)s.") % {"names": ", ".join(twice)}
        )
    return header


def _refuse_other_delimiter(cells: Sequence[str], missing: Iterable[str]) -> None:
    """UnreadableFileError if another delimiter would part the header into the missing names."""
    for delimiter in _OTHER_DELIMITERS:
        parts = {part.strip(' "').lower() for cell in cells for part in cell.split(delimiter)}
        if parts.issuperset(missing):
            shown = _("tab") if delimiter == "\t" else delimiter
            raise UnreadableFileError(
                _("The columns are separated by “%(delimiter)s”. Save the file with commas.")
                % {"delimiter": shown}
            )
