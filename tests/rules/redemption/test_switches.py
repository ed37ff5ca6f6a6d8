"""What a till reads of a store or campaign that is stopped: an end only while it lies ahead."""

from datetime import UTC, datetime, timedelta

import pytest

from merchants.errors import Refusal
from vouchers.rules.redemption.switches import judge_open, judge_running

ZONE = "Asia/Shanghai"
NOON = datetime(2026, 4, 1, 4, tzinfo=UTC)
LATER = NOON + timedelta(hours=6)
SIX = "2026-04-01T18:00:00+08:00"


@pytest.mark.parametrize("until_at", [None, NOON, NOON - timedelta(days=1)])
def test_no_end_that_has_passed_is_named(until_at: datetime | None) -> None:
    closed = judge_open(False, until_at, at=NOON, zone=ZONE)
    assert closed == Refusal("store_closed")
    paused = judge_running("paused", until_at, at=NOON, zone=ZONE)
    assert paused == Refusal("campaign_not_running", facts={"state": "paused"})


def test_the_end_is_told_in_local_time() -> None:
    closed = judge_open(False, LATER, at=NOON, zone=ZONE)
    assert closed == Refusal("store_closed", "suspended_until", {"suspended_until_at": SIX})
    paused = judge_running("paused", LATER, at=NOON, zone=ZONE)
    facts = {"state": "paused", "paused_until_at": SIX}
    assert paused == Refusal("campaign_not_running", "paused_until", facts)


def test_what_is_open_is_open_whatever_is_on_file() -> None:
    assert judge_open(True, LATER, at=NOON, zone=ZONE) is None
    assert judge_running("running", LATER, at=NOON, zone=ZONE) is None
