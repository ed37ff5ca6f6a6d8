"""The page "History": what was changed of a row, from what to what, when and by whom.

What the database recorded, where it does, comes first, then what services and Django noted as acts.
Both go by key, the newest first, without a count.
"""

from itertools import groupby
from operator import itemgetter
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.contrib.admin.models import LogEntry
from django.contrib.admin.options import get_content_type_for_model
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from vouchers.admin.history.acts import told
from vouchers.admin.history.words import Words, how, who
from vouchers.admin.words import instant
from vouchers.models import Campaign, SetupChange
from vouchers.queries.history import changes_of
from vouchers.services.roles import view_area

PER_PAGE: Final = 25
AFTER: Final = "after"
ACTS_AFTER: Final = "acts_after"
LONGEST_KEY: Final = 18
"""Digits of a number that fits into a key, whatever they are."""


class History:
    """A page whose row has a history."""

    admin_site: Any
    opts: Any

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """The recorded changes of the row and its parts, then the acts noted of it."""
        page: Any = self
        row = page.get_object(request, unquote(object_id))
        if row is None:
            raise Http404
        if not page.has_view_or_change_permission(request, row):
            raise PermissionDenied
        acts, next_acts = _page(_acts(row), request.GET.get(ACTS_AFTER))
        zone = _zone(row)
        context = {
            **self.admin_site.each_context(request),
            "title": _("History: %s") % row,
            "subtitle": None,
            "opts": self.opts,
            "object": row,
            **self.recorded(request, row, zone),
            "acts": [
                {
                    "at": instant(act.action_time, zone),
                    "at_iso": act.action_time.isoformat(),
                    "who": act.user.get_username(),
                    "what": told(act, zone),
                }
                for act in acts
            ],
            "is_first": not {AFTER, ACTS_AFTER} & request.GET.keys(),
            "next_acts": f"?{ACTS_AFTER}={next_acts}#acts" if next_acts else "",
            "zone": zone.key,
            **(extra_context or {}),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "vouchers/history.html", context)

    def recorded(self, request: HttpRequest, row: Any, zone: ZoneInfo) -> dict[str, Any]:
        """What the database recorded of the row; nothing, of a table that it does not watch."""
        return {}


class RecordedHistory(History):
    """A page whose row's history is recorded by the database."""

    def recorded(self, request: HttpRequest, row: Any, zone: ZoneInfo) -> dict[str, Any]:
        """The changes of the row and its parts that lie in the person's area."""
        user: Any = request.user
        changes = changes_of(row, area=view_area(user, type(row), at=timezone.now()))
        shown, next_after = _page(changes, request.GET.get(AFTER))
        words = Words(shown, zone)
        return {
            "is_recorded": True,
            "acts_recorded": _by_act([_shown(change, words, zone) for change in shown]),
            "next": f"?{AFTER}={next_after}" if next_after else "",
        }


def _acts(row: Model) -> QuerySet[LogEntry]:
    return (
        LogEntry.objects.filter(
            object_id=str(row.pk), content_type=get_content_type_for_model(type(row))
        )
        .select_related("user", "content_type")
        .order_by("-pk")
    )


def _page(rows: QuerySet[Any], after: str | None) -> tuple[list[Any], int | None]:
    """The rows behind a key, and the key to go on after where there are more."""
    if after and after.isdecimal() and len(after) <= LONGEST_KEY:
        rows = rows.filter(pk__lt=int(after))
    found = list(rows[: PER_PAGE + 1])
    return found[:PER_PAGE], found[PER_PAGE - 1].pk if len(found) > PER_PAGE else None


def _zone(row: Any) -> ZoneInfo:
    """The campaign's zone, or that of the installation."""
    campaign = row if isinstance(row, Campaign) else getattr(row, "campaign", None)
    return ZoneInfo(campaign.zone if campaign else timezone.get_default_timezone_name())


def _by_act(changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Changes that follow each other and were one act, together."""
    together = groupby(changes, key=itemgetter("at", "who", "how", "request_id"))
    groups = [list(found) for _act, found in together]
    return [{**group[0], "changes": group} for group in groups]


def _shown(change: SetupChange, words: Words, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "at": instant(change.at, zone),
        "at_iso": change.at.isoformat(),
        "who": who(change),
        "how": how(change),
        "request_id": change.request_id,
        "row": words.row(change),
        "operation": change.operation,
        "what": change.get_operation_display(),
        "lines": words.lines(change),
    }
