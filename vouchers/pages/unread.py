"""The pages for forms that were not read: too large, or sent from before a sign-in."""

from http import HTTPStatus

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import HttpRequest, HttpResponse
from django.middleware import csrf as csrf_rules
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.views import csrf, defaults

TOO_MUCH = (RequestDataTooBig, TooManyFieldsSent)
OF_AN_OLD_PAGE = {csrf_rules.REASON_NO_CSRF_COOKIE, "CSRF token from POST incorrect."}
"""What the check of tokens says of a page from before a sign-in."""


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Name the largest size and how to come back to what was typed; a bare page for other faults,
    which no form of ours makes."""
    if not isinstance(exception, TOO_MUCH):
        return defaults.bad_request(request, exception)
    text = _(
        "A page may send %(most)s at most. A polygon is drawn with fewer corners, a long list goes"
        " in by parts or as a file."
    ) % {"most": filesizeformat(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)}
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return _unread(request, status, _("Too much was sent at once"), text)


def from_before(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form with a token of an earlier session of the same browser; a bare page for forms
    that are not ours."""
    if reason not in OF_AN_OLD_PAGE:
        return csrf.csrf_failure(request, reason)
    return _unread(
        request,
        HTTPStatus.FORBIDDEN,
        _("This page was opened before you signed in"),
        _("Copy what you typed, load the page again, and send it from there."),
    )


def _unread(request: HttpRequest, status: HTTPStatus, title: str, text: str) -> HttpResponse:
    context = {**admin.site.each_context(request), "title": title, "text": text}
    return render(request, "vouchers/unread.html", context, status=status)
