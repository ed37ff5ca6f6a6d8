"""Clawback (补贴退回): what a refund decided is written, and every source has its share back."""

from collections.abc import Iterator

from django.db.models import F, Value
from django.db.models.functions import Greatest

from merchants.errors import Refused
from vouchers.models import Hold, Redemption, Refund, RefundPart
from vouchers.models.issuing.vouchers import MOVE_VOUCHERS
from vouchers.rules.redemption.refunds import Clawback, VoucherFate
from vouchers.services.ledger import quotas, transfers
from vouchers.services.ledger.transfers import Line, Posting, Split
from vouchers.services.redemption.acts import Held
from vouchers.services.redemption.undo import count_less
from vouchers.sql.pipeline import pipeline
from vouchers.states import AccountKind, Cause, RedemptionState, TransferReason, VoucherState

FATES = {
    VoucherFate.GIVEN_BACK: VoucherState.ISSUED,
    VoucherFate.WITHDRAWN: VoucherState.WITHDRAWN,
}


def with_room(held: Held, clawback: Clawback) -> Clawback:
    """The clawback with its counters locked, and room taken for what it promises anew; where that
    is not to be had, the clawback without the voucher.

    Quota buckets are locked last: nothing but what is locked already, or new, is written later.
    """
    if clawback.fen:
        count_less(held, fen=clawback.fen, places=1 if clawback.is_everything else 0)
    reissued = clawback.reissued()
    if not reissued:
        return clawback
    try:
        quotas.take_parts(parts=[quotas.Part(held.redemption.allocation_id, reissued, vouchers=0)])
    except Refused as refused:
        if refused.refusal.code != "quota_exhausted":
            raise
        return clawback.without_voucher()
    return clawback


def write(row: Refund, held: Held, clawback: Clawback) -> None:
    """Write the refund with its parts and all that follows: states, postings, room in quotas.

    A hold that has nothing left to hold is released.
    """
    row.save(force_insert=True)
    RefundPart.objects.bulk_create(
        [RefundPart(refund=row, **part._asdict()) for part in clawback.parts]
    )
    if clawback.is_everything:
        _end(row, held)
    if clawback.voucher is not VoucherFate.STAYS:
        state = FATES[clawback.voucher].value
        with pipeline() as raw:
            MOVE_VOUCHERS.send(raw, {"voucher_ids": [held.redemption.voucher_id], "state": state})
    transfers.post(postings=list(_postings(row, held, clawback)))
    freed = clawback.freed()
    places = 1 if clawback.voucher is VoucherFate.WITHDRAWN else 0
    if freed or places:
        part = quotas.Part(held.redemption.allocation_id, freed, vouchers=places)
        quotas.give_back_parts(parts=[part])


def _end(row: Refund, held: Held) -> None:
    redemption = Redemption.objects.filter(
        pk=held.redemption.pk, voucher_id=held.redemption.voucher_id
    )
    redemption.update(state=RedemptionState.REFUNDED, undone_at=row.refunded_at)
    opened = Hold.objects.filter(redemption=held.redemption, released_at=None)
    # A clock that lags behind the one that opened the hold must not undo it before.
    released_at = Greatest(Value(row.refunded_at), F("opened_at"))
    opened.update(released_at=released_at, released_by=f"refund {row.refund_no}")


def _postings(row: Refund, held: Held, clawback: Clawback) -> Iterator[Posting]:
    """One transfer for each reason that has something to move."""
    outstanding, free = AccountKind.OUTSTANDING, AccountKind.FREE
    lines = {
        TransferReason.REFUND: [
            *_lines_into(held, clawback, outstanding),
            *_lines_into(held, clawback, free),
            *_move(held, clawback.released(), outstanding, free),
        ],
        TransferReason.RECOVER: _lines_into(held, clawback, AccountKind.RECOVERABLE),
        TransferReason.REISSUE: _move(held, clawback.reissued(), free, outstanding),
    }
    for reason, moved in lines.items():
        if moved:
            yield Posting(
                campaign_id=held.redemption.campaign_id,
                reason=reason,
                cause=Cause.REFUND,
                cause_id=row.pk,
                at=row.refunded_at,
                lines=moved,
            )


def _lines_into(held: Held, clawback: Clawback, target: AccountKind) -> list[Line]:
    return [
        line
        for part in clawback.parts
        if part.target == target
        for line in _move(held, [(part.source_id, part.amount_fen)], part.origin, target)
    ]


def _move(held: Held, split: Split, origin: AccountKind, target: AccountKind) -> list[Line]:
    return transfers.move_lines(
        held.terms.campaign.accounts,
        split=split,
        allocation_id=held.redemption.allocation_id,
        origin=origin,
        target=target,
    )
