"""Webhooks: which events there are, and how long a delivery that failed waits. Pure."""

import hashlib
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

MINUTE_S: Final = 60
HOUR_S: Final = 3600

WAITS_S: Final = (
    5,
    5 * MINUTE_S,
    30 * MINUTE_S,
    2 * HOUR_S,
    5 * HOUR_S,
    10 * HOUR_S,
    14 * HOUR_S,
    20 * HOUR_S,
    24 * HOUR_S,
)
"""After the first, second, … failed try; with the last one a message is given up, after three days
and a bit."""
JITTER: Final = 0.1
"""Part of a wait by which it may be longer, so that what failed together does not return together.
"""
RETRY_AFTER_MAX_S: Final = 24 * HOUR_S

REST_FIRST_S: Final = 5
REST_MAX_S: Final = 10 * MINUTE_S
DISABLED_AFTER: Final = timedelta(days=5)
"""An endpoint that has taken nothing for so long is not tried any more until a person says so."""


class EventType(StrEnum):
    """What an endpoint may subscribe to."""

    REDEMPTION_AUTHORISED = "redemption.authorised"
    REDEMPTION_CAPTURED = "redemption.captured"
    REDEMPTION_VOIDED = "redemption.voided"
    REDEMPTION_REVERSED = "redemption.reversed"
    REDEMPTION_REFUNDED = "redemption.refunded"
    LIMIT_REACHED = "limit.reached"
    SETTLEMENT_CLOSED = "settlement.closed"
    SETTLEMENT_PAID = "settlement.paid"
    CAMPAIGN_CHANGED = "campaign.changed"
    VOUCHERS_ISSUED = "vouchers.issued"


def wait_s(*, failed_tries: int, message_id: int, retry_after_s: int | None = None) -> int | None:
    """Seconds until a message is due again after so many failed tries; None: it is given up.

    A receiver's own `Retry-After` makes the wait longer, a day at most. The jitter is drawn from
    the message's number, so that the same failure always waits as long.
    """
    if failed_tries > len(WAITS_S):
        return None
    wait = WAITS_S[failed_tries - 1]
    digest = hashlib.sha256(f"{message_id}/{failed_tries}".encode()).digest()
    wait += int(wait * JITTER * digest[0] / 255)
    return max(wait, min(retry_after_s or 0, RETRY_AFTER_MAX_S))


def rest_s(*, failures: int, retry_after_s: int | None = None) -> int:
    """Seconds for which an endpoint is left alone after so many failures in a row: doubled each
    time, ten minutes at most, or what it asks for itself."""
    rest = min(REST_FIRST_S << min(failures - 1, 16), REST_MAX_S)
    return max(rest, min(retry_after_s or 0, RETRY_AFTER_MAX_S))


def is_dead(*, failing_since_at: datetime, at: datetime) -> bool:
    """Whether an endpoint has failed for so long that it is disabled."""
    return at - failing_since_at >= DISABLED_AFTER
