"""What the pages share: nothing is deleted, and refusals are told as sentences."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from merchants.errors import Refusal
from merchants.models import State

STATE_COLOURS = {
    State.ACTIVE.value: "success",
    State.SUSPENDED.value: "warning",
    State.CLOSED.value: "danger",
}
REFUSALS: Mapping[str, Any] = {
    "already_exists": _("The number {number} is taken."),
    "coordinates_invalid": _("There is no such place; are longitude and latitude swapped?"),
    "number_malformed": _("The number may hold only letters, digits and signs of ASCII."),
    "credential_incomplete": _("The credential is incomplete or contradicts itself ({rule})."),
}


def sentence(refusal: Refusal) -> str:
    """A refusal in the reader's language."""
    text = str(REFUSALS.get(refusal.code, refusal.code))
    return text.format(rule=refusal.rule, **refusal.facts)


class LookOnlyInline(TabularInline):
    """Rows that have acts of their own to be changed by."""

    extra = 0
    tab = True
    hide_title = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class NeverDeleted(ModelAdmin):
    """What money has been owed to stays on record; it is closed instead."""

    actions = None

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description=_("state"), ordering="state", label=STATE_COLOURS)
    def state_label(self, row: Any) -> tuple[str, Any]:
        return row.state, row.get_state_display()
