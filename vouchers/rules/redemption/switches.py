"""Refusals of what was stopped: a store or its merchant suspended, a campaign paused. Pure.

Facts say whether something is stopped. An end by the clock only words the refusal: what is due but
not yet released by the sweep is still stopped, and then no end is named.
"""

from datetime import datetime
from typing import Final

from merchants.errors import Refusal
from vouchers.rules.limits.limits import local_time
from vouchers.states import CampaignState

PAUSED_UNTIL: Final = "paused_until"
SUSPENDED_UNTIL: Final = "suspended_until"


def judge_running(
    state: str, paused_until_at: datetime | None, *, at: datetime, zone: str
) -> Refusal | None:
    """Whether a campaign runs; one that is paused says until when, if a clock ends the pause."""
    if state == CampaignState.RUNNING:
        return None
    facts = {"state": state}
    if paused_until_at is None or paused_until_at <= at:
        return Refusal("campaign_not_running", facts=facts)
    until = {"paused_until_at": local_time(paused_until_at, zone)}
    return Refusal("campaign_not_running", PAUSED_UNTIL, facts | until)


def judge_open(
    is_open: bool, suspended_until_at: datetime | None, *, at: datetime, zone: str
) -> Refusal | None:
    """Whether a store is open; one that is suspended says until when, if a clock ends it."""
    if is_open:
        return None
    if suspended_until_at is None or suspended_until_at <= at:
        return Refusal("store_closed")
    facts = {"suspended_until_at": local_time(suspended_until_at, zone)}
    return Refusal("store_closed", SUSPENDED_UNTIL, facts)
