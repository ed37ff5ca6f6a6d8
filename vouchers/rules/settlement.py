"""From redemptions to what each source owes each merchant for a day, and the file that says so.

The file is made once and stored. The same lines and heading give the same bytes, so that whoever
holds the rows can make it again and compare its SHA-256.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from vouchers.rules.redemption import Split

COLUMNS: Final = (
    "campaign",
    "settlement_day",
    "merchant",
    "source",
    "line_no",
    "kind",
    "redemption_id",
    "refund_no",
    "business_day",
    "redeemed_at",
    "store",
    "order_no",
    "order_amount_fen",
    "discount_fen",
    "amount_fen",
    "amount_yuan",
)
"""Of the file, in order. Columns may be added at the end, never moved or taken away."""

# A spreadsheet would take a cell that begins so for a formula.
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


class Captured(NamedTuple):
    """A captured redemption that no settlement has taken yet."""

    redemption_id: int
    merchant_id: int
    store_no: str
    order_no: str
    order_amount_fen: int
    discount_fen: int
    split: Split
    business_day: date
    redeemed_at: datetime


class Line(NamedTuple):
    """What one source owes for one redemption."""

    captured: Captured
    amount_fen: int


@dataclass(frozen=True, slots=True)
class Draft:
    """A settlement to be: one merchant, one source, its lines by redemption id."""

    merchant_id: int
    source_id: int
    lines: tuple[Line, ...]

    @property
    def total_fen(self) -> int:
        """Σ of the lines."""
        return sum(line.amount_fen for line in self.lines)


class Heading(NamedTuple):
    """What every line of a file repeats, so that files can be laid end to end."""

    campaign: str
    settlement_day: date
    merchant: str
    source: str
    zone: str


def share_out(redemptions: Iterable[Captured]) -> list[Draft]:
    """One draft per merchant and source, in the order of their ids; zero shares make no line."""
    lines: dict[tuple[int, int], list[Line]] = defaultdict(list)
    for captured in sorted(redemptions):
        for source_id, amount_fen in captured.split:
            if amount_fen:
                lines[captured.merchant_id, source_id].append(Line(captured, amount_fen))
    return [
        Draft(merchant_id, source_id, tuple(drafted))
        for (merchant_id, source_id), drafted in sorted(lines.items())
    ]


def file_of(draft: Draft, heading: Heading) -> bytes:
    """The settlement file: CSV with a header, UTF-8, lines ended by a line feed.

    Instants are local to the campaign's zone, with their offset.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_rows(draft, heading))
    return text.getvalue().encode()


def missing_fen(*, received_fen: int, owed_fen: int) -> int:
    """How much cash is still to arrive before `owed_fen` in all is covered; zero when none is."""
    return max(0, owed_fen - received_fen)


def _rows(draft: Draft, heading: Heading) -> Iterator[tuple[str | int | date, ...]]:
    zone = ZoneInfo(heading.zone)
    for line_no, (captured, amount_fen) in enumerate(draft.lines, 1):
        yield (
            _cell(heading.campaign),
            heading.settlement_day,
            _cell(heading.merchant),
            _cell(heading.source),
            line_no,
            "redemption",
            captured.redemption_id,
            0,
            captured.business_day,
            captured.redeemed_at.astimezone(zone).isoformat(timespec="milliseconds"),
            _cell(captured.store_no),
            _cell(captured.order_no),
            captured.order_amount_fen,
            captured.discount_fen,
            amount_fen,
            f"{amount_fen // 100}.{amount_fen % 100:02d}",
        )


def _cell(text: str) -> str:
    """Text from outside; what looks like a formula gets the apostrophe that makes it text."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
