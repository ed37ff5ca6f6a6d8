"""May money of a redemption be held (冻结), a hold be released, or what it holds be called back?"""

from datetime import datetime

from merchants.errors import Refusal
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
    redemption: RedemptionFacts, redemption_id: int, at: datetime
) -> Undoing | Refusal:
    """How the redemption is undone whose money is held, because its case was confirmed as fraud.

    The cut-off of a till's own reversal does not count: a hold keeps the money out of settlements
    however long it lasts. What a refund has called a part back of is left to the hold.
    """
    if not redemption.is_held:
        return Refusal("not_held", facts={"redemption": redemption_id})
    if redemption.is_refunded:
        return Refusal("redemption_state", "reverse_refunded")
    return undoing(redemption, at)
