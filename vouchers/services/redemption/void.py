"""Void a redemption (撤销): money and voucher go back to where they were, by new postings."""

from datetime import datetime

import msgspec

from vouchers.rules.redemption.undo import judge_void
from vouchers.services.redemption.acts import Held, act_on, encode, refuse
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
    return act_on(
        request, redemption_id=request.redemption_id, act=lambda held: _void(request, held)
    )


def _void(request: VoidRequest, held: Held) -> Answer:
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
