"""Clawback (补贴退回): what a refund decided is written, and every source has its share back."""

from collections.abc import Iterator

from vouchers.models import Refund, RefundPart
from vouchers.models.issuing.vouchers import MOVE_VOUCHERS
from vouchers.rules.redemption.refunds import Clawback, VoucherFate
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
from vouchers.sql.pipeline import pipeline
from vouchers.states import AccountKind, Cause, RedemptionState, TransferReason, VoucherState

FATES = {
    VoucherFate.GIVEN_BACK: VoucherState.ISSUED,
    VoucherFate.WITHDRAWN: VoucherState.WITHDRAWN,
}


def write(
    row: Refund, locked: LockedRedemption, clawback: Clawback, *, promised: LockedNeeds | None
) -> None:
    """Write the refund with its parts and all that follows: counters, states, postings, and room in
    quotas. `promised` are the locked buckets that a voucher promised anew takes its room from.

    A hold that has nothing left to hold is released.
    """
    row.save(force_insert=True)
    RefundPart.objects.bulk_create(
        [RefundPart(refund=row, **part._asdict()) for part in clawback.parts]
    )
    if clawback.is_everything:
        update_redemption(locked, state=RedemptionState.REFUNDED, undone_at=row.refunded_at)
        release_holds(locked.redemption, by=f"refund {row.refund_no}", at=row.refunded_at)
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
