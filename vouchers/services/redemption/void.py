"""Void a redemption (撤销): money and voucher go back to where they were, by new postings."""

from datetime import datetime

import msgspec
from django.db import transaction

from merchants.errors import Refusal
from vouchers.errors import problem
from vouchers.queries.redemptions import redemptions_of
from vouchers.rules.undo import judge_void
from vouchers.services.redemption.acts import encode, hold, refuse, remember, take_up
from vouchers.services.redemption.undo import undo
from vouchers.services.requests import Answer, VoidRequest
from vouchers.states import RedemptionState, TransferReason


class VoidBody(msgspec.Struct, frozen=True):
    """The answer to a void."""

    id: int
    state: str
    returned_fen: int
    voucher_usable: bool
    voided_at: datetime


def void(*, request: VoidRequest) -> Answer:
    """Undo a redemption of today, authorised or captured, that is neither settled nor refunded. The
    same key gets the same answer.

    The voucher can be used again while its tranche lasts; afterwards its money is free again.
    Refuses `not_found` (also another merchant's), `redemption_state`.
    """
    with transaction.atomic():
        found = redemptions_of(request.caller, redemption_id=request.redemption_id).first()
        if found is None:
            return Answer(*problem(Refusal("not_found")))
        known = take_up(request, store_no=found.store.external_id, order_no=found.order_no)
        if known is not None:
            return known
        answer = _void(request, found.voucher_id)
        remember(request, answer)
    return answer


def _void(request: VoidRequest, voucher_id: int) -> Answer:
    held = hold(redemption_id=request.redemption_id, voucher_id=voucher_id)
    refusal = judge_void(held.facts, request.at)
    if refusal is not None:
        return refuse(request, refusal, redemption=held.redemption)
    is_usable = undo(
        held,
        state=RedemptionState.VOIDED,
        reason=TransferReason.VOID,
        at=request.at,
        by=request.signature,
    )
    body = VoidBody(
        id=held.redemption.pk,
        state=RedemptionState.VOIDED.name.lower(),
        returned_fen=held.redemption.discount_fen,
        voucher_usable=is_usable,
        voided_at=request.at,
    )
    return Answer(200, encode(body))
