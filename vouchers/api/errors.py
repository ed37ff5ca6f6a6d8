"""Refusals as responses of Django: RFC 9457 bodies from the refusal catalogue."""

import logging
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.permissions import SAFE_METHODS

from merchants.errors import Refusal, Refused
from vouchers.http.answers import headers_of, problem
from vouchers.services.acts import BUSY, OUTCOME_UNKNOWN, Answer

log = logging.getLogger(__name__)


def handle(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """REST framework's exception handler. Anything unexpected goes on to Django's 500."""
    refusal = _refusal_of(error, context["request"].method)
    return None if refusal is None else rendered(problem(refusal))


@csrf_exempt
def address_unknown(request: HttpRequest) -> HttpResponse:
    """The answer of every address that the API does not have."""
    return rendered(problem(Refusal("address_unknown")))


def rendered(answer: Answer) -> HttpResponse:
    """The answer's own bytes and headers."""
    response = HttpResponse(answer.body, status=answer.status)
    for name, value in headers_of(answer):
        response[name] = value
    return response


def _refusal_of(error: Exception, method: str) -> Refusal | None:
    match error:
        case Refused():
            return error.refusal
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            return Refusal("unauthenticated")
        case Http404() | exceptions.NotFound():
            return Refusal("not_found")
        case exceptions.MethodNotAllowed():
            return Refusal("method_not_allowed")
        case exceptions.Throttled():
            return Refusal(
                "rate_limited", facts={"retry_after_s": int(getattr(error, "wait", None) or 1)}
            )
        case exceptions.APIException():
            return Refusal("malformed_request", facts={"problem": str(error.detail)})
        case OperationalError() | InterfaceError():
            log.error("the database was lost", exc_info=error)
            return BUSY if method in SAFE_METHODS else OUTCOME_UNKNOWN
    return None
