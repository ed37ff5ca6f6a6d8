"""CSV for people's spreadsheets, in which no text from outside becomes a formula."""

import csv
import io
import re
from collections.abc import Iterable
from typing import Final, Protocol

# What a spreadsheet may strip before it looks for a formula, then the signs that begin one, also
# full-width or small; and what it takes for the end of a cell or of a line.
_FORMULA: Final = re.compile(
    r"[\t\r\n]|[\s\x00-\x1f\x7f-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]*"
    r"[=+\-@＝＋－＠﹦﹢﹣﹫]"
)
_LINE_END: Final = "\r\n"


class TextFile(Protocol):
    """What rows are written to; opened with newline=''."""

    def write(self, text: str, /) -> object:
        """Take some text."""


class SpreadsheetWriter:
    """Rows of a CSV, each ended by a line feed.

    A text that looks like a formula gets the apostrophe that makes it text. Numbers and dates are
    written as they are; the same cells give the same bytes.
    """

    def __init__(self, file: TextFile) -> None:
        self._file = file

    def row(self, cells: Iterable[object]) -> None:
        """Write one row."""
        line = io.StringIO(newline="")
        # Only what may end a line is quoted, so both signs must: a bare CR would part the row.
        writer = csv.writer(line, lineterminator=_LINE_END)
        writer.writerow([_cell(one) if isinstance(one, str) else one for one in cells])
        self._file.write(line.getvalue().removesuffix(_LINE_END) + "\n")


def _cell(text: str) -> str:
    return f"'{text}" if _FORMULA.match(text) else text
