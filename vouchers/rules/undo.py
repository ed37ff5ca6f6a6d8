"""May a redemption still be voided? (撤销: the same business day, before it is settled.)"""

from datetime import date, datetime
from typing import NamedTuple

from merchants.errors import Refusal
from vouchers.rules.fraud import business_day
from vouchers.states import RedemptionState


class RedemptionFacts(NamedTuple):
    """A redemption as locked for this decision."""

    state: int
    business_day: date
    zone: str
    is_settled: bool


def judge_void(redemption: RedemptionFacts, at: datetime) -> Refusal | None:
    """None when it may be voided; the cut-off is the end of its business day."""
    if redemption.state not in (RedemptionState.AUTHORISED, RedemptionState.CAPTURED):
        state = RedemptionState(redemption.state).name.lower()
        return Refusal("not_voidable", "void_state", {"because": f"already {state}"})
    if redemption.is_settled:
        return Refusal("not_voidable", "void_settled", {"because": "already settled"})
    if business_day(at, redemption.zone) > redemption.business_day:
        day = redemption.business_day.isoformat()
        return Refusal("not_voidable", "void_cut_off", {"because": f"business day {day} is over"})
    return None
