"""Valkey for callers that can do without it: its silence is a result, never an error."""

import logging
import time
from collections.abc import Callable
from functools import cache
from typing import TypeVar

import redis
from django.conf import settings

log = logging.getLogger(__name__)

Found = TypeVar("Found")


class Valkey:
    """Valkey for one purpose. After it failed to answer within `answer_s` it is left alone for
    `pause_s`; `without` says in the log what happens meanwhile."""

    def __init__(self, *, answer_s: float, pause_s: float = 0.0, without: str) -> None:
        self._answer_s = answer_s
        self._pause_s = pause_s
        self._without = without
        self._silent_until_s = 0.0

    def ask(self, work: Callable[["redis.Redis"], Found], *, otherwise: Found) -> Found:
        """What `work` does with a client; `otherwise` when Valkey does not answer."""
        if time.monotonic() < self._silent_until_s:
            return otherwise
        try:
            return work(_client(settings.REDIS_URL, self._answer_s))
        except redis.RedisError as error:
            self._silent_until_s = time.monotonic() + self._pause_s
            log.warning("Valkey does not answer, %s: %s", self._without, error)
            return otherwise


@cache
def _client(url: str, answer_s: float) -> "redis.Redis":
    return redis.Redis.from_url(url, socket_timeout=answer_s, socket_connect_timeout=answer_s)
