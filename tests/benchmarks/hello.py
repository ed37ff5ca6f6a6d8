"""The least that an ASGI server can answer; losers of claims are measured against it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

HEADERS = [(b"content-type", b"text/plain"), (b"content-length", b"5")]


async def application(
    scope: Mapping[str, Any],
    receive: Callable[[], Awaitable[Any]],
    send: Callable[[Mapping[str, Any]], Awaitable[None]],
) -> None:
    """Read the request and say hello."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": b"hello"})
