"""Records of a CSV and the lines that each of them takes in.

A quote that is not closed where its cell ends swallows the lines up to the next quote, or to the
end of the file. Such a record is broken: of its cells those of its first line are kept, by which
it can be named.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

_CLOSING_QUOTE: Final = re.compile(r'(?<!")"(?:"")*(?!")')
_NAMING_CHARACTERS: Final = 1000


class Record(NamedTuple):
    """The cells of one record; `opens` is the line of the quote that makes it span several."""

    cells: list[str]
    first_line: int
    opens: int
    last_line: int
    is_broken: bool


def read_records(text: Iterable[str]) -> Iterator[Record]:
    """The records in their order, blank ones left out; lines count from 1.

    No cell is longer than the limit of the csv module, so memory stays bounded whatever a quote
    takes in.
    """
    source, taken = iter(text), list[str]()
    reader = csv.reader(_fed(source, taken), strict=True)
    line = 0
    while True:
        taken.clear()
        first = line + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            line += len(taken) + _rest_of_long_cell(source, taken)
            yield Record(_first_cells(taken), first, first + _opening(taken), line, True)
            continue
        line += len(taken)
        if cells and (cells[0].strip() or any(map(str.strip, cells))):
            opens = first if line == first else first + _opening(taken)
            yield Record(cells, first, opens, line, False)


def _fed(source: Iterator[str], taken: list[str]) -> Iterator[str]:
    """The lines of `source`, each also put into `taken`."""
    for line in source:
        taken.append(line)
        yield line


def _rest_of_long_cell(source: Iterator[str], taken: list[str]) -> int:
    """Pass over the lines up to the closing quote of a cell that exceeds the limit; how many."""
    if sum(map(len, taken)) <= csv.field_size_limit():
        return 0
    passed = 0
    for line in source:
        passed += 1
        if _CLOSING_QUOTE.search(line):
            break
    return passed


def _opening(lines: list[str]) -> int:
    """Position of the line on which the quote opens that takes in the last line."""
    opening, is_open = 0, False
    for position, line in enumerate(lines[:-1]):
        if line.count('"') % 2:
            is_open = not is_open
            opening = position if is_open else opening
    return opening


def _first_cells(lines: list[str]) -> list[str]:
    return next(csv.reader([lines[0][:_NAMING_CHARACTERS]]), [])
