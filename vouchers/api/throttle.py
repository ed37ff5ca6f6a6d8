"""What Django's door adds to every call: load shedding, RateLimit headers, `X-Request-Id`, and a
body that is read to its end."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, cast

from django.http import HttpRequest, HttpResponse, UnreadablePostError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from merchants.auth import Caller
from vouchers.http.request_ids import HEADER, request_id
from vouchers.http.requests import BODY_MAX_BYTES, DISCARDED_MAX_BYTES
from vouchers.http.shedding import Standing, admit

API: Final = "/api/"
IN_META: Final = "HTTP_X_REQUEST_ID"
STANDING: Final = "huimin_standing"
"""The attribute of Django's request that holds where its key stands."""


class LoadSheddingThrottle(BaseThrottle):
    """Refuses `rate_limited`; see `http/shedding` for what it is and is not."""

    def __init__(self) -> None:
        self._standing: Standing | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        """Whether the key may ask now. Callers without a key are refused or open elsewhere."""
        if not isinstance(request.auth, Caller):
            return True
        self._standing = standing = admit(request.auth)
        setattr(request._request, STANDING, standing)
        return standing is None or not standing.is_over

    def wait(self) -> float | None:
        """Seconds until the window ends."""
        return None if self._standing is None else float(self._standing.reset_s)


def count_lines(request: Request, lines: int) -> None:
    """Count the lines of a batch as the requests they are; the call itself was counted as one.

    The batch is done all the same: what it has too many keeps the key's next calls waiting, so that
    a batch larger than a window's limit can be sent at all.
    """
    standing = admit(cast(Caller, request.auth), requests=lines - 1)
    if standing is not None:
        setattr(request._request, STANDING, replace(standing, is_over=False))


def call_headers(get_response: Callable[[HttpRequest], HttpResponse]) -> Any:
    """Middleware: names the request before anything is logged, and answers with the headers."""

    def respond(request: HttpRequest) -> HttpResponse:
        is_api = request.path.startswith(API)
        # Logs and the history of the set-up have the name from here; only callers give one.
        name = request_id(request.META.get(IN_META) if is_api else None)
        request.META[IN_META] = name
        request.__dict__.pop("headers", None)  # made of META once, perhaps already
        response = get_response(request)
        if not is_api:
            return response
        _discard_rest(request)
        response[HEADER] = name
        standing: Standing | None = getattr(request, STANDING, None)
        for header, value in standing.headers() if standing is not None else ():
            response[header] = value
        return response

    return respond


def _discard_rest(request: HttpRequest) -> None:
    """Read on to the body's end, or as far as is worth it; most calls have read all of it."""
    with contextlib.suppress(UnreadablePostError):  # cut off: the answer reaches no client
        for _ in range(DISCARDED_MAX_BYTES // BODY_MAX_BYTES):
            if not request.read(BODY_MAX_BYTES):
                return
