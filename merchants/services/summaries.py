"""What a load of a file reports: its counts, its warnings, and every row that was left out."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from django.utils.translation import gettext_noop

from merchants.geo import FAULTS

LINES_SWALLOWED: Final = "lines_swallowed"
ROWS_OF_SEVERAL_LINES: Final = "rows_of_several_lines"
IDS_ROUNDED: Final = "ids_rounded"
DATUM_CGCS2000: Final = "datum_cgcs2000"

REASONS: Final[Mapping[str, str]] = {
    **{fault.value: fault.sentence for fault in FAULTS},
    "row_malformed": gettext_noop("The row has more or fewer cells than the header."),
    "quote_unclosed": gettext_noop("A quoted cell is not closed by a quote where it ends."),
    "column_nameless": gettext_noop("A column that has no name in the header holds something."),
    "value_missing": gettext_noop("A required cell is empty."),
    "text_too_long": gettext_noop("A text is longer than its field allows."),
    "text_not_printable": gettext_noop("A text holds control characters."),
    "id_malformed": gettext_noop(
        "A number that names something holds signs other than letters, digits and signs of ASCII."
    ),
    "id_scientific": gettext_noop(
        "A spreadsheet has turned the number into scientific notation. Format the column as text."
    ),
    "number_malformed": gettext_noop("A cell that must be a number is not one."),
    "number_out_of_range": gettext_noop("A number lies outside the range of its field."),
    "boolean_malformed": gettext_noop("A yes-or-no cell must be 1, 0 or empty."),
    "datum_unknown": gettext_noop("The datum is missing or none of WGS-84, GCJ-02 and BD-09."),
    "coordinates_incomplete": gettext_noop("Longitude and latitude must be given together."),
    "duplicate_row": gettext_noop("An earlier row of this file has the same number."),
}
"""What each code means to the person who mends the file; also the translation keys."""


@dataclass(frozen=True, slots=True)
class RowFault:
    """A row that was left out: its first line, whose it is, a stable code and a sentence."""

    line: int
    subject: str
    code: str
    reason: str


@dataclass(slots=True)
class LoadSummary:
    """Result of a load. `warnings` counts by code the rows that were loaded but should be
    checked."""

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
