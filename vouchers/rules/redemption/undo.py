"""May a redemption be captured, voided or reversed as it stands now, has it lapsed, and where does
its money go?

A void (撤销) and a reversal (冲正) undo the whole of it, until the end of its business day and as
long as neither a settlement nor a refund has taken it up. A capture (确认核销) makes what was
authorised final, in time (`rules/redemption/capture` for the final order). What is undone goes back
to the voucher while its tranche is outstanding, otherwise it is free again, and so is its room in
quotas.
"""

from datetime import date, datetime
from typing import NamedTuple

from merchants.errors import Refusal
from vouchers.rules.limits.limits import business_day, local_time
from vouchers.rules.redemption.redeem import CAMPAIGN_OVER
from vouchers.states import AccountKind, RedemptionState, TrancheState

LIVE = frozenset({RedemptionState.AUTHORISED, RedemptionState.CAPTURED})
"""The states in which a redemption counts, and may still be undone."""


class RedemptionFacts(NamedTuple):
    """A redemption as locked for this decision."""

    state: int
    business_day: date
    zone: str
    is_settled: bool
    is_refunded: bool
    # When its authorisation ends; None for one that was captured at once.
    expires_at: datetime | None
    # Whether a hold on its money is open.
    is_held: bool
    # Of its voucher's tranche and of its campaign, as they stand now.
    tranche_state: str
    valid_until_at: datetime
    campaign_state: str


class Undoing(NamedTuple):
    """How the whole of a redemption is undone."""

    # Where the discount is, and where it goes: outstanding (the voucher's again), or free.
    origin: AccountKind
    target: AccountKind
    # The voucher can be used again: its tranche is outstanding and the campaign is not over.
    voucher_usable: bool

    @property
    def releases_hold(self) -> bool:
        """Whether an open hold ends with it."""
        return self.origin is AccountKind.RISK_HELD

    @property
    def returns_to_quota(self) -> bool:
        """Whether its room in the quota cells is free again."""
        return self.target is AccountKind.FREE


def judge_void(redemption: RedemptionFacts, at: datetime) -> Undoing | Refusal:
    """How it is voided, or why not; the cut-off is the end of its business day."""
    return _judge_undoing("void", redemption, at) or undoing(redemption, at)


def judge_reverse(redemption: RedemptionFacts, at: datetime) -> Undoing | Refusal:
    """How it is reversed, or why not: within the limits of a void."""
    return _judge_undoing("reverse", redemption, at) or undoing(redemption, at)


def judge_lapse(redemption: RedemptionFacts, at: datetime) -> Undoing | None:
    """How an authorisation that was not captured in time is voided; None for any other."""
    return undoing(redemption, at) if has_lapsed(redemption, at) else None


def undoing(redemption: RedemptionFacts, at: datetime) -> Undoing:
    """How a live redemption is undone, whatever the reason."""
    if redemption.state == RedemptionState.AUTHORISED:
        origin = AccountKind.AUTHORISED
    else:
        origin = AccountKind.RISK_HELD if redemption.is_held else AccountKind.PAYABLE
    is_usable = at < redemption.valid_until_at and redemption.campaign_state not in CAMPAIGN_OVER
    target = target_of(redemption)
    return Undoing(origin, target, is_usable and target is AccountKind.OUTSTANDING)


def target_of(redemption: RedemptionFacts) -> AccountKind:
    """Where money goes that leaves the redemption: to its voucher while that is outstanding."""
    lasts = redemption.tranche_state == TrancheState.OUTSTANDING
    return AccountKind.OUTSTANDING if lasts else AccountKind.FREE


def judge_capture(redemption: RedemptionFacts, at: datetime) -> Refusal | None:
    """None when the authorisation may be captured; the final order is judged apart."""
    if redemption.state != RedemptionState.AUTHORISED:
        return already("capture", redemption.state)
    ends_at = redemption.expires_at
    if ends_at is not None and at >= ends_at:
        when = local_time(ends_at, redemption.zone)
        return Refusal("redemption_state", "capture_expired", {"ended_at": when})
    return None


def has_lapsed(redemption: RedemptionFacts, at: datetime) -> bool:
    """Whether it is an authorisation that was not captured in time."""
    ends_at = redemption.expires_at
    is_authorised = redemption.state == RedemptionState.AUTHORISED
    return is_authorised and ends_at is not None and at >= ends_at


def already(act: str, state: int) -> Refusal:
    """The refusal of an act that the state does not allow."""
    name = RedemptionState(state).name.lower()
    return Refusal("redemption_state", f"{act}_state", {"state": name})


def _judge_undoing(act: str, redemption: RedemptionFacts, at: datetime) -> Refusal | None:
    if redemption.state not in LIVE:
        return already(act, redemption.state)
    if redemption.is_refunded:
        return Refusal("redemption_state", f"{act}_refunded")
    if redemption.is_settled:
        return Refusal("redemption_state", f"{act}_settled")
    if business_day(at, redemption.zone) > redemption.business_day:
        day = redemption.business_day.isoformat()
        return Refusal("redemption_state", f"{act}_cut_off", {"business_day": day})
    return None
