"""Django behind ASGI, on threads that stay and keep their connections to the database.

Django's own handler makes a thread for each request, and with it a connection: PostgreSQL then
starts a process, reads its catalogue and plans every statement for one request. It also hands a
request to and fro between that thread and the event loop, once for each middleware of the other
kind. Here a request is worked on in one thread from start to end, as under WSGI.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import IO, Any, Final, TypeVar

from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Found = TypeVar("Found")

API: Final = "/api/"
THREADS: Final = 8
"""Of a process for calls of the API, and as many for pages: slow pages make no till wait."""


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
        try:
            body = await self.read_body(receive)
        except RequestAborted:  # the client has gone
            return
        pool = self._calls if scope["path"].startswith(API) else self._pages
        response = await _in_thread(pool, lambda: self._answer(scope, body))
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


async def _in_thread(pool: ThreadPoolExecutor, work: Callable[[], Found]) -> Found:
    """What `work` returns in a thread of the pool, with context variables of its own."""
    context = copy_context()
    return await asyncio.get_running_loop().run_in_executor(pool, context.run, work)
