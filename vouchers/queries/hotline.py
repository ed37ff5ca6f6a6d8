"""The whole lives of vouchers, from rows: how each came into its wallet, what was tried with it,
and what became of its money."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import chain
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
from vouchers.models.limits.risk import hold_opener, hold_reason
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


Told = tuple[int, Entry]
"""The number of a voucher, and an event of it."""


def histories_of(vouchers: Sequence[Voucher]) -> list[VoucherHistory]:
    """Everything on file about some vouchers, in as many statements as about one."""
    ids = [voucher.pk for voucher in vouchers]
    tranches = Tranche.objects.select_related("campaign", "tier", "shard").in_bulk(
        {voucher.tranche_id for voucher in vouchers}
    )
    entries: dict[int, list[Entry]] = {pk: [] for pk in ids}
    for voucher_id, entry in chain(
        _claims(vouchers, tranches),
        _issues(vouchers, tranches),
        _codes(ids),
        _attempts(ids),
        _redemptions(ids),
        _refunds(ids),
        _holds(ids),
        _settlements(ids),
        _expiries(vouchers, tranches),
    ):
        entries[voucher_id].append(entry)
    return [
        VoucherHistory(
            voucher,
            tranches[voucher.tranche_id],
            voucher.resident,
            tuple(sorted(entries[voucher.pk], key=lambda entry: entry.at)),
        )
        for voucher in vouchers
    ]


def _claims(vouchers: Sequence[Voucher], tranches: Mapping[int, Tranche]) -> Iterator[Told]:
    ids = [voucher.pk for voucher in vouchers if tranches[voucher.tranche_id].shard is None]
    claims = list(Claim.objects.filter(voucher_id__in=ids).select_related("caller"))
    locations = _locations(claims)
    for claim in claims:
        place = _place(claim.place_kind, claim, locations)
        facts = {**place, "channel": claim.caller.name}
        yield claim.voucher_id, Entry(claim.claimed_at, Event.CLAIMED, facts)


def _issues(vouchers: Sequence[Voucher], tranches: Mapping[int, Tranche]) -> Iterator[Told]:
    """Of vouchers that a run has issued; the evidence is its audience's."""
    issued = [
        (voucher, shard.run_id)
        for voucher in vouchers
        if (shard := tranches[voucher.tranche_id].shard) is not None
    ]
    audience = AudienceMember.objects.filter(
        run_id__in={run_id for _, run_id in issued},
        bucket__in={voucher.bucket for voucher, _ in issued},
        resident_id__in={voucher.resident_id for voucher, _ in issued},
    )
    members = {(member.run_id, member.resident_id): member for member in audience}
    locations = _locations(members.values())
    for voucher, run_id in issued:
        member = members.get((run_id, voucher.resident_id))
        place = _place(member.point_kind, member, locations) if member else {}
        minted_at = tranches[voucher.tranche_id].minted_at
        yield voucher.pk, Entry(minted_at, Event.ISSUED, {**place, "run": run_id})


def _locations(found: Iterable[Claim | AudienceMember]) -> dict[int, StoreLocation]:
    numbers = {each.store_location_id for each in found if each.store_location_id}
    return StoreLocation.objects.select_related("store").in_bulk(numbers)


def _place(
    kind: str, found: Claim | AudienceMember, locations: Mapping[int, StoreLocation]
) -> dict[str, Any]:
    """The evidence: which place, how far from which store, in which ring."""
    location = locations.get(found.store_location_id)
    return {
        "place": kind,
        "store": location.store.name if location else "",
        "distance_m": found.distance_m,
        "ring": found.ring,
    }


def _codes(ids: Sequence[int]) -> Iterator[Told]:
    shown = Presentation.objects.filter(voucher_id__in=ids)
    for row in shown.select_related("caller", "shown_by"):
        facts = {
            "channel": row.caller.name,
            "by": row.shown_by.external_id,
            "is_used": row.redemption_id is not None,
        }
        yield row.voucher_id, Entry(row.presented_at, Event.PRESENTED, facts)
    for paper in Paper.objects.filter(voucher_id__in=ids):
        yield paper.voucher_id, Entry(paper.issued_at, Event.PAPER_MADE)
        if paper.replaced_at:
            facts = {"wrong_count": paper.wrong_count}
            yield paper.voucher_id, Entry(paper.replaced_at, Event.PAPER_REPLACED, facts)


def _attempts(ids: Sequence[int]) -> Iterator[Told]:
    rows = list(Attempt.objects.filter(voucher_id__in=ids))
    stores = Store.objects.in_bulk({row.store_id for row in rows if row.store_id})
    for row in rows:
        store = stores.get(row.store_id or 0)
        refusal = Refusal(row.code, row.rule, row.facts)
        facts = {"store": store.name if store else ""}
        yield row.voucher_id or 0, Entry(row.at, Event.REFUSED, facts, refusal)


def _redemptions(ids: Sequence[int]) -> Iterator[Told]:
    rows = Redemption.objects.filter(voucher_id__in=ids).select_related("store", "shown_by")
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
            yield row.voucher_id, Entry(row.redeemed_at, Event.AUTHORISED, authorised)
        if row.authorised_fen is None:
            yield row.voucher_id, Entry(row.redeemed_at, Event.CAPTURED, order)
        elif row.captured_at:
            yield row.voucher_id, Entry(row.captured_at, Event.CAPTURED, order)
        if row.undone_at:
            undone = {**order, "state": row.get_state_display()}
            yield row.voucher_id, Entry(row.undone_at, Event.UNDONE, undone)


def _refunds(ids: Sequence[int]) -> Iterator[Told]:
    rows = Refund.objects.filter(voucher_id__in=ids).select_related("store")
    for row in rows:
        facts = {
            "store": row.store.name,
            "refund_no": row.refund_no,
            "amount_fen": row.amount_fen,
            "clawback_fen": row.clawback_fen,
            "is_back": row.gives_voucher_back,
        }
        yield row.voucher_id, Entry(row.refunded_at, Event.REFUNDED, facts)


def _holds(ids: Sequence[int]) -> Iterator[Told]:
    for row in Hold.objects.filter(voucher_id__in=ids).select_related("rule_version"):
        held = {"reason": hold_reason(row.reason), "person": hold_opener(row)}
        yield row.voucher_id, Entry(row.opened_at, Event.HELD, held)
        if row.released_at:
            released = {"person": row.released_by}
            yield row.voucher_id, Entry(row.released_at, Event.RELEASED, released)


def _settlements(ids: Sequence[int]) -> Iterator[Told]:
    lines = SettlementLine.objects.filter(voucher_id__in=ids)
    for line in lines.select_related("settlement", "source"):
        settlement = line.settlement
        facts = {
            "source": line.source.name,
            "amount_fen": line.amount_fen,
            "day": settlement.business_day,
        }
        yield line.voucher_id, Entry(settlement.closed_at, Event.SETTLED, facts)
        if settlement.state == SettlementState.PAID and settlement.paid_at:
            yield line.voucher_id, Entry(settlement.paid_at, Event.PAID_OUT, facts)


def _expiries(vouchers: Sequence[Voucher], tranches: Mapping[int, Tranche]) -> Iterator[Told]:
    for voucher in vouchers:
        tranche = tranches[voucher.tranche_id]
        if tranche.state == TrancheState.EXPIRED and tranche.expired_at:
            yield voucher.pk, Entry(tranche.expired_at, Event.EXPIRED)
