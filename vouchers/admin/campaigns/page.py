"""What every act on a campaign's page shares: permission check, call and redirect."""

from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import get_language
from unfold.admin import ModelAdmin

from merchants.admin.base import RowActs
from merchants.errors import Refused
from vouchers.admin.base import act, go_to
from vouchers.admin.faults import sentence
from vouchers.admin.forms import DialogForm
from vouchers.models import Campaign
from vouchers.services.campaigns import lifecycle, terms


def act_in_dialog(
    request: HttpRequest,
    shown: Mapping[str, Any],
    form: DialogForm,
    service: Callable[..., Any],
    success: Any,
    fields: Mapping[str, str],
    **arguments: Any,
) -> HttpResponse:
    """Call one service; a refusal keeps the dialog open and stands beside the field that `fields`
    names for its rule, else above them."""
    try:
        service(**arguments)
    except Refused as refused:
        text = sentence(refused.refusal, get_language() or "en")
        form.add_error(fields.get(refused.refusal.rule), text)
        context = {"dialog": shown, "form": form, "form_submit_text": shown["form_submit_text"]}
        return render(request, "unfold/helpers/dialog.html", context)
    messages.success(request, success)
    return go_to("vouchers_campaign_change", form.campaign.pk)


class CampaignPage(RowActs, ModelAdmin):
    """A campaign's page as its acts know it."""

    def has_edit_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm(terms.EDIT)

    def has_pause_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm(lifecycle.PAUSE)

    def has_distribute_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("vouchers.add_run")

    def has_cash_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("vouchers.add_cashreceipt")

    def has_collect_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("vouchers.add_collection")

    def _act(
        self, request: HttpRequest, object_id: Any, service: Any, success: Any, **more: Any
    ) -> HttpResponse:
        campaign = get_object_or_404(Campaign, pk=object_id)
        with timezone.override(ZoneInfo(campaign.zone)):
            act(
                request,
                service,
                success,
                campaign=campaign,
                by=request.user,
                at=timezone.now(),
                **more,
            )
        return go_to("vouchers_campaign_change", object_id)
