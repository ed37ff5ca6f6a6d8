"""The whole life of one voucher, from rows: how it came into its wallet, what was tried with it,
and what became of its money."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from merchants.errors import Refusal
from merchants.models import Store, StoreLocation
from vouchers.models import (
    Attempt,
    AudienceMember,
    Claim,
    Hold,
    Paper,
    Presentation,
    Redemption,
    Refund,
    Resident,
    SettlementLine,
    Tranche,
    Voucher,
)
from vouchers.states import SettlementState, TrancheState


class Event(StrEnum):
    """What can happen to a voucher."""

    ISSUED = "issued"
    CLAIMED = "claimed"
    PRESENTED = "presented"
    PAPER_MADE = "paper_made"
    PAPER_REPLACED = "paper_replaced"
    REFUSED = "refused"
    AUTHORISED = "authorised"
    CAPTURED = "captured"
    UNDONE = "undone"
    REFUNDED = "refunded"
    HELD = "held"
    RELEASED = "released"
    SETTLED = "settled"
    PAID_OUT = "paid_out"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Entry:
    """One event, with the amounts (fen), names and distances (metres) that explain it."""

    at: datetime
    event: Event
    facts: dict[str, Any] = field(default_factory=dict)
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class VoucherHistory:
    """A voucher, its terms, who holds it, and its events in the order of time."""

    voucher: Voucher
    tranche: Tranche
    holder: Resident
    entries: tuple[Entry, ...]


def history_of(voucher: Voucher) -> VoucherHistory:
    """Everything on file about one voucher."""
    tranche = Tranche.objects.select_related("campaign", "tier", "shard").get(pk=voucher.tranche_id)
    entries = [
        *_issue(voucher, tranche),
        *_codes(voucher),
        *_attempts(voucher),
        *_redemptions(voucher),
        *_refunds(voucher),
        *_holds(voucher),
        *_settlements(voucher),
    ]
    if tranche.state == TrancheState.EXPIRED and tranche.expired_at:
        entries.append(Entry(tranche.expired_at, Event.EXPIRED))
    entries.sort(key=lambda entry: entry.at)
    return VoucherHistory(voucher, tranche, voucher.resident, tuple(entries))


def _issue(voucher: Voucher, tranche: Tranche) -> Iterator[Entry]:
    if tranche.shard is None:
        for claim in Claim.objects.filter(voucher_id=voucher.pk).select_related("caller"):
            place = _place(claim.place_kind, claim.store_location_id, claim)
            yield Entry(claim.claimed_at, Event.CLAIMED, {**place, "channel": claim.caller.name})
        return
    member = AudienceMember.objects.filter(
        run_id=tranche.shard.run_id, bucket=voucher.bucket, resident_id=voucher.resident_id
    ).first()
    place = _place(member.point_kind, member.store_location_id, member) if member else {}
    yield Entry(tranche.minted_at, Event.ISSUED, {**place, "run": tranche.shard.run_id})


def _place(kind: str, location_id: int, found: Claim | AudienceMember) -> dict[str, Any]:
    """The evidence: which place, how far from which store, in which ring."""
    location = StoreLocation.objects.select_related("store").filter(pk=location_id).first()
    return {
        "place": kind,
        "store": location.store.name if location else "",
        "distance_m": found.distance_m,
        "ring": found.ring,
    }


def _codes(voucher: Voucher) -> Iterator[Entry]:
    shown = Presentation.objects.filter(voucher_id=voucher.pk)
    for row in shown.select_related("caller", "shown_by"):
        facts = {
            "channel": row.caller.name,
            "by": row.shown_by.external_id,
            "is_used": row.redemption_id is not None,
        }
        yield Entry(row.presented_at, Event.PRESENTED, facts)
    for paper in Paper.objects.filter(voucher_id=voucher.pk):
        yield Entry(paper.issued_at, Event.PAPER_MADE)
        if paper.replaced_at:
            facts = {"wrong_count": paper.wrong_count}
            yield Entry(paper.replaced_at, Event.PAPER_REPLACED, facts)


def _attempts(voucher: Voucher) -> Iterator[Entry]:
    rows = list(Attempt.objects.filter(voucher_id=voucher.pk))
    stores = Store.objects.in_bulk({row.store_id for row in rows if row.store_id})
    for row in rows:
        store = stores.get(row.store_id or 0)
        refusal = Refusal(row.code, row.rule, row.facts)
        yield Entry(row.at, Event.REFUSED, {"store": store.name if store else ""}, refusal)


def _redemptions(voucher: Voucher) -> Iterator[Entry]:
    rows = Redemption.objects.filter(voucher_id=voucher.pk).select_related("store", "shown_by")
    for row in rows:
        order = {
            "redemption": row.pk,
            "store": row.store.name,
            "order_no": row.order_no,
            "order_fen": row.order_amount_fen,
            "discount_fen": row.discount_fen,
            "by": row.shown_by.external_id,
        }
        if row.authorised_fen is not None:
            authorised = {**order, "discount_fen": row.authorised_fen}
            yield Entry(row.redeemed_at, Event.AUTHORISED, authorised)
        if row.authorised_fen is None:
            yield Entry(row.redeemed_at, Event.CAPTURED, order)
        elif row.captured_at:
            yield Entry(row.captured_at, Event.CAPTURED, order)
        if row.undone_at:
            yield Entry(row.undone_at, Event.UNDONE, {**order, "state": row.get_state_display()})


def _refunds(voucher: Voucher) -> Iterator[Entry]:
    rows = Refund.objects.filter(voucher_id=voucher.pk).select_related("store")
    for row in rows:
        facts = {
            "store": row.store.name,
            "refund_no": row.refund_no,
            "amount_fen": row.amount_fen,
            "clawback_fen": row.clawback_fen,
            "is_back": row.gives_voucher_back,
        }
        yield Entry(row.refunded_at, Event.REFUNDED, facts)


def _holds(voucher: Voucher) -> Iterator[Entry]:
    for row in Hold.objects.filter(voucher_id=voucher.pk):
        yield Entry(row.opened_at, Event.HELD, {"reason": row.reason, "person": row.opened_by})
        if row.released_at:
            yield Entry(row.released_at, Event.RELEASED, {"person": row.released_by})


def _settlements(voucher: Voucher) -> Iterator[Entry]:
    lines = SettlementLine.objects.filter(voucher_id=voucher.pk)
    for line in lines.select_related("settlement", "source"):
        settlement = line.settlement
        facts = {
            "source": line.source.name,
            "amount_fen": line.amount_fen,
            "day": settlement.business_day,
        }
        yield Entry(settlement.closed_at, Event.SETTLED, facts)
        if settlement.state == SettlementState.PAID and settlement.paid_at:
            yield Entry(settlement.paid_at, Event.PAID_OUT, facts)
