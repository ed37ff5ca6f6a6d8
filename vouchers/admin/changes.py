"""The list of all recorded changes of the set-up."""

from typing import Any, Final

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from merchants.admin.lists import KeysetChangeList
from vouchers.admin import searches
from vouchers.admin.base import ReadOnlyAdmin, coloured, in_lines
from vouchers.admin.history.words import Words, columns, how, label, who
from vouchers.admin.words import NOTHING
from vouchers.models import SetupChange
from vouchers.queries.history import MODELS

COLOURS: Final = {"insert": "success", "update": "info", "delete": "danger"}


class NamedChangeList(KeysetChangeList):
    """A page of changes, with the names of what they changed read once for the page."""

    def get_results(self, request: HttpRequest) -> None:
        """Each change with `row_named`."""
        super().get_results(request)
        words = Words(self.result_list, timezone.get_current_timezone())
        for change in self.result_list:
            change.row_named = words.row(change)


@admin.register(SetupChange)
class SetupChangeAdmin(searches.ExactSearch, ReadOnlyAdmin):
    """All changes of the set-up, those of deleted rows and of the database's owner too."""

    nothing_yet = _(
        "No change yet. Every change of a campaign, store, key or district appears here."
    )
    list_display = ["at", "author", "way", "row", "operation_label", "changed"]
    searches = [searches.number(), searches.text("username")]
    search_help_text = _("The whole user name, or the number of a change")
    fields = [
        "at",
        "author",
        "way",
        "request_id",
        "database_role",
        "row",
        "operation_label",
        "values_before",
        "values_after",
    ]
    operation_label = coloured("operation", _("what"), COLOURS)

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[NamedChangeList]:
        return NamedChangeList

    @display(description=_("who"))
    def author(self, change: SetupChange) -> str:
        return who(change)

    @display(description=_("by way of"))
    def way(self, change: SetupChange) -> str:
        return how(change) or NOTHING

    @display(description=_("row"))
    def row(self, change: SetupChange) -> str:
        if hasattr(change, "row_named"):
            return str(change.row_named)
        return Words([change], timezone.get_current_timezone()).row(change)

    @display(description=_("values"))
    def changed(self, change: SetupChange) -> str:
        if change.operation != SetupChange.Operation.UPDATE:
            return NOTHING
        fields = columns(MODELS[change.table_name], change.after)
        return ", ".join(label(field) for field, _value in fields)

    @display(description=_("before"))
    def values_before(self, change: SetupChange) -> str:
        return _told(change, "old")

    @display(description=_("after"))
    def values_after(self, change: SetupChange) -> str:
        return _told(change, "new")


def _told(change: SetupChange, side: str) -> str:
    """Each column and its value in words, as histories of rows have them."""
    lines = Words([change], timezone.get_current_timezone()).lines(change)
    return in_lines(f"{line['label']}: {line[side]}" for line in lines)
