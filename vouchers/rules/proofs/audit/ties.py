"""Ties of the subledgers: the balance of an account and the sum of its rows. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from vouchers.rules.proofs.audit.facts import Amount, Books, Parts, Row, Slot
from vouchers.states import (
    AccountKind,
    RedemptionState,
    RunState,
    SettlementState,
    ShardState,
    TrancheState,
    VoucherState,
)

Sums = dict[Slot, int]


def reserved_tie(books: Books) -> Iterator[Row]:
    """Σ face of vouchers in shards not minted yet = the reserved account."""
    rows: Sums = defaultdict(int)
    for shard in books.shards:
        if shard.state == ShardState.DONE or shard.run_state != RunState.RESERVED:
            continue
        for allocation_id, size in shard.sizes:
            for source_id, fen in shard.split:
                rows[shard.campaign_id, source_id, allocation_id] += fen * size
    return _tie(books, [AccountKind.RESERVED], rows)


def outstanding_tie(books: Books) -> Iterator[Row]:
    """In tranches not expired, Σ face of issued vouchers, and what percentages left of the faces
    of those in use = the outstanding account."""
    rows = _issued_faces(books)
    _add(rows, books.rests)
    return _tie(books, [AccountKind.OUTSTANDING], rows)


def authorised_tie(books: Books) -> Iterator[Row]:
    """Σ of authorised redemptions = the authorised account."""
    return _tie(
        books, [AccountKind.AUTHORISED], _redeemed(books, {RedemptionState.AUTHORISED.value})
    )


def payable_tie(books: Books) -> Iterator[Row]:
    """Σ of captured redemptions, less what refunds took before a settlement or while it waited,
    less what was paid = payable + held for risk."""
    used = {RedemptionState.CAPTURED.value, RedemptionState.REFUNDED.value}
    rows = _redeemed(books, used)
    for line in books.lines:
        if line.kind == "redemption":
            rows[line.campaign_id, line.source_id, line.allocation_id] -= line.fen
    _add(rows, (part for part in books.parts if not _is_after_payout(part)), sign=-1)
    return _tie(books, [AccountKind.PAYABLE, AccountKind.RISK_HELD], rows)


def held_tie(books: Books) -> Iterator[Row]:
    """Σ of what is left of redemptions under an open hold = held for risk."""
    rows: Sums = defaultdict(int)
    _add(rows, books.held)
    return _tie(books, [AccountKind.RISK_HELD], rows)


def settled_tie(books: Books) -> Iterator[Row]:
    """Σ of redemptions' lines in paid settlements, less what became recoverable = settled."""
    rows: Sums = defaultdict(int)
    for line in books.lines:
        if line.kind == "redemption":
            rows[line.campaign_id, line.source_id, line.allocation_id] += line.fen
    _add(rows, (part for part in books.parts if _is_after_payout(part)), sign=-1)
    return _tie(books, [AccountKind.SETTLED], rows)


def recoverable_tie(books: Books) -> Iterator[Row]:
    """Σ of what refunds left owed by merchants, less what was kept back or collected =
    recoverable."""
    rows: Sums = defaultdict(int)
    _add(rows, (part for part in books.parts if _is_owed(part)))
    for line in books.lines:
        if line.kind == "refund":
            rows[line.campaign_id, line.source_id, line.allocation_id] += line.fen
    _add(rows, books.collected, sign=-1)
    return _tie(books, [AccountKind.RECOVERABLE], rows)


def _is_owed(part: Parts) -> bool:
    return part.target == AccountKind.RECOVERABLE


def _is_after_payout(part: Parts) -> bool:
    """What is owed of a share that the payout included, or omitted because it was refunded
    before."""
    return _is_owed(part) and part.line == SettlementState.PAID


def _issued_faces(books: Books) -> Sums:
    rows: Sums = defaultdict(int)
    alive = {item.id: item for item in books.tranches if item.state == TrancheState.OUTSTANDING}
    for item in books.vouchers:
        tranche = alive.get(item.tranche_id)
        if tranche is None or item.state != VoucherState.ISSUED:
            continue
        for source_id, fen in tranche.split:
            rows[tranche.campaign_id, source_id, item.allocation_id] += fen * item.size
    return rows


def _redeemed(books: Books, states: set[int]) -> Sums:
    rows: Sums = defaultdict(int)
    for item in books.redeemed:
        if item.state in states:
            rows[item.campaign_id, item.source_id, item.allocation_id] += item.fen
    return rows


def _add(rows: Sums, amounts: Iterable[Amount | Parts], *, sign: int = 1) -> None:
    for item in amounts:
        rows[item.campaign_id, item.source_id, item.allocation_id] += sign * item.fen


def _tie(books: Books, kinds: Sequence[AccountKind], rows: Mapping[Slot, int]) -> Iterator[Row]:
    """Where the accounts of these kinds and the sums of the rows differ."""
    booked: Sums = defaultdict(int)
    for campaign_id, source_id, kind, allocation_id, fen in books.balances:
        if kind in kinds:
            booked[campaign_id, source_id, allocation_id] += fen
    for slot in booked.keys() | rows.keys():
        booked_fen, rows_fen = booked.get(slot, 0), rows.get(slot, 0)
        if booked_fen != rows_fen:
            campaign_id, source_id, allocation_id = slot
            yield {
                "campaign": campaign_id,
                "source": source_id,
                "allocation": allocation_id,
                "booked_fen": booked_fen,
                "rows_fen": rows_fen,
            }
