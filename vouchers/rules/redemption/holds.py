"""May money of a redemption be held (冻结), or a hold be released?"""

from merchants.errors import Refusal
from vouchers.rules.redemption.undo import RedemptionFacts
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
