"""Which endpoints listen: remembered for seconds, so that a redemption asks no table for it."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from vouchers.models import WebhookEndpoint

TTL_S: Final = 5.0


class Listener(NamedTuple):
    """An active endpoint and the types of events it subscribes to."""

    id: int
    events: frozenset[str]


class Listeners(NamedTuple):
    """All active endpoints, by owner and whether they listen to test campaigns."""

    of_merchants: Mapping[tuple[int, bool], Sequence[Listener]]
    of_channels: Mapping[tuple[str, bool], Sequence[Listener]]

    def __bool__(self) -> bool:
        return bool(self.of_merchants or self.of_channels)

    def hear_of(self, merchant_id: int, *, is_test: bool) -> bool:
        """Whether an event at a merchant may have a listener; for the hot path, which builds no
        event that has none. Channels are separated later."""
        return bool(self.of_channels) or (merchant_id, is_test) in self.of_merchants


class ListenerCache:
    """`Listeners`, at most `TTL_S` old by the monotonic clock. Safe for threads.

    What an endpoint that was added or changed hears begins `TTL_S` later at the latest. A message
    for one that was paused meanwhile waits in the outbox until it is active again.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: tuple[float, Listeners] | None = None

    def current(self) -> Listeners:
        """The listeners remembered, or read again on the caller's connection."""
        known, now_s = self._known, self._clock()
        if known is not None and now_s < known[0] + TTL_S:
            return known[1]
        listeners = _read()
        with self._lock:
            self._known = (now_s, listeners)
        return listeners

    def clear(self) -> None:
        """Empty the cache: the next event reads the listeners again."""
        with self._lock:
            self._known = None


def _read() -> Listeners:
    of_merchants: dict[tuple[int, bool], list[Listener]] = defaultdict(list)
    of_channels: dict[tuple[str, bool], list[Listener]] = defaultdict(list)
    active = WebhookEndpoint.objects.filter(state=WebhookEndpoint.State.ACTIVE).order_by("id")
    for endpoint in active:
        listener = Listener(endpoint.pk, frozenset(endpoint.events))
        if endpoint.merchant_id is None:
            of_channels[endpoint.channel_code, endpoint.is_test].append(listener)
        else:
            of_merchants[endpoint.merchant_id, endpoint.is_test].append(listener)
    return Listeners(dict(of_merchants), dict(of_channels))


LISTENERS: Final = ListenerCache()
"""The process's cache."""
