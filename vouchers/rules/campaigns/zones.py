"""The time zones in which a campaign can count its business days."""

from functools import cache
from zoneinfo import available_timezones


@cache
def known_zones() -> frozenset[str]:
    """Names of all zones of this machine. Their files are read once in a process: some 600."""
    return frozenset(available_timezones())
