"""Until when something is stopped: what a dialog's choices mean, and which end outlasts which."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from vouchers.rules.campaigns.stops import StopEnd, end_at, is_longer, judge_end

SHANGHAI, URUMQI = ZoneInfo("Asia/Shanghai"), ZoneInfo("Asia/Urumqi")
NOON = datetime(2026, 4, 1, 4, tzinfo=UTC)
LATER = NOON + timedelta(hours=6)


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (StopEnd.LIFTED, None),
        (StopEnd.TODAY, datetime(2026, 4, 1, 16, tzinfo=UTC)),
        (StopEnd.DAY, NOON + timedelta(days=1)),
        (StopEnd.WEEK, NOON + timedelta(days=7)),
        (StopEnd.AT, LATER),
    ],
)
def test_what_a_choice_means(end: StopEnd, expected: datetime | None) -> None:
    assert end_at(end, at=NOON, zone=SHANGHAI, given=LATER) == expected


def test_today_ends_at_local_midnight() -> None:
    just_before = datetime(2026, 4, 1, 15, 59, tzinfo=UTC)
    found = [
        end_at(StopEnd.TODAY, at=just_before, zone=zone, given=None) for zone in (SHANGHAI, URUMQI)
    ]
    assert found == [
        just_before + timedelta(minutes=1),
        just_before + timedelta(hours=2, minutes=1),
    ]


def test_an_end_lies_ahead() -> None:
    assert judge_end(None, at=NOON) is None
    assert judge_end(NOON + timedelta(microseconds=1), at=NOON) is None
    refusal = judge_end(NOON, at=NOON)
    assert refusal is not None
    assert refusal.code == "stop_over"


@pytest.mark.parametrize(
    ("until_at", "than", "expected"),
    [
        (LATER, NOON, True),
        (None, NOON, True),
        (NOON, NOON, False),
        (NOON, LATER, False),
        (LATER, None, False),
        (None, None, False),
    ],
)
def test_nothing_outlasts_a_stop_without_an_end(
    until_at: datetime | None, than: datetime | None, expected: bool
) -> None:
    assert is_longer(until_at, than) is expected
