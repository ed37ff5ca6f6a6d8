"""The act on a test campaign's clock."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSplitDateTimeWidget

from vouchers.admin.base import dialog
from vouchers.admin.campaigns.page import CampaignPage, act_in_dialog
from vouchers.admin.forms import DialogForm
from vouchers.models import Campaign
from vouchers.services import sandbox


class ClockForm(DialogForm):
    """The time to which the campaign's clock is moved."""

    to = forms.SplitDateTimeField(label=_("New time"), widget=UnfoldAdminSplitDateTimeWidget)


CLOCK = dialog(
    _("Move the sandbox clock"),
    _("Forward only. What becomes due by it happens within half a minute."),
    ClockForm,
)


class SandboxActs(CampaignPage):
    """What can be done to test campaigns alone."""

    @action(description=_("Move the clock"), icon="more_time", permissions=["edit"], dialog=CLOCK)
    def move_clock(self, request: HttpRequest, form: ClockForm, object_id: str) -> HttpResponse:
        return act_in_dialog(
            request,
            CLOCK,
            form,
            sandbox.move_clock,
            _("The clock has been moved."),
            {"never_back": "to", "too_far": "to"},
            campaign=form.campaign,
            to=form.cleaned_data["to"],
            by=request.user,
            at=timezone.now(),
        )

    def is_offered(self, act: str, row: Campaign) -> bool:
        """The clock of a live campaign is not moved."""
        return (row.is_test or act != "move_clock") and super().is_offered(act, row)
