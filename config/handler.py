"""Django behind ASGI, on threads that stay and keep their connections to the database.

Django's own handler makes a thread for each request, and with it a connection: PostgreSQL then
starts a process, reads its catalogue and plans every statement for one request. It also hands a
request to and fro between that thread and the event loop, once for each middleware of the other
kind. Here a request is worked on in one thread from start to end, as under WSGI. And it writes a
body of any size to the disk before anything looks at it: here bytes are counted as they come.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Final, NoReturn, TypeVar

from django.conf import settings
from django.core import signals
from django.core.exceptions import RequestAborted, RequestDataTooBig
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

from vouchers.http.batches import BATCH_MAX_BYTES
from vouchers.http.requests import DISCARDED_MAX_BYTES

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Found = TypeVar("Found")

API: Final = "/api/"
THREADS: Final = 8
"""Of a process for calls of the API, and as many for pages: slow pages make no till wait."""
CALL_MAX_BYTES: Final = BATCH_MAX_BYTES + 1
"""What is kept of a call's body: enough for its view to see that it is too large."""
PAGE_MAX_BYTES: Final = 4 * 1024 * 1024
"""Of what a page sends; of more nothing is read, and Django's answer to that is a page of ours."""


class ThreadedHandler(ASGIHandler):
    """ASGI application: Django, synchronous from the first middleware to the view."""

    def __init__(self) -> None:
        super().__init__()
        self._calls = ThreadPoolExecutor(THREADS, thread_name_prefix="django-api")
        self._pages = ThreadPoolExecutor(THREADS, thread_name_prefix="django-page")

    def load_middleware(self, is_async: bool = False) -> None:
        """The synchronous chain, whatever the caller asks for."""
        super().load_middleware(is_async=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"Django answers HTTP only, not {scope['type']}.")
        is_call = scope["path"].startswith(API)
        body = _Body(CALL_MAX_BYTES if is_call else PAGE_MAX_BYTES)
        try:
            await body.read(receive)
        except RequestAborted:  # the client has gone
            return
        if body.is_cut and not is_call:
            body.kept.close()
            body.kept = _TooLarge()
        pool = self._calls if is_call else self._pages
        response = await _in_thread(pool, lambda: self._answer(scope, body.kept))
        try:
            await self.send_response(response, send)
        finally:
            if response.streaming:
                await _in_thread(pool, response.close)

    def _answer(self, scope: Scope, body: IO[bytes]) -> HttpResponseBase:
        """The response, closed unless it is still to be read."""
        with body:
            set_script_prefix(get_script_prefix(scope))
            signals.request_started.send(sender=self.__class__, scope=scope)
            request, fault = self.create_request(scope, body)
            response = self.get_response(request) if request is not None else fault
        assert response is not None  # one of the two
        if not response.streaming:
            response.close()
        return response


class _Body:
    """What is kept of a request's body, from its beginning."""

    def __init__(self, max_bytes: int) -> None:
        # Closed once it has been worked on.
        self.kept: IO[bytes] = SpooledTemporaryFile(  # noqa: SIM115
            settings.FILE_UPLOAD_MAX_MEMORY_SIZE
        )
        self.is_cut = False
        self._max_bytes = max_bytes

    async def read(self, receive: Receive) -> None:
        """Read on to the end, or as far as is worth it for the connection to stay usable. Raises
        `RequestAborted` when the client goes."""
        size, is_over = 0, False
        while not is_over:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.kept.close()
                raise RequestAborted
            chunk: bytes = message.get("body", b"")
            self.kept.write(chunk[: max(0, self._max_bytes - size)])
            size += len(chunk)
            is_over = not message.get("more_body") or size > DISCARDED_MAX_BYTES
        self.is_cut = size > self._max_bytes
        self.kept.seek(0)


class _TooLarge(BytesIO):
    """In place of a body that is too large: reading it raises as Django does for such a form. The
    check of CSRF tokens reads every form before its view does."""

    def read(self, size: int | None = -1, /) -> NoReturn:
        raise RequestDataTooBig("the body is larger than a page may send")


async def _in_thread(pool: ThreadPoolExecutor, work: Callable[[], Found]) -> Found:
    """What `work` returns in a thread of the pool, with context variables of its own."""
    context = copy_context()
    return await asyncio.get_running_loop().run_in_executor(pool, context.run, work)
