"""One handler that makes HTTP of every no: RFC 9457 bodies from the refusal catalogue."""

from typing import Any

from django.http import Http404, HttpResponse
from rest_framework import exceptions

from merchants.errors import Refusal, Refused
from vouchers.errors import CONTENT_TYPE, problem


def handle(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """DRF's exception handler. Anything unexpected goes on to Django's 500."""
    refusal = _refusal_of(error)
    if refusal is None:
        return None
    status, body = problem(refusal)
    response = HttpResponse(body, status=status, content_type=CONTENT_TYPE)
    if isinstance(error, exceptions.AuthenticationFailed | exceptions.NotAuthenticated):
        response["WWW-Authenticate"] = "Bearer"
    return response


def _refusal_of(error: Exception) -> Refusal | None:
    match error:
        case Refused():
            return error.refusal
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            return Refusal("unauthenticated")
        case exceptions.PermissionDenied():
            return Refusal("forbidden", facts={"scope": str(error.detail)})
        case Http404() | exceptions.NotFound():
            return Refusal("not_found")
        case exceptions.APIException():
            return Refusal("malformed_request", facts={"problem": str(error.detail)})
    return None
