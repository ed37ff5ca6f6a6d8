"""The pages for an address of the admin or the live screen that is not there, or not for its
reader. Other addresses are no person's, and get Django's bare page."""

from http import HTTPStatus
from typing import Final

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views import defaults

OF_PEOPLE: Final = ("/admin/", "/live/")
"""How the addresses that people open begin."""


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say that the reader's role does not go so far, and who can change that."""
    if not request.path.startswith(OF_PEOPLE):
        return defaults.permission_denied(request, exception)
    return _page(
        request,
        HTTPStatus.FORBIDDEN,
        _("Your role does not allow this"),
        _(
            "Nothing was changed. Who gives roles can give you one that does, for the area and the"
            " time you need."
        ),
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say that there is no such page; one outside the reader's area is as absent as any other."""
    if not request.path.startswith(OF_PEOPLE):
        return defaults.page_not_found(request, exception)
    return _page(
        request,
        HTTPStatus.NOT_FOUND,
        _("There is no such page"),
        _(
            "The address may be mistyped, what it named may have been taken away, or it lies"
            " outside the area of your role."
        ),
    )


def _page(request: HttpRequest, status: HTTPStatus, title: str, text: str) -> HttpResponse:
    context = {**admin.site.each_context(request), "title": title, "text": text}
    return render(request, "vouchers/refused.html", context, status=status)
