"""Undoing: what a redemption gives up goes back to where it came from, by new postings."""

from datetime import datetime

from django.db.models import F, Value
from django.db.models.functions import Greatest

from merchants.references import folded
from vouchers.models import Hold, OrderClaim, Redemption
from vouchers.models.issuing.vouchers import MOVE_VOUCHERS
from vouchers.models.limits import TAKE_FROM_COUNTERS
from vouchers.models.locks import LOCK_COUNTERS, lock_key
from vouchers.rules.limits import limits
from vouchers.services.ledger import quotas, transfers
from vouchers.services.ledger.transfers import Line, Posting, Split
from vouchers.services.limits.counters import counter_columns
from vouchers.services.redemption.acts import Held
from vouchers.sql.pipeline import pipeline
from vouchers.states import (
    AccountKind,
    Cause,
    RedemptionState,
    TrancheState,
    TransferReason,
    VoucherState,
)


def undo(
    held: Held, *, state: RedemptionState, reason: TransferReason, at: datetime, by: str
) -> bool:
    """Undo the whole of a live redemption that no refund has touched; whether its voucher can be
    used again.

    Voucher, counters and money go back; while its tranche lasts the money is in the holder's hand
    again, afterwards it is free. The order can be used again, unless it was reversed: then a
    tombstone refuses it for ever. An open hold is released by `by`.
    """
    redemption = held.redemption
    origin = _origin(held, at, by)
    count_less(held, fen=redemption.discount_fen, places=1)
    with pipeline() as raw:
        MOVE_VOUCHERS.send(
            raw, {"voucher_ids": [redemption.voucher_id], "state": VoucherState.ISSUED.value}
        )
    row = Redemption.objects.filter(pk=redemption.pk, voucher_id=redemption.voucher_id)
    row.update(state=state, undone_at=at)
    claim = OrderClaim.objects.filter(
        store_id=redemption.store_id, order_no=folded(redemption.order_no)
    )
    if state == RedemptionState.REVERSED:
        claim.update(redemption_id=None)
    else:
        claim.delete()
    lines = given_back(held, redemption.split, origin=origin)
    transfers.post(postings=[posting_of(held, reason=reason, at=at, lines=lines)])
    # What the discount had left of the face went back when the tranche expired.
    make_room(held, redemption.split, vouchers=1)
    return _lasts(held) and at < held.terms.facts.valid_until_at


def count_less(held: Held, *, fen: int, places: int) -> None:
    """Take so much subsidy, and its place (1) or not (0), out of the counters the redemption was
    counted in, whatever the caps are by now."""
    redemption = held.redemption
    subjects = limits.Subjects(
        redemption.resident_id,
        redemption.store_id,
        redemption.merchant_id,
        tuple(redemption.links or ()),
    )
    counted = limits.counter_keys(
        held.terms.campaign.caps, subjects, redemption.redeemed_at, held.facts.zone
    )
    keys = sorted(key for key, _ in counted)
    with pipeline() as raw:
        LOCK_COUNTERS.send(raw, {"keys": sorted(lock_key("cap", *key) for key in keys)})
        TAKE_FROM_COUNTERS.send(
            raw,
            {
                **counter_columns(keys),
                "counts": [places] * len(keys),
                "fens": [fen] * len(keys),
            },
        )


def given_back(held: Held, split: Split, *, origin: AccountKind) -> list[Line]:
    """Legs for money that leaves a redemption: to its holder's hand, or free once its tranche is
    over; then `make_room` follows."""
    return transfers.move_lines(
        held.terms.campaign.accounts,
        split=split,
        allocation_id=held.redemption.allocation_id,
        origin=origin,
        target=AccountKind.OUTSTANDING if _lasts(held) else AccountKind.FREE,
    )


def posting_of(held: Held, *, reason: TransferReason, at: datetime, lines: list[Line]) -> Posting:
    """A transfer caused by the redemption."""
    return Posting(
        campaign_id=held.redemption.campaign_id,
        reason=reason,
        cause=Cause.REDEMPTION,
        cause_id=held.redemption.pk,
        at=at,
        lines=lines,
    )


def make_room(held: Held, split: Split, *, vouchers: int) -> None:
    """Let the quota cells have what became free by `given_back`, and so many places; while the
    tranche lasts nothing has. Quota buckets are locked last."""
    if not _lasts(held):
        part = quotas.Part(held.redemption.allocation_id, split, vouchers=vouchers)
        quotas.give_back_parts(parts=[part])


def _lasts(held: Held) -> bool:
    return held.terms.facts.state == TrancheState.OUTSTANDING


def _origin(held: Held, at: datetime, by: str) -> AccountKind:
    """Where the money of a redemption is; if it was held, it no longer is."""
    if held.redemption.state == RedemptionState.AUTHORISED:
        return AccountKind.AUTHORISED
    opened = Hold.objects.filter(redemption=held.redemption, released_at=None)
    # A clock that lags behind the one that opened the hold must not undo it before.
    if opened.update(released_at=Greatest(Value(at), F("opened_at")), released_by=by):
        return AccountKind.RISK_HELD
    return AccountKind.PAYABLE
