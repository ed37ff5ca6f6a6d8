"""May a redemption be captured, voided or reversed as it stands now, or has it lapsed?

A void (撤销) and a reversal (冲正) undo the whole of it, until the end of its business day and as
long as neither a settlement nor a refund has taken it up. A capture (确认核销) makes what was
authorised final, in time.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import NamedTuple

from merchants.errors import Refusal
from vouchers.rules.limits.limits import business_day
from vouchers.states import RedemptionState

LIVE = frozenset({RedemptionState.AUTHORISED, RedemptionState.CAPTURED})
"""The states in which a redemption counts, and may still be undone."""

_STATE_ZH: Mapping[int, str] = {
    RedemptionState.AUTHORISED: "预核销",
    RedemptionState.CAPTURED: "核销",
    RedemptionState.VOIDED: "撤销",
    RedemptionState.REVERSED: "冲正",
    RedemptionState.REFUNDED: "退款",
}


class RedemptionFacts(NamedTuple):
    """A redemption as locked for this decision."""

    state: int
    business_day: date
    zone: str
    is_settled: bool
    is_refunded: bool
    # When its authorisation ends; None for one that was captured at once.
    expires_at: datetime | None


def judge_void(redemption: RedemptionFacts, at: datetime) -> Refusal | None:
    """None when it may be voided; the cut-off is the end of its business day."""
    return _judge_undoing("void", redemption, at)


def judge_reverse(redemption: RedemptionFacts, at: datetime) -> Refusal | None:
    """None when it may be reversed: within the limits of a void."""
    return _judge_undoing("reverse", redemption, at)


def judge_capture(redemption: RedemptionFacts, at: datetime) -> Refusal | None:
    """None when its authorisation may be captured, whatever the final order is."""
    if redemption.state != RedemptionState.AUTHORISED:
        return already("capture", redemption.state)
    ends_at = redemption.expires_at
    if ends_at is not None and at >= ends_at:
        when = ends_at.isoformat()
        return refusal(
            "capture_expired", f"the authorisation ended at {when}", f"预核销已于 {when} 失效"
        )
    return None


def has_lapsed(redemption: RedemptionFacts, at: datetime) -> bool:
    """Whether it is an authorisation that nobody captured in time."""
    ends_at = redemption.expires_at
    is_authorised = redemption.state == RedemptionState.AUTHORISED
    return is_authorised and ends_at is not None and at >= ends_at


def already(act: str, state: int) -> Refusal:
    """The refusal of an act that the state does not allow."""
    name = RedemptionState(state).name.lower()
    return refusal(f"{act}_state", f"it is {name}", f"已{_STATE_ZH[state]}")


def refusal(rule: str, because: str, because_zh: str) -> Refusal:
    """What a redemption does not allow, and why."""
    return Refusal("redemption_state", rule, {"because": because, "because_zh": because_zh})


def _judge_undoing(act: str, redemption: RedemptionFacts, at: datetime) -> Refusal | None:
    if redemption.state not in LIVE:
        return already(act, redemption.state)
    if redemption.is_refunded:
        return refusal(f"{act}_refunded", "money of it has been refunded", "已有退款")
    if redemption.is_settled:
        return refusal(f"{act}_settled", "it is settled", "已结算")
    if business_day(at, redemption.zone) > redemption.business_day:
        day = redemption.business_day.isoformat()
        return refusal(f"{act}_cut_off", f"the business day {day} is over", f"账务日 {day} 已结束")
    return None
