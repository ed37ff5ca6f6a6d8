"""The express lane: the hottest call answered in front of Django, by the same service.

`POST /api/v1/redemptions` is parsed and authenticated in the event loop, gathered with the others
in flight, and redeemed in batches by one lane thread per process. All else falls through to Django.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from merchants.auth import CALLERS, Cached, Caller, bearer_key
from merchants.errors import Refused
from vouchers.express.lane import DATABASE_LOST, Lane, with_connection
from vouchers.http.answers import headers_of, problem, render
from vouchers.http.redemption import redeem_request
from vouchers.http.request_ids import HEADER, request_id
from vouchers.http.requests import BODY_MAX_BYTES, check_key, check_media_type, malformed, too_large
from vouchers.http.shedding import Standing, admit
from vouchers.services.acts import BUSY, OUTCOME_UNKNOWN, Answer
from vouchers.services.redemption import RedeemRequest, redeem

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

log = logging.getLogger(__name__)

REDEMPTIONS = "/api/v1/redemptions"
SCOPE_REDEEM = "redeem"


class Express:
    """ASGI application: the express paths here, everything else to `django`."""

    def __init__(self, django: Application) -> None:
        self._django = django
        self._authenticator = ThreadPoolExecutor(1, thread_name_prefix="express-auth")
        self._lane: Lane[RedeemRequest, Answer] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST" and scope["path"] == REDEMPTIONS:
            call = Call(dict(scope["headers"]))
            answer = await self._redeem(call, receive)
            await _respond(send, answer, call.headers_of_answer())
        else:
            await self._django(scope, receive, send)

    async def _redeem(self, call: "Call", receive: Receive) -> Answer:
        headers = call.headers
        try:
            caller = await self._authenticate(headers.get(b"authorization", b""))
            call.admit(caller)
            key = check_key(headers.get(b"idempotency-key", b"").decode("latin-1"))
            body = await _read(receive)
            check_media_type(headers.get(b"content-type", b"").decode("latin-1"), body)
            request = redeem_request(
                caller=caller, key=key, path=REDEMPTIONS, body=body, at=datetime.now(UTC)
            )
        except Refused as refused:
            return problem(refused.refusal)
        if self._lane is None:
            self._lane = Lane(
                "redeem-lane", _redeem, busy=render(BUSY), unknown=render(OUTCOME_UNKNOWN)
            )
        return await self._lane.answer(request)

    async def _authenticate(self, header: bytes) -> Caller:
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
        if SCOPE_REDEEM not in caller.scopes:
            raise Refused("forbidden", scope=SCOPE_REDEEM)
        return caller


class Call:
    """A request's headers, and what the answer's headers say of the request."""

    def __init__(self, headers: Mapping[bytes, bytes]) -> None:
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


def _redeem(batch: Sequence[RedeemRequest]) -> list[Answer]:
    return redeem(requests=batch, render=render)


def _look_up(key: str) -> Caller | None:
    """Ask the database for a key's caller. Refuses `busy` when it can't be asked."""
    try:
        return with_connection(lambda: CALLERS.get(key, at=datetime.now(UTC)))
    except DATABASE_LOST:
        log.exception("no key can be looked up")
        raise Refused("busy") from None


async def _read(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise malformed("the connection was closed before the body was complete")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > BODY_MAX_BYTES:
            raise too_large()
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)


async def _respond(send: Send, answer: Answer, more: Sequence[tuple[str, str]]) -> None:
    named = [*headers_of(answer), *more]
    headers = [(name.lower().encode(), value.encode()) for name, value in named]
    headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
