"""What every REST call has: its caller, its parameters, and a body of limited size."""

from datetime import UTC, date, datetime
from typing import Any, TypedDict, cast

import msgspec
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

from merchants.auth import REMEMBERED_KEY, Caller, KeyAuthentication
from merchants.errors import Refused
from merchants.references import is_reference
from vouchers.http.requests import (
    BODY_MAX_BYTES,
    check_key,
    check_media_type,
    not_a_number,
    too_large,
)


class JsonOnly(BaseContentNegotiation):
    """Answers are JSON; the Accept header is ignored."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """The only one."""
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        """The only one."""
        return renderers[0], renderers[0].media_type


class CallView(APIView):
    """A call of the API; subclasses say which scope it needs."""

    authentication_classes = [KeyAuthentication]
    content_negotiation_class = JsonOnly

    @staticmethod
    def caller(request: Request) -> Caller:
        """The caller whose key it is."""
        return cast(Caller, request.auth)


class ActView(CallView):
    """A call that is one act, and no reading: the act itself asks whether its caller is switched
    off."""

    authentication_classes: Any = [REMEMBERED_KEY]


class Sent(TypedDict):
    """What the parsers of `vouchers/http` take of a call under an idempotency key."""

    caller: Caller
    key: str
    path: str
    body: bytes
    at: datetime


def sent(request: Request) -> Sent:
    """The call as it came. Refuses a missing key before the body is read, then what `body_of`
    refuses."""
    key = check_key(request.headers.get("Idempotency-Key"))
    return Sent(
        caller=CallView.caller(request),
        key=key,
        path=request.path,
        body=body_of(request),
        at=datetime.now(UTC),
    )


def body_of(request: Request, max_bytes: int = BODY_MAX_BYTES) -> bytes:
    """The body as sent, no more of it read than is allowed. Refuses `body_too_large` and
    `unsupported_media_type`."""
    body: bytes = request.read(max_bytes + 1)
    if len(body) > max_bytes:
        raise too_large(max_bytes)
    headers = request.headers
    check_media_type(
        headers.get("Content-Type"), body, encoding=headers.get("Content-Encoding", "")
    )
    return body


def parameter(request: Request, name: str) -> str | None:
    """A number in the query. Refuses `malformed_request` for what can't be one."""
    value: str | None = request.query_params.get(name)
    if value and not is_reference(value):
        raise not_a_number(name)
    return value


def day(request: Request, name: str) -> date | None:
    """A day in the query, as YYYY-MM-DD. Refuses `malformed_request`."""
    value = parameter(request, name)
    if not value:
        return None
    try:
        return msgspec.convert(value, date)
    except msgspec.ValidationError:
        raise Refused(
            "malformed_request",
            problem="a day is written YYYY-MM-DD",
            problem_zh="日期须写作 YYYY-MM-DD",
            field=name,
        ) from None
