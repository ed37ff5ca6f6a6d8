"""The buttons that suspend a merchant, store, till or caller, and lift its suspension; what a pause
of a campaign asks for.
"""

from typing import Any, Final
from zoneinfo import ZoneInfo

from django import forms
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from merchants.admin.base import RowActs
from merchants.models import State
from vouchers.admin.buttons import button
from vouchers.admin.forms import DialogForm
from vouchers.http.stops import read_end, until_at_field, until_field
from vouchers.services.campaigns import stops
from vouchers.services.campaigns.lifecycle import PAUSE
from vouchers.services.sandbox import time_in

BUTTONS: Final = ("suspend", "lift")
HIDDEN: Final = {
    State.ACTIVE: {"lift"},
    State.SUSPENDED: set[str](),
    State.CLOSED: set(BUTTONS),
}
"""Buttons that a row's state leaves nothing to do."""


class WhyForm(BaseDialogForm):
    """Why it is done; kept in the row's history."""

    why = forms.CharField(
        label=_("Reason"), min_length=3, max_length=200, widget=UnfoldAdminTextInputWidget
    )


class SuspensionForm(WhyForm):
    """And until when."""

    until = until_field(UnfoldAdminSelectWidget)
    until_at = until_at_field(UnfoldAdminTextInputWidget)
    field_order = ["until", "until_at", "why"]

    def clean(self) -> Any:
        """The end in local time."""
        super().clean()
        read_end(self, at=timezone.now(), zone=timezone.get_default_timezone())
        return self.cleaned_data


class PauseForm(DialogForm):
    """Why a campaign is paused, and until when in its own time."""

    until = until_field(UnfoldAdminSelectWidget)
    until_at = until_at_field(UnfoldAdminTextInputWidget)
    why = forms.CharField(
        label=_("Reason"), min_length=3, max_length=200, widget=UnfoldAdminTextInputWidget
    )

    def clean(self) -> Any:
        """The end as an instant."""
        super().clean()
        campaign = self.campaign
        now = time_in(campaign_id=campaign.pk, at=timezone.now())
        read_end(self, at=now, zone=ZoneInfo(campaign.zone))
        return self.cleaned_data


class StopButtons(RowActs):
    """On the page of a row that has a `state` of the merchants' side."""

    opts: Any

    suspend = button(
        stops.suspend,
        _("Suspend"),
        icon="block",
        title=_("Suspend"),
        description=_(
            "Nothing is redeemed from the next request on. What is suspended already stays so for"
            " longer."
        ),
        success=_("Suspended, from the next request on."),
        form=SuspensionForm,
        subject="row",
        permission="stop",
    )
    lift = button(
        stops.lift,
        _("Lift the suspension"),
        icon="play_arrow",
        title=_("Lift the suspension"),
        description=_("It may act again from the next request on."),
        success=_("The suspension is lifted."),
        form=WhyForm,
        subject="row",
        permission="stop",
    )

    def has_stop_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Those who stop campaigns, and those who change the row."""
        change = f"{self.opts.app_label}.change_{self.opts.model_name}"
        return any(self.may(request, permission, object_id) for permission in (PAUSE, change))

    def is_offered(self, act: str, row: Any) -> bool:
        """A row that is closed is neither stopped nor let act again, one that is active not
        lifted."""
        return act not in HIDDEN[row.state] and super().is_offered(act, row)
