"""Until when something is stopped: a campaign paused, a merchant, store or caller suspended. Pure.

None stands for an end that only a person sets.
"""

from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from merchants.errors import Refusal

DAY: Final = timedelta(days=1)


class StopEnd(StrEnum):
    """The ends that a dialog offers."""

    LIFTED = "lifted"  # until a person ends it
    TODAY = "today"  # until local midnight
    DAY = "day"  # for 24 hours
    WEEK = "week"  # for seven days
    AT = "at"  # until an instant that is given


def end_at(
    end: StopEnd, *, at: datetime, zone: ZoneInfo, given: datetime | None
) -> datetime | None:
    """The instant that a choice made at `at` means; `given` is that of `AT`."""
    if end is StopEnd.TODAY:
        local = at.astimezone(zone)
        return datetime.combine(local.date() + DAY, time(), local.tzinfo)
    ends = {StopEnd.DAY: at + DAY, StopEnd.WEEK: at + 7 * DAY, StopEnd.AT: given}
    return ends.get(end)


def judge_end(until_at: datetime | None, *, at: datetime) -> Refusal | None:
    """Whether a stop may end then: not before it begins."""
    return None if until_at is None or until_at > at else Refusal("stop_over")


def is_longer(until_at: datetime | None, than: datetime | None) -> bool:
    """Whether a stop until `until_at` outlasts one that stands until `than`."""
    return than is not None and (until_at is None or until_at > than)
