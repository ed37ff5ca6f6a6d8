"""One thread per process that reads the tables while there are viewers, and tells every viewer.

Polling needs nothing but the database, so the screen works with Valkey dead, and redemptions pay
nothing for it: no message is sent in their transactions.
"""

import asyncio
import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from vouchers.pages.live.screen import alert_html, board_html, cursor_text, valkey_waiting
from vouchers.queries.live.alerts import (
    Alert,
    Cursor,
    Numbers,
    alerts_numbered,
    newest_cursor,
    numbers_after,
)
from vouchers.queries.live.board import Board, board
from vouchers.queries.roles import Area

log = logging.getLogger(__name__)

ALERTS_EVERY_S: Final = 0.25
BOARD_EVERY_S: Final = 1.0
BOARD_SHARE: Final = 10
"""A board is not read again before ten times as long as the last one took."""
OVERLAP: Final = 500
"""Numbers below the newest that are read again: their transactions may have ended later."""
ALERTS_MOST: Final = 200
"""In one viewer's queue; one that falls behind has to reload the page."""


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event."""

    name: str
    data: str = ""
    id: str = ""

    def encode(self) -> bytes:
        """As it goes over the wire."""
        lines = [f"event: {self.name}", *(f"data: {line}" for line in self.data.split("\n"))]
        if self.id:
            lines.insert(0, f"id: {self.id}")
        return ("\n".join(lines) + "\n\n").encode()


RESET: Final = Event("reset")


@dataclass(slots=True, eq=False)
class Client:
    """One viewer's stream. Used in the thread of its event loop; `push` alone may be called from
    any thread. Of boards only the newest waits, alerts wait in their order."""

    language: str
    area: Area
    loop: asyncio.AbstractEventLoop
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    alerts: deque[Event] = field(default_factory=deque)
    board: Event | None = None

    def push(self, event: Event) -> None:
        """Let the stream send an event; nothing happens when its loop has ended."""
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._take, event)

    def _take(self, event: Event) -> None:
        if event.name == "board":
            self.board = event
        elif len(self.alerts) < ALERTS_MOST:
            self.alerts.append(event)
        else:
            self.alerts.clear()
            self.alerts.append(RESET)
        self.ready.set()

    def waiting(self) -> list[Event]:
        """What is to be sent now."""
        events = list(self.alerts)
        self.alerts.clear()
        if self.board is not None:
            events.append(self.board)
            self.board = None
        self.ready.clear()
        return events


class Poller:
    """The viewers of this process, and the thread that lives while there are any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clients: set[Client] = set()
        self._thread: threading.Thread | None = None

    def __len__(self) -> int:
        return len(self._clients)

    def add(self, client: Client) -> None:
        """Tell the client from now on."""
        with self._lock:
            self._clients.add(client)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="live-poller", daemon=True)
                self._thread.start()

    def remove(self, client: Client) -> None:
        """Tell it nothing more; the thread ends with its last client."""
        with self._lock:
            self._clients.discard(client)

    def _run(self) -> None:
        round_ = _Round()
        while clients := self._watching():
            began_s = time.monotonic()
            try:
                round_.tell(clients)
            except (DatabaseError, InterfaceError):
                # The screens say by themselves that their figures are old.
                log.warning("the live screen cannot read the database", exc_info=True)
                connection.close()
            time.sleep(max(0.05, ALERTS_EVERY_S - (time.monotonic() - began_s)))
        connection.close()

    def _watching(self) -> list[Client]:
        with self._lock:
            if not self._clients:
                self._thread = None
            return list(self._clients)


def _board(shown: Board, wake_ups: int | None, language: str) -> Event:
    return Event("board", board_html(shown, wake_ups=wake_ups, language=language))


class _Round:
    """What the thread remembers from one reading to the next."""

    def __init__(self) -> None:
        self._cursor: Cursor | None = None
        self._known = Numbers()
        self._board_at_s = 0.0

    def tell(self, clients: list[Client]) -> None:
        """Read once, and tell each client what is new to it and in its area."""
        for alert in self._fresh():
            near = [
                client for client in clients if client.area.covers(alert.district, alert.street)
            ]
            self._send(near, partial(self._alert, alert))
        if time.monotonic() >= self._board_at_s:
            began_s = time.monotonic()
            at, wake_ups = timezone.now(), valkey_waiting()
            for area in {client.area for client in clients}:
                make = partial(_board, board(at=at, area=area), wake_ups)
                self._send([client for client in clients if client.area == area], make)
            took_s = time.monotonic() - began_s
            self._board_at_s = began_s + max(BOARD_EVERY_S, BOARD_SHARE * took_s)

    def _fresh(self) -> list[Alert]:
        """Alerts not known yet. At first all that are there are known: a page has them, and what
        came since it was made is sent to each client when it connects."""
        if self._cursor is None:
            self._cursor = newest_cursor()
            self._known = numbers_after(self._cursor, overlap=OVERLAP)
            return []
        found = numbers_after(self._cursor, overlap=OVERLAP)
        alerts = alerts_numbered(found.without(self._known))
        self._known = found
        self._cursor = Cursor(
            max(found.signals, default=self._cursor.signal_id),
            max(found.holds, default=self._cursor.hold_id),
        )
        return alerts

    def _alert(self, alert: Alert, language: str) -> Event:
        assert self._cursor is not None
        return Event("alert", alert_html(alert, language=language), cursor_text(self._cursor))

    def _send(self, clients: list[Client], make: Callable[[str], Event]) -> None:
        """The event in each client's language, made once for each."""
        events: dict[str, Event] = {}
        for client in clients:
            if client.language not in events:
                events[client.language] = make(client.language)
            client.push(events[client.language])
