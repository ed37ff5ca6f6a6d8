"""From redemptions to what each source owes each merchant for a day, and the settlement file.

What a merchant owes a source for refunds that came after a settlement is kept back from the next
ones, the oldest refund first, and never more than they pay.

The file is made once and stored. The same lines and heading give the same bytes, so that it can be
made again from the rows and compared by SHA-256.
"""

import io
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from merchants.spreadsheets import SpreadsheetWriter
from vouchers.rules.redemption.redeem import Split

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
    "cell",
)
"""Of the file, in order. Columns may be added at the end, never moved or taken away."""


class Captured(NamedTuple):
    """A captured redemption; `split` is what refunds have left of each source's share."""

    redemption_id: int
    voucher_id: int
    merchant_id: int
    store_no: str
    order_no: str
    order_amount_fen: int
    discount_fen: int
    split: Split
    business_day: date
    redeemed_at: datetime


class Owed(NamedTuple):
    """What a merchant owes a source for a refund of something settled."""

    refund_id: int
    refund_no: str
    business_day: date
    source_id: int
    owed_fen: int
    captured: Captured


class Line(NamedTuple):
    """What one source owes for one redemption; with a refund, what it keeps back (negative)."""

    captured: Captured
    amount_fen: int
    refund: Owed | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A settlement to be: one merchant, one source; redemptions by id, then refunds by theirs."""

    merchant_id: int
    source_id: int
    lines: tuple[Line, ...]

    @property
    def total_fen(self) -> int:
        """Σ of the lines."""
        return sum(line.amount_fen for line in self.lines)


class Heading(NamedTuple):
    """What every line of a file repeats, so that files can be laid end to end."""

    cell: str
    campaign: str
    settlement_day: date
    merchant: str
    source: str
    zone: str


def share_out(redemptions: Iterable[Captured], owed: Iterable[Owed] = ()) -> list[Draft]:
    """One draft per merchant and source, in the order of their ids; zero shares make no line.

    A merchant to which a source owes nothing gets no draft; its refunds wait.
    """
    lines: dict[tuple[int, int], list[Line]] = defaultdict(list)
    for captured in sorted(redemptions):
        for source_id, amount_fen in captured.split:
            if amount_fen:
                lines[captured.merchant_id, source_id].append(Line(captured, amount_fen))
    left_fen = {key: sum(line.amount_fen for line in drafted) for key, drafted in lines.items()}
    for refund in sorted(owed):
        key = refund.captured.merchant_id, refund.source_id
        kept_fen = min(refund.owed_fen, left_fen.get(key, 0))
        if kept_fen:
            lines[key].append(Line(refund.captured, -kept_fen, refund))
            left_fen[key] -= kept_fen
    return [
        Draft(merchant_id, source_id, tuple(drafted))
        for (merchant_id, source_id), drafted in sorted(lines.items())
    ]


def file_of(draft: Draft, heading: Heading) -> bytes:
    """The settlement file: CSV with a header, UTF-8, lines ended by a line feed.

    Instants are local to the campaign's zone, with their offset.
    """
    text = io.StringIO(newline="")
    writer = SpreadsheetWriter(text)
    writer.row(COLUMNS)
    for row in _rows(draft, heading):
        writer.row(row)
    return text.getvalue().encode()


def missing_fen(*, cash_fen: int, owed_fen: int) -> int:
    """How much cash is still to arrive before `owed_fen` in all is covered; zero when none is."""
    return max(0, owed_fen - cash_fen)


def _rows(draft: Draft, heading: Heading) -> Iterator[tuple[str | int | Decimal | date, ...]]:
    zone = ZoneInfo(heading.zone)
    for line_no, (captured, amount_fen, refund) in enumerate(draft.lines, 1):
        yield (
            heading.campaign,
            heading.settlement_day,
            heading.merchant,
            heading.source,
            line_no,
            "refund" if refund else "redemption",
            captured.redemption_id,
            refund.refund_no if refund else 0,
            refund.business_day if refund else captured.business_day,
            captured.redeemed_at.astimezone(zone).isoformat(timespec="milliseconds"),
            captured.store_no,
            captured.order_no,
            captured.order_amount_fen,
            captured.discount_fen,
            amount_fen,
            _yuan(amount_fen),
            heading.cell,
        )


def _yuan(amount_fen: int) -> Decimal:
    return Decimal(amount_fen).scaleb(-2)
