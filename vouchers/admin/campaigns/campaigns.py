"""The campaign's page: what it promises, where its money is, whom it reached."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet, Sum
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from vouchers.admin.base import coloured
from vouchers.admin.campaigns.acts import CampaignActs
from vouchers.admin.campaigns.overview import campaign_overview
from vouchers.admin.campaigns.parts import (
    CapInline,
    CellInline,
    GeofenceInline,
    RingInline,
    RoundInline,
    SourceInline,
    StoreInline,
    TierInline,
    is_draft,
    note,
    note_formset,
)
from vouchers.admin.forms import DAY_S, ORDER_KINDS, CampaignForm
from vouchers.models import Campaign, ResidentPoint
from vouchers.money import yuan
from vouchers.services.campaigns import lifecycle
from vouchers.states import CampaignState, RefundPolicy

STATE_COLOURS = {
    CampaignState.SUBMITTED.value: "info",
    CampaignState.APPROVED.value: "primary",
    CampaignState.SCHEDULED.value: "primary",
    CampaignState.RUNNING.value: "success",
    CampaignState.PAUSED.value: "warning",
}


@admin.register(Campaign)
class CampaignAdmin(CampaignActs, ModelAdmin):
    """Campaigns."""

    form = CampaignForm
    list_display = ["name", "code", "state_label", "starts_at", "ends_at", "budget", "is_test"]
    list_filter = ["state", "is_test"]
    search_fields = ["code", "name", "organiser", "operator"]
    date_hierarchy = "starts_at"
    actions = None
    fieldsets = [
        (None, {"fields": [("name", "code"), ("organiser", "operator"), ("zone", "is_test")]}),
        (
            _("Period and reach"),
            {"fields": ["starts_at", "ends_at", ("validity_days", "radius_m")]},
        ),
        (
            _("Audience and orders"),
            {
                "fields": [
                    ("point_kinds", "order_kinds"),
                    "excluded_categories",
                    "audience_filter",
                ]
            },
        ),
        (
            _("Money and proof"),
            {"fields": [("currency", "refund_policy"), "authorise_ttl_s", "anchor_recipients"]},
        ),
    ]
    # The same page to look at: what the form types in its own way is told in words.
    shown_fieldsets = [
        (None, {"fields": [("name", "code"), ("organiser", "operator"), ("zone", "is_test")]}),
        (
            _("Period and reach"),
            {"fields": [("starts_at", "ends_at"), ("validity", "radius_m")]},
        ),
        (
            _("Audience and orders"),
            {"fields": [("places", "orders"), ("excluded", "audience_filter")]},
        ),
        (
            _("Money and proof"),
            {"fields": [("currency", "refund_policy"), ("authorise_ttl_s", "recipients")]},
        ),
    ]
    shown_fields = ["validity", "places", "orders", "excluded", "recipients"]
    inlines = [
        SourceInline,
        TierInline,
        StoreInline,
        RingInline,
        CapInline,
        CellInline,
        RoundInline,
        GeofenceInline,
    ]
    change_form_outer_before_template = "vouchers/campaign_overview.html"
    state_label = coloured("state", _("state"), STATE_COLOURS)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Campaign]:
        rows: QuerySet[Campaign] = super().get_queryset(request)
        return rows.annotate(budget_fen=Sum("sources__appropriated_fen"))

    @display(description=_("appropriated"), ordering="budget_fen")
    def budget(self, campaign: Any) -> str:
        return yuan(campaign.budget_fen or 0)

    def has_change_permission(self, request: HttpRequest, obj: Campaign | None = None) -> bool:
        """Out of the draft the page is to look at; the acts stay."""
        editable = obj is None or is_draft(obj)
        return editable and bool(super().has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Campaign | None = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Campaign | None = None) -> Any:
        if obj is None:
            return []
        frozen = ["code", "zone", "currency", "is_test"]
        return frozen if self.has_change_permission(request, obj) else frozen + self.shown_fields

    def get_fieldsets(self, request: HttpRequest, obj: Campaign | None = None) -> Any:
        if obj is None or self.has_change_permission(request, obj):
            return self.fieldsets
        return self.shown_fieldsets

    @display(description=_("validity of a voucher"))
    def validity(self, campaign: Campaign) -> str:
        return _("%g days") % (campaign.validity_s / DAY_S)

    @display(description=_("places that count"))
    def places(self, campaign: Campaign) -> str:
        return _named(campaign.point_kinds, ResidentPoint.Kind.choices)

    @display(description=_("orders accepted"))
    def orders(self, campaign: Campaign) -> str:
        return _named(campaign.order_kinds, ORDER_KINDS) or str(_("every kind"))

    @display(description=_("excluded categories"), empty_value="–")
    def excluded(self, campaign: Campaign) -> str | None:
        return ", ".join(campaign.excluded_categories) or None

    @display(description=_("recipients of seals"), empty_value="–")
    def recipients(self, campaign: Campaign) -> str | None:
        return ", ".join(campaign.anchor_recipients) or None

    def get_inlines(self, request: HttpRequest, obj: Campaign | None = None) -> Any:
        return self.inlines if obj else []

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: Any = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> Any:
        """The page, with the overview on top."""
        campaign = self.get_object(request, object_id) if object_id else None
        context = {**(extra_context or {})}
        if campaign and request.method == "GET" and self.has_view_permission(request, campaign):
            context["overview"] = campaign_overview(campaign, at=timezone.now())
        return super().changeform_view(request, object_id, form_url, context)

    def save_model(self, request: HttpRequest, obj: Campaign, form: Any, change: bool) -> None:
        if change:
            note(request, obj, "campaign")
            super().save_model(request, obj, form, change)
            return
        user: Any = request.user
        made = lifecycle.create_campaign(
            code=obj.code,
            name=obj.name,
            organiser=obj.organiser,
            operator=obj.operator,
            zone=obj.zone,
            starts_at=obj.starts_at,
            ends_at=obj.ends_at,
            validity_s=obj.validity_s,
            radius_m=obj.radius_m,
            point_kinds=obj.point_kinds,
            audience_filter=obj.audience_filter,
            excluded_categories=obj.excluded_categories,
            order_kinds=obj.order_kinds,
            currency=obj.currency,
            refund_policy=RefundPolicy(obj.refund_policy),
            authorise_ttl_s=obj.authorise_ttl_s,
            anchor_recipients=obj.anchor_recipients,
            is_test=obj.is_test,
            by=user,
            at=timezone.now(),
        )
        obj.pk = made.pk
        obj._state.adding = False

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        note_formset(request, form.instance, formset)
        super().save_formset(request, form, formset, change)


def _named(values: list[str], choices: Iterable[tuple[str, Any]]) -> str:
    names = dict(choices)
    return ", ".join(str(names.get(value, value)) for value in values)
