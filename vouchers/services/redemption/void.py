"""Void a redemption (撤销): money and voucher go back to where they were, by new postings."""

from merchants.errors import Refusal
from vouchers.rules.redemption.undo import Undoing, judge_void
from vouchers.services.acts import Answer, Render, perform
from vouchers.services.redemption.clocks import act_at_campaign_time
from vouchers.services.redemption.locked import LockedRedemption
from vouchers.services.redemption.outcomes import Voided
from vouchers.services.redemption.own import RedemptionAct
from vouchers.services.redemption.requests import VoidRequest
from vouchers.services.redemption.undo import undo
from vouchers.states import RedemptionState, TransferReason


def void(*, request: VoidRequest, render: Render) -> Answer:
    """Undo a redemption of today, authorised or captured, that is neither settled nor refunded. The
    same key gets the same answer.

    The voucher can be used again while its tranche lasts; afterwards its money is free again.
    The outcome rendered is `Voided`, or a refusal: `not_found` (also another merchant's),
    `redemption_state`.
    """
    return perform(_Void(), act_at_campaign_time(request), render=render)


class _Void(RedemptionAct[VoidRequest, Undoing]):
    def judge(self, request: VoidRequest, facts: LockedRedemption) -> Undoing | Refusal:
        return judge_void(facts.facts, request.at)

    def write(self, request: VoidRequest, facts: LockedRedemption, decision: Undoing) -> Voided:
        undo(
            facts,
            decision,
            state=RedemptionState.VOIDED,
            reason=TransferReason.VOID,
            at=request.at,
            by=request.signature,
        )
        return Voided(
            id=facts.redemption.pk,
            state=RedemptionState.VOIDED.name.lower(),
            returned_fen=facts.redemption.discount_fen,
            voucher_usable=decision.voucher_usable,
            voided_at=request.at,
        )
