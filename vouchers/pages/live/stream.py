"""`GET /live/stream`: server-sent events, answered in front of Django like the express lane.

A thread of Django's for each open screen would soon leave none for anything else, so streams live
in the event loop and the database is read by the one poller.
"""

import asyncio
import contextlib
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import timedelta
from types import FrameType
from typing import Any, Final, TypeVar

from django.db import connections
from django.utils import timezone

from vouchers.pages.live.poller import OVERLAP, RESET, Client, Event, Poller
from vouchers.pages.live.screen import alert_html, cursor_of, cursor_text
from vouchers.pages.live.viewer import Viewer, viewer_of
from vouchers.queries.live.alerts import Cursor, alerts_since

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Given = TypeVar("Given")
Found = TypeVar("Found")

PATH: Final = "/live/stream"
STREAMS_MOST: Final = 200
"""Of one process; a further screen asks for the board now and then."""
RETRY_MS: Final = 1_000
SILENCE_S: Final = 15.0
"""After which a comment is sent, since proxies end connections that say nothing for a minute."""
ASK_AGAIN_S: Final = 60.0
"""How often a viewer's right to watch is looked up."""
LASTS_S: Final = 15 * 60.0
MISSED_MOST: Final = 500
OVERLAP_LASTS: Final = timedelta(minutes=1)
"""Within which a transaction that raised an alert has ended."""

HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]


class Live:
    """ASGI application: the stream here, everything else to `inner`."""

    def __init__(self, inner: Application) -> None:
        self._inner = inner
        self._poller = Poller()
        self._ending: asyncio.Event | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET" and scope["path"] == PATH:
            await self._answer(scope, receive, send)
        else:
            await self._inner(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        viewer = await _in_thread(viewer_of, scope)
        if viewer is None:
            await _refuse(send, 403)
        elif len(self._poller) >= STREAMS_MOST:
            await _refuse(send, 503, (b"retry-after", b"10"))
        else:
            await self._stream(scope, viewer, receive, send)

    async def _stream(self, scope: Scope, viewer: Viewer, receive: Receive, send: Send) -> None:
        """Until the viewer has gone, which `receive` alone notices, or the server ends."""
        if self._ending is None:
            self._ending = _end_of_server()
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        tasks = [
            asyncio.ensure_future(self._write(scope, viewer, send)),
            asyncio.ensure_future(_left(receive)),
            asyncio.ensure_future(self._ending.wait()),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        with contextlib.suppress(Exception):  # it has gone
            await send({"type": "http.response.body", "body": b""})

    async def _write(self, scope: Scope, viewer: Viewer, send: Send) -> None:
        async for piece in self._pieces(scope, viewer):
            await send({"type": "http.response.body", "body": piece, "more_body": True})

    async def _pieces(self, scope: Scope, viewer: Viewer) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        client = Client(viewer.language, viewer.area, loop)
        end_s = loop.time() + LASTS_S
        ask_s = loop.time() + ASK_AGAIN_S
        self._poller.add(client)
        try:
            yield f"retry: {RETRY_MS}\n\n".encode()
            for event in await _in_thread(_missed, viewer):
                yield event.encode()
            while loop.time() < end_s:
                try:
                    await asyncio.wait_for(client.ready.wait(), SILENCE_S)
                except TimeoutError:
                    yield b":\n\n"
                if loop.time() >= ask_s:
                    ask_s = loop.time() + ASK_AGAIN_S
                    now = await _in_thread(viewer_of, scope)
                    if now is None or now.area != viewer.area:
                        return
                for event in client.waiting():
                    yield event.encode()
        finally:
            self._poller.remove(client)


async def _in_thread(read: Callable[[Given], Found], given: Given) -> Found:
    """Read the database in a thread of the loop's, whose connection is closed afterwards."""

    def work() -> Found:
        try:
            return read(given)
        finally:
            connections.close_all()

    return await asyncio.to_thread(work)


def _missed(viewer: Viewer) -> list[Event]:
    """Alerts since the viewer's page was made or its stream broke, some perhaps again: the page
    drops those it has. Too many are not sent; the page is loaded again."""
    cursor = cursor_of(viewer.after)
    if cursor is None:
        return [RESET] if viewer.after else []
    found = alerts_since(
        cursor,
        area=viewer.area,
        overlap=OVERLAP,
        overlap_since=timezone.now() - OVERLAP_LASTS,
        most=MISSED_MOST + OVERLAP,
    )
    if sum(_is_after(alert.cursor, cursor) for alert in found) > MISSED_MOST:
        return [RESET]
    newest = cursor
    events = []
    for alert in found:
        newest = Cursor(*map(max, newest, alert.cursor))
        events.append(
            Event("alert", alert_html(alert, language=viewer.language), cursor_text(newest))
        )
    return events


def _is_after(one: Cursor, other: Cursor) -> bool:
    return one.signal_id > other.signal_id or one.hold_id > other.hold_id


def _end_of_server() -> asyncio.Event:
    """Set when the server is asked to end: it would wait for open streams.

    The server is not asked for this, since it tells no application. Its own handling of the signal
    goes by the loop's wake-up descriptor, and so goes on beside ours.
    """
    ending, loop = asyncio.Event(), asyncio.get_running_loop()
    if threading.current_thread() is not threading.main_thread():
        return ending
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)
        if callable(before):
            signal.signal(number, _noticing(before, loop, ending))
    return ending


def _noticing(
    before: Callable[[int, FrameType | None], Any],
    loop: asyncio.AbstractEventLoop,
    ending: asyncio.Event,
) -> Callable[[int, FrameType | None], None]:
    def handle(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(ending.set)
        before(number, frame)

    return handle


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _refuse(send: Send, status: int, *headers: tuple[bytes, bytes]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": b""})
