"""The act on a test campaign's clock."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSplitDateTimeWidget

from vouchers.admin.base import dialog
from vouchers.admin.campaigns.page import CampaignPage, act_in_dialog
from vouchers.admin.forms import DialogForm
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

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> Any:
        """Without the act on the clock for a live campaign."""
        campaign = self.get_object(request, str(object_id))
        offered = super().get_actions_detail(request, object_id)
        if campaign is not None and campaign.is_test:
            return offered
        return [it for it in offered if it.path != "move_clock"]
