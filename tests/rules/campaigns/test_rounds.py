"""Weekly rounds open at the same local time, also where clocks change."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from vouchers.rules.campaigns.rounds import weekly

HOUR = timedelta(hours=1)


def test_they_are_a_week_apart_and_half_open_periods() -> None:
    first = datetime(2026, 4, 3, 2, tzinfo=UTC)
    rounds = list(weekly(first_opens_at=first, open_for=HOUR, weeks=3, zone="Asia/Shanghai"))
    assert [period.opens_at for period in rounds] == [
        first + week * timedelta(weeks=1) for week in range(3)
    ]
    assert all(period.closes_at - period.opens_at == HOUR for period in rounds)


def test_the_local_time_stays_when_clocks_change() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    first = datetime(2026, 3, 26, 10, tzinfo=berlin)
    rounds = list(weekly(first_opens_at=first, open_for=HOUR, weeks=2, zone="Europe/Berlin"))
    assert [f"{period.opens_at:%a %H:%M %z}" for period in rounds] == [
        "Thu 10:00 +0100",
        "Thu 10:00 +0200",
    ]
