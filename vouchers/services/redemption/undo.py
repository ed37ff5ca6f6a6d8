"""Undoing: what a redemption gives up goes back to where it came from, by new postings."""

from datetime import datetime
from typing import Any

from django.db.models import F, Value
from django.db.models.functions import Greatest

from vouchers.models import Hold, OrderClaim, Redemption
from vouchers.models.issuing.vouchers import MOVE_VOUCHERS
from vouchers.models.limits.limits import TAKE_FROM_COUNTERS
from vouchers.models.redemption.redemptions import claimed_no
from vouchers.rules.redemption.undo import Undoing
from vouchers.services.ledger import quotas, transfers
from vouchers.services.ledger.transfers import Line, Posting, Split
from vouchers.services.limits.counters import counter_columns
from vouchers.services.redemption.events import announce_undone
from vouchers.services.redemption.locked import LockedRedemption
from vouchers.sql.pipeline import pipeline
from vouchers.states import AccountKind, Cause, RedemptionState, TransferReason, VoucherState


def undo(
    locked: LockedRedemption,
    undoing: Undoing,
    *,
    state: RedemptionState,
    reason: TransferReason,
    at: datetime,
    by: str,
) -> None:
    """Undo the whole of a live redemption as decided; its limit counters are locked.

    Voucher, counters and money go back. The order can be used again, unless it was reversed: then
    a tombstone refuses it for ever. An open hold is released in the name of `by`.
    """
    redemption = locked.redemption
    if undoing.releases_hold:
        release_holds(redemption, by=by, at=at)
    with pipeline() as raw:
        MOVE_VOUCHERS.send(
            raw, {"voucher_ids": [redemption.voucher_id], "state": VoucherState.ISSUED.value}
        )
    update_redemption(locked, state=state, undone_at=at)
    claim = OrderClaim.objects.filter(
        store_id=redemption.store_id,
        order_no=claimed_no(redemption.order_no, is_test=locked.terms.facts.is_test),
    )
    if state == RedemptionState.REVERSED:
        claim.update(redemption_id=None)
    else:
        claim.delete()
    lines = move(locked, redemption.split, origin=undoing.origin, target=undoing.target)
    transfers.post(postings=[posting_of(locked, reason=reason, at=at, lines=lines)])
    if undoing.returns_to_quota:
        # What the discount had left of the face went back when the tranche expired.
        return_to_quota(locked, redemption.split, vouchers=1)
    release_counters(locked, fen=redemption.discount_fen, places=1)
    announce_undone(locked, state=state, reason=reason, at=at)


def update_redemption(locked: LockedRedemption, **columns: Any) -> None:
    """Set columns of the redemption's row, found by both columns of its key."""
    row = locked.redemption
    Redemption.objects.filter(pk=row.pk, voucher_id=row.voucher_id).update(**columns)


def release_holds(redemption: Redemption, *, by: str, at: datetime) -> None:
    """End the open hold on a redemption, never before it was opened: clocks differ."""
    opened = Hold.objects.filter(redemption=redemption, released_at=None)
    opened.update(released_at=Greatest(Value(at), F("opened_at")), released_by=by)


def release_counters(locked: LockedRedemption, *, fen: int, places: int) -> None:
    """Subtract subsidy in fen, and redemptions (0 or 1), from the counters it was counted in; locks
    their rows, so it comes after the quota's buckets."""
    keys = locked.counters
    with pipeline() as raw:
        TAKE_FROM_COUNTERS.send(
            raw,
            {
                **counter_columns(keys),
                "counts": [places] * len(keys),
                "fens": [fen] * len(keys),
            },
        )


def move(
    locked: LockedRedemption, split: Split, *, origin: AccountKind, target: AccountKind
) -> list[Line]:
    """Legs that move money of the redemption's allocation between two accounts of each source."""
    return transfers.move_lines(
        locked.terms.campaign.accounts,
        split=split,
        allocation_id=locked.redemption.allocation_id,
        origin=origin,
        target=target,
    )


def posting_of(
    locked: LockedRedemption, *, reason: TransferReason, at: datetime, lines: list[Line]
) -> Posting:
    """A transfer caused by the redemption."""
    return Posting(
        campaign_id=locked.redemption.campaign_id,
        reason=reason,
        cause=Cause.REDEMPTION,
        cause_id=locked.redemption.pk,
        at=at,
        lines=lines,
    )


def return_to_quota(locked: LockedRedemption, split: Split, *, vouchers: int) -> None:
    """Return money (by source) and places of vouchers to the quota cells; locks their buckets, so
    only the rows of limit counters come after it."""
    share = quotas.AllocationShare(locked.redemption.allocation_id, split, vouchers=vouchers)
    quotas.give_back_shares(shares=[share])
