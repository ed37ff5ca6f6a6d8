"""The express lane: the hottest calls answered in front of Django, by the same services.

`POST /api/v1/redemptions` and `POST /api/v1/claims` are parsed and authenticated in the event loop,
gathered with the others of their kind in flight, and worked on in batches by one lane thread per
kind and process. All else falls through to Django.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from merchants.auth import CALLERS, Cached, Caller, bearer_key
from merchants.errors import Refused
from vouchers.express.lane import DATABASE_LOST, Lane, with_connection
from vouchers.http.answers import headers_of, problem, render
from vouchers.http.claims import SCOPE_CLAIM, claim_request
from vouchers.http.redemption import REDEMPTIONS, redeem_request
from vouchers.http.request_ids import HEADER, request_id
from vouchers.http.requests import (
    BODY_MAX_BYTES,
    DISCARDED_MAX_BYTES,
    check_key,
    check_media_type,
    malformed,
    too_large,
)
from vouchers.http.shedding import Standing, admit
from vouchers.services.acts import BUSY, OUTCOME_UNKNOWN, Answer
from vouchers.services.claims import claim
from vouchers.services.redemption import redeem

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

log = logging.getLogger(__name__)

CLAIMS = "/api/v1/claims"
SCOPE_REDEEM = "redeem"


@dataclass(frozen=True, slots=True)
class Door:
    """One express call: its scope, what makes a request of it, and the service that answers many.

    A lane of its own for each: a rush of claims makes no till wait.
    """

    name: str
    scope: str
    parse: Callable[..., Any]
    work: Callable[..., Sequence[Answer]]


DOORS: Final[Mapping[str, Door]] = {
    REDEMPTIONS: Door("redeem-lane", SCOPE_REDEEM, redeem_request, redeem),
    CLAIMS: Door("claim-lane", SCOPE_CLAIM, claim_request, claim),
}
"""By path; each is called by POST."""


class Express:
    """ASGI application: the express paths here, everything else to `django`."""

    def __init__(self, django: Application) -> None:
        self._django = django
        self._authenticator = ThreadPoolExecutor(1, thread_name_prefix="express-auth")
        self._lanes: dict[str, Lane[Any, Answer]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST" and scope["path"] in DOORS:
            call = Call(scope["path"], joined(scope["headers"]))
            answer = await self._act(call, receive)
            await _respond(send, answer, call.headers_of_answer())
        else:
            await self._django(scope, receive, send)

    async def _act(self, call: "Call", receive: Receive) -> Answer:
        headers, path, arriving = call.headers, call.path, Arriving(receive)
        door = DOORS[path]
        try:
            caller = await self._authenticate(headers.get(b"authorization", b""), door.scope)
            call.admit(caller)
            key = check_key(headers.get(b"idempotency-key", b"").decode("latin-1"))
            body = await arriving.whole()
            check_media_type(
                headers.get(b"content-type", b"").decode("latin-1"),
                body,
                encoding=headers.get(b"content-encoding", b"").decode("latin-1"),
            )
            request = door.parse(caller=caller, key=key, path=path, body=body, at=datetime.now(UTC))
        except Refused as refused:
            await arriving.discard()
            return problem(refused.refusal)
        if path not in self._lanes:
            self._lanes[path] = Lane(
                door.name,
                partial(_work, door.work),
                busy=render(BUSY),
                unknown=render(OUTCOME_UNKNOWN),
            )
        return await self._lanes[path].answer(request)

    async def _authenticate(self, header: bytes, wanted: str) -> Caller:
        key = bearer_key(header)
        if key is None:
            raise Refused("unauthenticated")
        remembered = CALLERS.peek(key)
        if isinstance(remembered, Cached):
            loop = asyncio.get_running_loop()
            caller = await loop.run_in_executor(self._authenticator, _look_up, key)
        else:
            caller = remembered
        if caller is None:
            raise Refused("unauthenticated")
        if wanted not in caller.scopes:
            raise Refused("forbidden", scope=wanted)
        return caller


def joined(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Headers by name; one that is sent twice has both values with a comma between, as Django and
    other servers have it, so that no door takes the first and another the last."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        found[name] = found[name] + b"," + value if name in found else value
    return found


class Call:
    """A request's path and headers, and what the answer's headers say of the request."""

    def __init__(self, path: str, headers: Mapping[bytes, bytes]) -> None:
        self.path = path
        self.headers = headers
        self._id = request_id(headers.get(b"x-request-id", b"").decode("latin-1"))
        self._standing: Standing | None = None

    def admit(self, caller: Caller) -> None:
        """Count the request. Refuses `rate_limited`."""
        self._standing = standing = admit(caller)
        if standing is not None and standing.is_over:
            raise Refused("rate_limited", retry_after_s=standing.reset_s)

    def headers_of_answer(self) -> list[tuple[str, str]]:
        """The request's name, and where its key stands."""
        standing = self._standing
        return [(HEADER, self._id), *(standing.headers() if standing is not None else ())]


def _work(service: Callable[..., Sequence[Answer]], batch: Sequence[Any]) -> Sequence[Answer]:
    return service(requests=batch, render=render)


def _look_up(key: str) -> Caller | None:
    """Ask the database for a key's caller. Refuses `busy` when it can't be asked."""
    try:
        return with_connection(lambda: CALLERS.get(key, at=datetime.now(UTC)))
    except DATABASE_LOST:
        log.exception("no key can be looked up")
        raise Refused("busy") from None


class Arriving:
    """A request's body as it comes in; see `DISCARDED_MAX_BYTES` for why all of it is read."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._size = 0
        self._is_over = False

    async def whole(self) -> bytes:
        """The body. Refuses `body_too_large`, and `malformed_request` for one that is cut off."""
        chunks: list[bytes] = []
        while not self._is_over:
            chunk = await self._next()
            if self._size <= BODY_MAX_BYTES:
                chunks.append(chunk)
        if self._size > BODY_MAX_BYTES:
            raise too_large()
        return b"".join(chunks)

    async def discard(self) -> None:
        """Read on to its end, or as far as is worth it."""
        with contextlib.suppress(Refused):  # cut off: the answer reaches no client
            while not self._is_over:
                await self._next()

    async def _next(self) -> bytes:
        message = await self._receive()
        chunk: bytes = message.get("body", b"")
        self._size += len(chunk)
        self._is_over = not message.get("more_body") or self._size > DISCARDED_MAX_BYTES
        if message["type"] == "http.disconnect":
            raise malformed("the connection was closed before the body was complete")
        return chunk


async def _respond(send: Send, answer: Answer, more: Sequence[tuple[str, str]]) -> None:
    named = [*headers_of(answer), *more]
    headers = [(name.lower().encode(), value.encode()) for name, value in named]
    headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
