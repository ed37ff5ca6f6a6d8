"""A round that is distributed by itself: its run is requested when it opens, and once."""

from datetime import datetime, timedelta

import pytest

from tests.support import cast, draft_rows
from tests.support.cast import DAY, NOON
from vouchers.models import Campaign, Round
from vouchers.services.campaigns import lifecycle, terms
from vouchers.services.issuing import drops, runs
from vouchers.states import RoundWay

pytestmark = pytest.mark.django_db

OPENING = NOON + timedelta(hours=1)
SECOND = timedelta(seconds=1)


def dropping(*, channels: tuple[str, ...] = (), weeks: int = 2) -> Campaign:
    """A campaign whose rounds open every week from one o'clock on, for two hours."""
    draft = cast.spring_campaign()
    terms.add_weekly_rounds(
        campaign=draft,
        first_opens_at=OPENING,
        open_for=timedelta(hours=2),
        weeks=weeks,
        way=RoundWay.DROP,
        by=cast.mei(),
        at=NOON,
    )
    for channel in channels:
        draft_rows.add(
            "cells", campaign=draft, channel=channel, cap_count=10, by=cast.mei(), at=NOON
        )
    return cast.launched(draft)


def requested(at: datetime) -> list[tuple[int, str | None, str]]:
    """Round, channel and asker of what is requested at that moment."""
    return [
        (run.round.number, run.channel, run.requested_by)
        for run in drops.request_due(at=at)
        if run.round
    ]


def test_rounds_are_numbered_on_and_frozen_with_the_terms() -> None:
    campaign = dropping()
    assert [(row.number, row.opens_at, row.way) for row in campaign.rounds.all()] == [
        (1, OPENING, "drop"),
        (2, OPENING + 7 * DAY, "drop"),
    ]


def test_a_run_is_requested_when_the_round_opens_and_once() -> None:
    dropping()
    assert requested(OPENING - SECOND) == []
    assert requested(OPENING) == [(1, None, "clock")]
    assert requested(OPENING + SECOND) == []
    assert requested(OPENING - SECOND) == [], "the clock went back"


def test_after_a_jump_of_the_clock_the_open_round_is_distributed_and_no_closed_one() -> None:
    dropping()
    assert requested(OPENING + 7 * DAY + SECOND) == [(2, None, "clock")]


def test_a_round_is_due_until_the_moment_it_closes() -> None:
    dropping()
    assert requested(OPENING + timedelta(hours=2)) == []


def test_each_channel_with_a_quota_of_its_own_has_a_run() -> None:
    dropping(channels=("wechat", "alipay"))
    assert requested(OPENING) == [(1, "alipay", "clock"), (1, "wechat", "clock")]


def test_a_paused_campaigns_drop_waits_until_it_is_resumed() -> None:
    campaign = dropping()
    lifecycle.pause(campaign=campaign, by=cast.mei(), at=NOON)
    assert requested(OPENING) == []
    lifecycle.resume(campaign=campaign, by=cast.mei(), at=NOON)
    assert requested(OPENING + SECOND) == [(1, None, "clock")]


def test_a_manager_may_run_it_again_by_hand_for_those_who_came_later() -> None:
    campaign = dropping()
    requested(OPENING)
    again = runs.request_run(
        campaign=campaign, round=Round.objects.first(), seed="s", by=cast.mei(), at=OPENING
    )
    assert again.round == Round.objects.first()
