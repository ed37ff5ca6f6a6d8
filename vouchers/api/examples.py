"""Examples in the OpenAPI description: what is sent, what is answered, what is refused."""

from typing import Any

import msgspec
from drf_spectacular.utils import OpenApiExample

from merchants.errors import Fact, Refusal
from vouchers.http.answers import JSON, PROBLEM, problem

RESIDENT_NO = "R-100200"
"""The resident of all examples."""


def request_example(name: str, value: dict[str, Any]) -> OpenApiExample:
    """A body that may be sent."""
    return OpenApiExample(name, value=value, request_only=True)


def answer_example(
    name: str, value: Any, status: int = 200, *, media_type: str = JSON
) -> OpenApiExample:
    """A body that may be answered; of a list, one of its items."""
    return OpenApiExample(
        name, value=value, response_only=True, status_codes=[str(status)], media_type=media_type
    )


def refusal_example(name: str, code: str, rule: str = "", **facts: Fact) -> OpenApiExample:
    """A refusal, in the words that the catalogue has for it."""
    return OpenApiExample(
        name,
        value=refused(code, rule, **facts),
        response_only=True,
        status_codes=["4XX"],
        media_type=PROBLEM,
    )


def refused(code: str, rule: str = "", **facts: Fact) -> dict[str, Any]:
    """The body of a refusal."""
    body: dict[str, Any] = msgspec.json.decode(problem(Refusal(code, rule, facts)).body)
    return body


NO_RESIDENT = refusal_example("a resident not on file", "not_found", "resident_unknown")
