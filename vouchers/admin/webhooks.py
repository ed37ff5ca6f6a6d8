"""Webhooks: endpoints, messages on their way out, and the log of their deliveries."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextInputWidget,
)

from merchants.admin.base import ReadOnlyInline, said_once
from merchants.admin.choices import PickedRow
from merchants.errors import Refused
from merchants.models import Merchant
from vouchers.admin import searches
from vouchers.admin.base import ReadOnlyAdmin, act, coloured, dialog, given, go_to
from vouchers.admin.faults import sentence
from vouchers.admin.filters import NotSent
from vouchers.admin.history.page import RecordedHistory
from vouchers.models import Outbox, WebhookDelivery, WebhookEndpoint
from vouchers.rules.webhooks import EventType
from vouchers.services.webhooks import endpoints

HOUR_S = 3600
COLOURS = {"active": "success", "paused": "warning", "disabled": "danger"}


class EndpointForm(BaseDialogForm):
    """What can be changed of an endpoint."""

    url = forms.CharField(
        label=_("Address"), max_length=300, initial="https://", widget=UnfoldAdminTextInputWidget
    )
    events = forms.MultipleChoiceField(
        label=_("Events"),
        choices=[(event.value, event.value) for event in EventType],
        initial=[event.value for event in EventType],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )


class NewEndpointForm(EndpointForm):
    """An endpoint of a merchant or of a channel."""

    merchant = PickedRow(
        label=_("Merchant"),
        queryset=Merchant.objects.filter(state="active"),
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    channel_code = forms.CharField(
        label=_("Channel"), max_length=20, required=False, widget=UnfoldAdminTextInputWidget
    )
    is_test = forms.BooleanField(label=_("For test campaigns only"), required=False)


class ChangedEndpointForm(EndpointForm):
    """An endpoint as it is to be."""

    state = forms.ChoiceField(
        label=_("State"),
        choices=WebhookEndpoint.State.choices,
        widget=UnfoldAdminSelectWidget,
    )


class SecretForm(BaseDialogForm):
    """How long the old secret signs beside the new one."""

    overlap_h = forms.IntegerField(
        label=_("The old secret signs too for, hours"),
        min_value=0,
        max_value=24 * 30,
        initial=24,
        widget=UnfoldAdminIntegerFieldWidget,
    )


class RangeForm(BaseDialogForm):
    """Which messages are sent again."""

    from_at = forms.SplitDateTimeField(label=_("From"), widget=UnfoldAdminSplitDateTimeWidget)
    until_at = forms.SplitDateTimeField(
        label=_("Until, not included"), widget=UnfoldAdminSplitDateTimeWidget
    )


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(RecordedHistory, searches.ExactSearch, ReadOnlyAdmin):
    """Where merchants and channels hear of events."""

    nothing_yet = _("No endpoint yet. Add one with the button above the list.")
    list_display = ["url", "owner", "state_label", "failing_since_at", "is_test"]
    list_filter = ["state", "is_test"]
    list_select_related = ["merchant"]
    searches = [searches.text("url"), searches.text("channel_code"), searches.merchant]
    search_help_text = _("The whole address, a channel, or the code of a merchant")
    fields = [
        "url",
        "owner",
        "events",
        "state",
        "is_test",
        "failures",
        "failing_since_at",
        "rests_until_at",
        "secret_number",
        "previous_secret_until_at",
        "created_at",
    ]
    readonly_fields = ["owner"]
    actions_list = ["add_one"]
    actions_detail = ["change_it", "show_secret", "rotate", "replay_range"]

    state_label = coloured("state", _("state"), COLOURS)

    @display(description=_("owner"))
    def owner(self, endpoint: WebhookEndpoint) -> str:
        return str(endpoint.merchant or endpoint.channel_code)

    def has_adding_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("vouchers.add_webhookendpoint")

    def has_changing_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("vouchers.change_webhookendpoint")

    @action(
        description=_("Add an endpoint"),
        icon="add",
        permissions=["adding"],
        dialog=dialog(
            _("Add an endpoint"),
            _("Of a merchant or of a channel. Its secret is shown afterwards."),
            NewEndpointForm,
            _("Add"),
        ),
    )
    def add_one(self, request: HttpRequest, form: NewEndpointForm) -> HttpResponse:
        try:
            endpoint = endpoints.add_endpoint(**given(form), at=timezone.now())
        except Refused as refused:
            return said_once(sentence(refused.refusal, get_language() or "en"))
        self.log_addition(request, endpoint, "added")
        return _secret(endpoint)

    @action(
        description=_("Change"),
        icon="edit",
        permissions=["changing"],
        dialog=dialog(
            _("Change the endpoint"),
            _("One that becomes active gets what has been waiting for it."),
            ChangedEndpointForm,
            _("Save"),
        ),
    )
    def change_it(
        self, request: HttpRequest, form: ChangedEndpointForm, object_id: str
    ) -> HttpResponse:
        endpoint = get_object_or_404(WebhookEndpoint, pk=object_id)
        change = endpoints.change_endpoint
        done = act(request, change, _("Saved."), endpoint=endpoint, **given(form))
        if done is not None:
            self.log_change(request, endpoint, "changed")
        return go_to("vouchers_webhookendpoint_change", object_id)

    @action(
        description=_("Show the secret"),
        icon="visibility",
        permissions=["changing"],
        dialog=dialog(
            _("Show the secret"), _("It is noted that you have seen it."), BaseDialogForm, _("Show")
        ),
    )
    def show_secret(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        endpoint = get_object_or_404(WebhookEndpoint, pk=object_id)
        self.log_change(request, endpoint, "secret shown")
        return _secret(endpoint)

    @action(
        description=_("New secret"),
        icon="autorenew",
        permissions=["changing"],
        dialog=dialog(
            _("New secret"),
            _("The receiver must know it before the old one ends."),
            SecretForm,
            _("New secret"),
        ),
    )
    def rotate(self, request: HttpRequest, form: SecretForm, object_id: str) -> HttpResponse:
        endpoint = get_object_or_404(WebhookEndpoint, pk=object_id)
        endpoints.rotate_secret(
            endpoint=endpoint,
            overlap_s=form.cleaned_data["overlap_h"] * HOUR_S,
            at=timezone.now(),
        )
        self.log_change(request, endpoint, "secret rotated")
        return _secret(endpoint)

    @action(
        description=_("Send again"),
        icon="replay",
        permissions=["changing"],
        dialog=dialog(
            _("Send messages again"),
            _("Delivered or given up, under the same ids."),
            RangeForm,
            _("Send again"),
        ),
    )
    def replay_range(self, request: HttpRequest, form: RangeForm, object_id: str) -> HttpResponse:
        endpoint = get_object_or_404(WebhookEndpoint, pk=object_id)
        count = endpoints.replay_range(endpoint=endpoint, **given(form))
        self.log_change(request, endpoint, f"replayed {count}")
        return said_once(_now("%(count)s messages are sent again.") % {"count": count})


class DeliveryInline(ReadOnlyInline):
    """Every try of a message."""

    model = WebhookDelivery
    fields = ["at", "status", "error", "took_ms"]


@admin.register(Outbox)
class OutboxAdmin(searches.ExactSearch, ReadOnlyAdmin):
    """Messages committed in the transaction they report on."""

    nothing_yet = _("No message waits. What happens is sent to the webhook endpoints from here.")
    list_display = ["row_no", "topic", "endpoint", "created_at", "sent_at", "tries", "last_error"]
    list_filter = [NotSent]
    list_select_related = ["endpoint"]
    searches = [searches.number(), searches.text("key")]
    search_help_text = _("Number of a message, or its whole key")
    inlines = [DeliveryInline]
    actions_detail = ["send_again"]

    def has_replaying_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("vouchers.change_webhookendpoint")

    def is_offered(self, act: str, row: Outbox) -> bool:
        """Only an event for an endpoint that is not waiting can be sent again."""
        is_done = row.sent_at is not None or row.given_up_at is not None
        return is_done and row.endpoint_id is not None

    @action(
        description=_("Send again"),
        icon="replay",
        permissions=["replaying"],
        dialog=dialog(
            _("Send again"), _("Under the same id, so that the receiver knows it."), BaseDialogForm
        ),
    )
    def send_again(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        message = get_object_or_404(Outbox, pk=object_id)
        act(request, endpoints.replay, _("It is sent again."), message=message)
        self.log_change(request, message, "replayed")
        return go_to("vouchers_outbox_change", object_id)


def _secret(endpoint: WebhookEndpoint) -> HttpResponse:
    return said_once(
        _("The secret that signs messages to this endpoint:"),
        endpoints.secret_of(endpoint, endpoint.secret_number),
    )
