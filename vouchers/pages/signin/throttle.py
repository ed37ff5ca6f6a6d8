"""Limits on failed sign-ins: per name and address, per name and per address, kept in PostgreSQL."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.handlers.proxy import AxesProxyHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

Credentials = dict[str, Any] | None


class SignInHandler(AxesDatabaseHandler):
    """Failures count in every limit of SIGN_IN_LIMITS, each with a number of its own.

    django-axes knows one number for all of them: a name would be locked for the whole city as
    soon as it is for one address, and a bureau behind one address as soon as one of its clerks is.
    """

    def get_failures(self, request: HttpRequest, credentials: Credentials = None) -> int:
        """How many limits are reached; AXES_FAILURE_LIMIT is one."""
        return len(list(self._free_at(request, credentials)))

    def reset_user_attempts(self, request: HttpRequest, credentials: Credentials = None) -> int:
        """Forget this name's failures from this address.

        Those of other names stay: an account of one's own does not clear an address that tries
        many, nor does a holder who signs in let others go on trying elsewhere.
        """
        deleted, _by_model = self.filter_user_attempts(request, credentials)[0].delete()
        return int(deleted)

    def retry_at(self, request: HttpRequest, credentials: Credentials) -> datetime | None:
        """When no limit is reached any more if nothing more fails; None if none is now."""
        return max(self._free_at(request, credentials), default=None)

    def _free_at(self, request: HttpRequest, credentials: Credentials) -> Iterator[datetime]:
        limits = settings.SIGN_IN_LIMITS.values()
        lists = self.get_user_attempts(request, credentials)
        for limit, attempts in zip(limits, lists, strict=True):
            if last := _last_needed(attempts, limit):
                yield last + settings.AXES_COOLOFF_TIME


def _last_needed(attempts: "QuerySet[AccessAttempt]", limit: int) -> datetime | None:
    """The instant of the failure whose end brings the count below the limit.

    Failures are kept in one row for each browser, with the instant of the last of them; a row
    stands for at least one failure, so no more rows than the limit are needed.
    """
    rows = attempts.order_by("-attempt_time").values_list("attempt_time", "failures_since_start")
    failures = 0
    for attempt_at, count in rows[:limit]:
        failures += count
        if failures >= limit:
            return attempt_at
    return None


def username_of(request: HttpRequest, credentials: Credentials) -> str:
    """The name a failure counts for: no longer than any user's, as longer ones are no user's."""
    sent = (credentials or request.POST).get("username") or ""
    return str(sent)[: User._meta.get_field("username").max_length]


def is_locked_out(request: HttpRequest, username: str) -> bool:
    """Whether a limit forbids this caller to try as `username` now; if so, `locked_out` answers."""
    credentials = {"username": username}
    if AxesProxyHandler.is_allowed(request, credentials):
        return False
    request.axes_credentials = credentials  # type: ignore[attr-defined]
    return True


def locked_out(
    request: HttpRequest, _response: HttpResponse | None = None, _credentials: Credentials = None
) -> HttpResponse:
    """The page that says when to try again; the same for names that exist and those that do not.

    The credentials are taken from the request, where the handler has put them: under ASGI
    django-axes 8.3 passes them in the place of the response.
    """
    now = timezone.now()
    credentials = request.axes_credentials or {"username": request.POST.get("username")}  # type: ignore[attr-defined]
    retry_at = SignInHandler().retry_at(request, credentials) or now
    context = {
        **admin.site.each_context(request),
        "title": _("Sign-in is paused"),
        # Minutes are shown, so the next one.
        "retry_at": retry_at + timedelta(minutes=1),
    }
    page = render(request, "vouchers/signin/locked.html", context, status=429)
    page["Retry-After"] = str(int((retry_at - now).total_seconds()) + 1)
    return page
