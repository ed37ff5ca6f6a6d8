"""One handler that makes HTTP of every no: RFC 9457 bodies from the refusal catalogue."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions

from merchants.errors import Refusal, Refused
from vouchers.errors import problem
from vouchers.services.requests import Answer


def handle(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """REST framework's exception handler. Anything unexpected goes on to Django's 500."""
    refusal = _refusal_of(error)
    return None if refusal is None else rendered(Answer(*problem(refusal)))


@csrf_exempt
def nowhere(request: HttpRequest) -> HttpResponse:
    """Every address of the API that there is not."""
    return rendered(Answer(*problem(Refusal("not_found"))))


def rendered(answer: Answer) -> HttpResponse:
    """The answer's own bytes and headers."""
    response = HttpResponse(answer.body, status=answer.status)
    for name, value in answer.headers():
        response[name] = value
    return response


def _refusal_of(error: Exception) -> Refusal | None:
    match error:
        case Refused():
            return error.refusal
        case exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            return Refusal("unauthenticated")
        case Http404() | exceptions.NotFound():
            return Refusal("not_found")
        case exceptions.MethodNotAllowed():
            return Refusal("method_not_allowed")
        case exceptions.APIException():
            return Refusal("malformed_request", facts={"problem": str(error.detail)})
    return None
