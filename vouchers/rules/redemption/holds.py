"""May money of a redemption be held (冻结), a hold be released, or what it holds be called back?"""

from datetime import datetime

from merchants.errors import Refusal
from vouchers.rules.redemption.refunds import Clawback, Refundable, claw_back_rest
from vouchers.rules.redemption.undo import RedemptionFacts, Undoing, undoing
from vouchers.states import RedemptionState


def judge_hold(redemption: RedemptionFacts, redemption_id: int) -> Refusal | None:
    """None when what is left of its discount may be held."""
    if redemption.state != RedemptionState.CAPTURED:
        state = RedemptionState(redemption.state).name.lower()
        return Refusal("hold_not_captured", facts={"redemption": redemption_id, "state": state})
    if redemption.is_settled:
        return Refusal("already_settled", facts={"redemption": redemption_id})
    if redemption.is_held:
        return Refusal("already_held", facts={"redemption": redemption_id})
    return None


def judge_release(*, is_open: bool, redemption_id: int) -> Refusal | None:
    """None when the hold has not been released yet."""
    return None if is_open else Refusal("not_held", facts={"redemption": redemption_id})


def judge_clawback(
    redemption: RedemptionFacts, refundable: Refundable | None, redemption_id: int, at: datetime
) -> Undoing | Clawback | Refusal:
    """How the redemption is undone whose money is held, because it may not be paid; of one that was
    partly refunded (`refundable` then), how the rest is called back.

    The cut-off of a till's own reversal does not count: a hold keeps the money out of settlements
    however long it lasts.
    """
    if not redemption.is_held:
        return Refusal("not_held", facts={"redemption": redemption_id})
    return undoing(redemption, at) if refundable is None else claw_back_rest(refundable)
