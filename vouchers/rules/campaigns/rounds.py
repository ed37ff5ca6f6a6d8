"""Rounds that repeat every week. Pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

WEEK = timedelta(weeks=1)


class RoundTimes(NamedTuple):
    """A round's half-open period."""

    opens_at: datetime
    closes_at: datetime


def weekly(
    *, first_opens_at: datetime, open_for: timedelta, weeks: int, zone: str
) -> Iterator[RoundTimes]:
    """So many rounds at the same local time of the same weekday, also across a change of clocks."""
    local = first_opens_at.astimezone(ZoneInfo(zone))
    for week in range(weeks):
        # Aware datetimes of one zone are added on the wall clock.
        opens_at = local + week * WEEK
        yield RoundTimes(opens_at, opens_at + open_for)
