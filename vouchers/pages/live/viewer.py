"""Who may watch: those who may enter the admin and see signals there; asked again now and then."""

from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

from django.contrib import admin
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import PermissionDenied
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import get_language_from_request
from django_otp.middleware import OTPMiddleware

from vouchers.queries.roles import Area
from vouchers.services.roles import area_of

WATCH: Final = ("vouchers.view_signal", "vouchers.view_campaign")


@dataclass(frozen=True, slots=True)
class Viewer:
    """A session that may watch: its language, the area it sees, and where it has read up to
    (`Last-Event-ID`)."""

    language: str
    area: Area
    after: str


def may_watch(request: HttpRequest) -> bool:
    """Whether the request's session may see the screen; its second factor counts as in the
    admin."""
    return bool(admin.site.has_permission(request) and request.user.has_perms(WATCH))


def watched_area(request: HttpRequest) -> Area:
    """What part of the city the request's person sees signals of."""
    user: Any = request.user
    return area_of(user, WATCH[0], at=timezone.now())


def check_may_watch(request: HttpRequest) -> None:
    """Answer 403 to everyone else."""
    if not may_watch(request):
        raise PermissionDenied


def viewer_of(scope: dict[str, Any]) -> Viewer | None:
    """The viewer behind an ASGI request, None for one who may not watch. Reads the database."""
    request: HttpRequest = ASGIRequest(scope, BytesIO())
    SessionMiddleware(_nothing).process_request(request)
    AuthenticationMiddleware(_nothing).process_request(request)
    OTPMiddleware(_nothing)(request)
    if not may_watch(request):
        return None
    after = request.headers.get("Last-Event-ID") or request.GET.get("after", "")
    return Viewer(get_language_from_request(request), watched_area(request), after)


def _nothing(request: HttpRequest) -> HttpResponse:
    return HttpResponse()
