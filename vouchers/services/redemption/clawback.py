"""Clawback (补贴退回): what a refund decided is written, and every source has its share back."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Sum

from vouchers.models import Hold, Redemption, Refund, RefundPart
from vouchers.models.issuing.vouchers import MOVE_VOUCHERS
from vouchers.models.settlement import LOCK_SETTLEMENTS_OF
from vouchers.rules.limits.limits import business_day
from vouchers.rules.redemption.redeem import CAMPAIGN_OVER
from vouchers.rules.redemption.refunds import Clawback, Refundable, Share, VoucherFate
from vouchers.services.ledger import quotas, transfers
from vouchers.services.ledger.quotas import LockedNeeds
from vouchers.services.ledger.transfers import Line, Posting
from vouchers.services.redemption.events import announce_refunded
from vouchers.services.redemption.locked import LockedRedemption
from vouchers.services.redemption.undo import (
    move,
    release_counters,
    release_holds,
    return_to_quota,
    update_redemption,
)
from vouchers.sql.pipeline import pipeline, raw_connection
from vouchers.states import (
    AccountKind,
    Cause,
    RedemptionState,
    TrancheState,
    TransferReason,
    VoucherState,
)

FATES = {
    VoucherFate.GIVEN_BACK: VoucherState.ISSUED,
    VoucherFate.WITHDRAWN: VoucherState.WITHDRAWN,
}


def refundable_of(locked: LockedRedemption, *, at: datetime) -> Refundable:
    """What is left of a locked redemption to be refunded or called back; locks its settlements."""
    redemption, tranche = locked.redemption, locked.terms.facts
    refunds = Refund.objects.filter(redemption=redemption).aggregate(fen=Sum("amount_fen"))
    lasts = tranche.state == TrancheState.OUTSTANDING
    used_fen = dict(redemption.split)
    return Refundable(
        state=redemption.state,
        policy=redemption.campaign.refund_policy,
        order_amount_fen=redemption.order_amount_fen,
        discount_fen=redemption.discount_fen,
        refunded_fen=refunds["fen"] or 0,
        shares=_shares(redemption),
        is_held=locked.facts.is_held,
        is_window_open=lasts and tranche.valid_from_at <= at < tranche.valid_until_at,
        rest=[
            (source_id, face_fen - used_fen.get(source_id, 0))
            for source_id, face_fen in (tranche.split if lasts else ())
        ],
        is_campaign_over=tranche.campaign_state in CAMPAIGN_OVER,
    )


def _shares(redemption: Redemption) -> list[Share]:
    """The settlements are locked: a payout waits until the clawback is there to be seen, and after
    a payout the money is found where it went."""
    parts = RefundPart.objects.filter(refund__redemption=redemption).values_list("source_id")
    clawed_fen = dict(parts.annotate(fen=Sum("amount_fen")))
    of_redemption = {"redemption_id": redemption.pk}
    settlements = dict(LOCK_SETTLEMENTS_OF.send(raw_connection(), of_redemption).rows())
    return [
        Share(source_id, fen, clawed_fen.get(source_id, 0), settlements.get(source_id))
        for source_id, fen in redemption.split
    ]


def call_back_rest(
    hold: Hold, locked: LockedRedemption, clawback: Clawback, *, by: str, at: datetime
) -> None:
    """Write what was decided of the rest of a held redemption that was partly refunded."""
    redemption = locked.redemption
    # Never before what it undoes: clocks differ.
    at = max(at, redemption.captured_at or redemption.redeemed_at)
    row = Refund(
        redemption=redemption,
        voucher_id=redemption.voucher_id,
        merchant_id=redemption.merchant_id,
        store_id=redemption.store_id,
        is_test=locked.terms.facts.is_test,
        amount_fen=0,
        clawback_fen=clawback.fen,
        policy=redemption.campaign.refund_policy,
        gives_voucher_back=False,
        hold=hold,
        business_day=business_day(at, locked.facts.zone),
        refunded_at=at,
    )
    write(row, locked, clawback, promised=None, by=by)


def write(
    row: Refund,
    locked: LockedRedemption,
    clawback: Clawback,
    *,
    promised: LockedNeeds | None,
    by: str,
) -> None:
    """Write the refund with its parts and all that follows: counters, states, postings, and room in
    quotas. `promised` are the locked buckets that a voucher promised anew takes its room from.

    A hold that has nothing left to hold is released in the name of `by`.
    """
    row.save(force_insert=True)
    RefundPart.objects.bulk_create(
        [RefundPart(refund=row, **part._asdict()) for part in clawback.parts]
    )
    if clawback.is_everything:
        update_redemption(locked, state=RedemptionState.REFUNDED, undone_at=row.refunded_at)
        release_holds(locked.redemption, by=by, at=row.refunded_at)
    if clawback.voucher is not VoucherFate.STAYS:
        state = FATES[clawback.voucher].value
        with pipeline() as raw:
            MOVE_VOUCHERS.send(raw, {"voucher_ids": [locked.redemption.voucher_id], "state": state})
    transfers.post(postings=list(_postings(row, locked, clawback)))
    _write_quotas(locked, clawback, promised)
    if clawback.fen:
        places = 1 if clawback.is_everything else 0
        release_counters(locked, fen=clawback.fen, places=places)
    announce_refunded(locked, row, clawback)


def _write_quotas(
    locked: LockedRedemption, clawback: Clawback, promised: LockedNeeds | None
) -> None:
    if promised is not None and clawback.reissued():
        quotas.take_locked(buckets=promised.buckets, needs=promised.needs)
    freed = clawback.freed()
    places = 1 if clawback.voucher is VoucherFate.WITHDRAWN else 0
    if freed or places:
        return_to_quota(locked, freed, vouchers=places)


def _postings(row: Refund, locked: LockedRedemption, clawback: Clawback) -> Iterator[Posting]:
    """One transfer for each reason that has something to move."""
    outstanding, free = AccountKind.OUTSTANDING, AccountKind.FREE
    lines = {
        TransferReason.REFUND: [
            *_lines_into(locked, clawback, outstanding),
            *_lines_into(locked, clawback, free),
            *move(locked, clawback.released(), origin=outstanding, target=free),
        ],
        TransferReason.RECOVER: _lines_into(locked, clawback, AccountKind.RECOVERABLE),
        TransferReason.REISSUE: move(locked, clawback.reissued(), origin=free, target=outstanding),
    }
    for reason, moved in lines.items():
        if moved:
            yield Posting(
                campaign_id=locked.redemption.campaign_id,
                reason=reason,
                cause=Cause.REFUND,
                cause_id=row.pk,
                at=row.refunded_at,
                lines=moved,
            )


def _lines_into(locked: LockedRedemption, clawback: Clawback, target: AccountKind) -> list[Line]:
    return [
        line
        for part in clawback.parts
        if part.target == target
        for line in move(
            locked, [(part.source_id, part.amount_fen)], origin=part.origin, target=target
        )
    ]
