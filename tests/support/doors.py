"""What a page answers a person, without the middleware in front of it, whose work is the same at
every address: the person is known and no session is read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.sessions.backends.db import SessionStore
from django.core.handlers.base import BaseHandler
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory, override_settings
from django_otp.middleware import OTPMiddleware


def _pages() -> Any:
    """Django's way from a request to its answer, errors included, with no middleware."""
    handler = BaseHandler()
    with override_settings(MIDDLEWARE=[]):
        handler.load_middleware()
    answer: Any = handler
    return convert_exception_to_response(answer._get_response)


@dataclass
class Doors:
    """The doors that a person knocks at, by either method. What the person's roles are is read
    once."""

    user: User | AnonymousUser
    pages: Any = field(default_factory=_pages)

    def get(self, path: str) -> HttpResponse:
        """What a page shows."""
        return self._answer(RequestFactory().get(path))

    def post(self, path: str, form: Mapping[str, str] | None = None) -> HttpResponse:
        """What sending a form is answered, an empty one if none is given."""
        return self._answer(RequestFactory().post(path, form))

    def _answer(self, request: HttpRequest) -> HttpResponse:
        known: Any = request
        known.session, known.user = SessionStore(), self.user
        known._messages = FallbackStorage(request)
        known._dont_enforce_csrf_checks = True
        # Says that no second factor has been shown.
        OTPMiddleware(lambda same: same)(request)
        answer: HttpResponse = self.pages(request)
        return answer
