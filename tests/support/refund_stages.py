"""A redemption whose money is taken to a stage of its way, and what its refund leaves."""

from datetime import date, timedelta
from typing import Any

from tests.support import cast
from tests.support.cast import DAY, NOON
from tests.support.refunds import (
    assert_ties,
    campaign_with,
    send_cash,
    settled,
)
from vouchers.models import (
    Campaign,
    Redemption,
    Voucher,
)
from vouchers.services.redemption.holds import hold
from vouchers.states import (
    RedemptionState,
    RefundPolicy,
    VoucherState,
)

TODAY = date(2026, 4, 1)
MIDNIGHT = NOON + DAY / 2
HOUR = timedelta(hours=1)
LATER = NOON + 2 * DAY
WHOLE = {"city": 3_000, "group": 2_000}
NOTHING = {"city": 0, "group": 0}
STAGES = ("payable", "held", "ready", "paid")


def with_policy(policy: RefundPolicy) -> Campaign:
    return campaign_with(policy, tier_counts={"off50": 100})


def rosa() -> Any:
    """Rosa holds what looks odd."""
    return cast.member("rosa", "risk officer")


def taken_to(stage: str, campaign: Campaign, redemption: Redemption) -> None:
    """The redemption's money moved on: held, settled, or paid out."""
    if stage == "held":
        hold(redemption=redemption, reason="odd", by=rosa(), at=NOON)
    if stage in ("ready", "paid"):
        send_cash(campaign)
        settled(campaign, TODAY, MIDNIGHT, is_paid=stage == "paid")
    assert_ties(campaign)


def voucher_of(redemption: Redemption) -> VoucherState:
    return VoucherState(Voucher.objects.get(pk=redemption.voucher_id).state)


def state_of(redemption: Redemption) -> RedemptionState:
    return RedemptionState(Redemption.objects.get(pk=redemption.pk).state)
