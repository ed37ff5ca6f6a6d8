"""The page of the live screen: the last figures without any script, and the red button."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from merchants.errors import Refused
from vouchers.errors import explain
from vouchers.models import Campaign
from vouchers.pages.live.forms import StopForm
from vouchers.pages.live.places import opened_district
from vouchers.pages.live.screen import (
    alert_html,
    board_html,
    cursor_text,
    stopped_rows,
    valkey_waiting,
)
from vouchers.pages.live.viewer import check_may_watch, watched_area
from vouchers.queries.live.alerts import Cursor, alerts_since, newest_cursor
from vouchers.queries.live.board import board
from vouchers.queries.live.places import DistrictUse
from vouchers.queries.live.stops import stoppable_campaigns, stopped_now
from vouchers.queries.roles import NOWHERE
from vouchers.services.campaigns import lifecycle, stops
from vouchers.services.roles import area_of

ALERTS_SHOWN = 30


def screen(request: HttpRequest) -> HttpResponse:
    """GET shows everything as of now; POST is the red button."""
    check_may_watch(request)
    user: Any = request.user
    reach = area_of(user, lifecycle.PAUSE, at=timezone.now())
    may_stop = reach != NOWHERE
    form = StopForm(request.POST or None, area=reach)
    if request.method == "POST":
        if not may_stop:
            raise PermissionDenied
        if form.is_valid() and _stop(request, form):
            return redirect("live")
    newest = newest_cursor()
    context = {
        **_shown(request, opened=opened_district(request)),
        "stream": f"{reverse('live-stream')}?after={cursor_text(newest)}",
        "form": form,
        "may_stop": may_stop,
        "stoppable": stoppable_campaigns(reach) if may_stop else [],
        "stopped": stopped_rows(stopped_now(watched_area(request))),
    }
    return render(request, "vouchers/live/screen.html", context)


@require_GET
def parts(request: HttpRequest) -> HttpResponse:
    """Board and alerts as of now, for a screen whose stream cannot be had."""
    check_may_watch(request)
    return JsonResponse(_shown(request), headers={"Cache-Control": "no-store"})


def no_stream(request: HttpRequest) -> HttpResponse:
    """Where the server cannot stream, the page asks for its parts instead."""
    return HttpResponse(status=HTTPStatus.NOT_ACCEPTABLE)


def _shown(request: HttpRequest, *, opened: DistrictUse | None = None) -> dict[str, object]:
    """The newest alert first. The cursor is read before the alerts: one that comes between is sent
    again rather than lost."""
    language = get_language() or "en"
    area = watched_area(request)
    shown = board(at=timezone.now(), area=area)
    alerts = alerts_since(Cursor(), area=area, most=ALERTS_SHOWN)
    return {
        "board": board_html(shown, wake_ups=valkey_waiting(), language=language, opened=opened),
        "alerts": [
            alert_html(alert, language=language) for alert in reversed(alerts[-ALERTS_SHOWN:])
        ],
    }


def _stop(request: HttpRequest, form: StopForm) -> bool:
    """Whether it is stopped now; a refusal stands on the form."""
    assert isinstance(request.user, User)
    named, now = form.found, timezone.now()
    stop = {"why": form.cleaned_data["why"], "until_at": form.cleaned_data["until_at"]}
    try:
        if isinstance(named, Campaign):
            lifecycle.pause(campaign=named, by=request.user, at=now, **stop)
        else:
            stops.suspend(row=named, by=request.user, at=now, **stop)
    except Refused as refused:
        form.add_error(None, explain(refused.refusal, get_language() or "en"))
        return False
    messages.success(request, _said(named.name, form))
    return True


def _said(name: str, form: StopForm) -> str:
    until_at = form.cleaned_data["until_at"]
    if until_at is None:
        return _("%(name)s is stopped: no order from now on.") % {"name": name}
    until = date_format(until_at.astimezone(form.zone), "Y-m-d H:i")
    return _("%(name)s is stopped until %(until)s.") % {"name": name, "until": until}
