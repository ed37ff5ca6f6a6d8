"""Load shedding per key: a caller that asks too often is answered 429 before any work is done.

It sheds load and is not a safeguard: it counts approximately, over all processes, in Valkey, and
without Valkey everything is let through. What may never be exceeded is counted in PostgreSQL.

No request waits for Valkey: each process counts by itself, a thread reports what it counted and
reads what all have counted together.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from limits import RateLimitItem, RateLimitItemPerSecond
from limits.errors import StorageError
from limits.storage import RedisStorage
from limits.strategies import FixedWindowRateLimiter

from merchants.auth import Caller

log = logging.getLogger(__name__)

WINDOW_S: Final = 10
REPORT_S: Final = 0.1
REPORTED_PART: Final = 20
"""A process reports a key once it has counted one part in so many of its limit, so that thousands
of quiet tills cost Valkey nothing."""
TIMEOUT_S: Final = 0.5
KEYS_MAX: Final = 20_000
NAMESPACE: Final = "load-shedding"


@dataclass(frozen=True, slots=True)
class Standing:
    """The use of a key after a request: requests that a window allows, and those that are left."""

    limit: int
    remaining: int
    reset_s: int
    is_over: bool

    def headers(self) -> list[tuple[str, str]]:
        """The RateLimit fields (IETF, draft-ietf-httpapi-ratelimit-headers)."""
        found = [
            ("RateLimit-Policy", f'"key";q={self.limit};w={WINDOW_S}'),
            ("RateLimit", f'"key";r={self.remaining};t={self.reset_s}'),
        ]
        if self.is_over:
            found.append(("Retry-After", str(self.reset_s)))
        return found


@dataclass(slots=True)
class _Count:
    item: RateLimitItem
    reset_at_s: float
    # By all processes as of the last report, and by this one since.
    known: int = 0
    unreported: int = 0


class LoadShedder:
    """Counts requests by credential. Safe for threads; `admit` never blocks on the network."""

    def __init__(self, url: str, *, clock: Callable[[], float] = time.time) -> None:
        self._url = url
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: dict[int, _Count] = {}
        self._wanted = threading.Event()
        self._thread: threading.Thread | None = None
        self._limiter: FixedWindowRateLimiter | None = None
        self._is_dead = False

    def admit(self, caller: Caller, *, requests: int = 1) -> Standing | None:
        """Count so many requests; None where keys of their kind are not limited."""
        limit = limit_of(caller.kind, settings.HUIMIN_RATE_LIMITS)
        if not limit:
            return None
        now_s = self._clock()
        with self._lock:
            count = self._count(caller.credential_id, limit, now_s)
            count.unreported += requests
            used, left_s = count.known + count.unreported, count.reset_at_s - now_s
            if count.unreported * REPORTED_PART >= limit:
                self._wanted.set()
            if self._thread is None:
                self._start()
        return Standing(
            limit=limit,
            remaining=max(limit - used, 0),
            reset_s=max(math.ceil(left_s), 1),
            is_over=used > limit and not self._is_dead,
        )

    def _count(self, credential_id: int, limit: int, now_s: float) -> _Count:
        count = self._counts.get(credential_id)
        if count is None or count.item.amount != limit:
            if len(self._counts) >= KEYS_MAX:
                self._counts = {k: it for k, it in self._counts.items() if now_s < it.reset_at_s}
            item = RateLimitItemPerSecond(limit, WINDOW_S, NAMESPACE)
            count = self._counts[credential_id] = _Count(item, now_s + WINDOW_S)
        elif now_s >= count.reset_at_s:
            count.known = count.unreported = 0
            count.reset_at_s = now_s + WINDOW_S
        return count

    def report(self) -> None:
        """Tell Valkey what was counted here, and learn what all processes have counted."""
        with self._lock:
            due = [
                (credential_id, count, count.unreported)
                for credential_id, count in self._counts.items()
                if count.unreported and count.unreported * REPORTED_PART >= count.item.amount
            ]
        for credential_id, count, counted in due:
            try:
                self._report_one(credential_id, count, counted)
            except StorageError as error:
                self._let_through(error)
                return
            self._is_dead = False

    def _report_one(self, credential_id: int, count: _Count, counted: int) -> None:
        limiter = self._limiter = self._limiter or _limiter(self._url)
        limiter.hit(count.item, str(credential_id), cost=counted)
        window = limiter.get_window_stats(count.item, str(credential_id))
        with self._lock:
            count.unreported = max(count.unreported - counted, 0)
            count.known = count.item.amount - window.remaining
            count.reset_at_s = min(window.reset_time, self._clock() + WINDOW_S)

    def _let_through(self, error: StorageError) -> None:
        """Forget all counts: without Valkey nothing is limited."""
        if not self._is_dead:
            log.warning("load is not shed: %s", error)
        self._is_dead = True
        with self._lock:
            self._counts.clear()

    def _start(self) -> None:
        """The first request of a process starts its thread, after any fork."""
        self._thread = threading.Thread(target=self._run, name="load-shedder", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            self.report()
            time.sleep(REPORT_S)


def limit_of(kind: str, per_minute: Mapping[str, int]) -> int:
    """Requests in a window for a kind of caller; 0: not limited."""
    return math.ceil(per_minute.get(kind, per_minute["other"]) * WINDOW_S / 60)


def _limiter(url: str) -> FixedWindowRateLimiter:
    address = url.replace("unix://", "redis+unix://", 1) if url.startswith("unix://") else url
    storage = RedisStorage(
        address,
        wrap_exceptions=True,
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
    )
    return FixedWindowRateLimiter(storage)


_shedder: LoadShedder | None = None


def admit(caller: Caller, *, requests: int = 1) -> Standing | None:
    """Count requests of this process."""
    global _shedder
    if _shedder is None:
        _shedder = LoadShedder(settings.REDIS_URL)
    return _shedder.admit(caller, requests=requests)
