"""How far a preview has come, kept in Valkey while it counts, for the page that waits for it.

It is no more than a courtesy: without Valkey a count takes as long and says nothing meanwhile.
"""

import logging
from typing import Final

import redis
from django.conf import settings
from django.contrib.auth.models import User

from vouchers.models import Campaign
from vouchers.services.audience.previewed import client

log = logging.getLogger(__name__)

KEPT_S: Final = 60
"""After which the figure of a count that was killed is gone."""


class Counting:
    """One person's count of a campaign, of `total` residents in all."""

    def __init__(self, *, campaign: Campaign, by: User, total: int) -> None:
        self._key = _key(campaign, by)
        self._total = max(total, 1)
        self._done = 0
        self._said_pct = -1
        self._is_lost = False

    def add(self, residents: int) -> None:
        """So many more have been judged; every whole per cent is written once."""
        self._done += residents
        pct = min(100, 100 * self._done // self._total)
        if pct == self._said_pct or self._is_lost:
            return
        self._said_pct = pct
        try:
            client(settings.REDIS_URL).set(self._key, pct, ex=KEPT_S)
        except redis.RedisError as error:
            self._is_lost = True
            log.warning("Valkey does not answer, a count does not say how far it is: %s", error)


def counted_pct(*, campaign: Campaign, by: User) -> int | None:
    """How much of a person's count is done, in whole per cent; None where nothing is known."""
    try:
        found = client(settings.REDIS_URL).get(_key(campaign, by))
    except redis.RedisError:
        return None
    return int(found) if isinstance(found, bytes) and found.isdigit() else None


def end_counting(*, campaign: Campaign, by: User) -> None:
    """Forget how far a count was, once it is done."""
    try:
        client(settings.REDIS_URL).delete(_key(campaign, by))
    except redis.RedisError as error:
        log.warning("Valkey does not answer, a count stays as it was: %s", error)


def _key(campaign: Campaign, by: User) -> str:
    return f"huimin:{settings.HUIMIN_CELL}:counting:{campaign.pk}:{by.pk}"
