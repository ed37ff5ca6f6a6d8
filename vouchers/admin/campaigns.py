"""The campaign's page: what it promises, where its money is, whom it reached; and its acts."""

from collections.abc import Container, Iterable, Mapping
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from merchants.models import State, Store
from vouchers import tasks
from vouchers.admin.base import act, coloured, go_to
from vouchers.admin.forms import (
    DAY_S,
    ORDER_KINDS,
    AppropriationForm,
    CampaignForm,
    CashForm,
    DialogForm,
    RunForm,
    StoresForm,
)
from vouchers.admin.overview import campaign_overview, preview_groups
from vouchers.admin.parts import (
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
from vouchers.admin.review import review_terms
from vouchers.models import Campaign, ResidentPoint
from vouchers.money import yuan
from vouchers.services import campaigns, distribution, ledger, targeting, terms
from vouchers.states import CampaignState

STATE_COLOURS = {
    CampaignState.SUBMITTED.value: "info",
    CampaignState.APPROVED.value: "primary",
    CampaignState.SCHEDULED.value: "primary",
    CampaignState.RUNNING.value: "success",
    CampaignState.PAUSED.value: "warning",
}
# In which states a button is offered; whether the act is allowed is decided by its service.
OFFERED: Mapping[str, Container[CampaignState]] = {
    "appropriate": {CampaignState.DRAFT},
    "receive_cash": {state for state in CampaignState if state != CampaignState.CLOSED},
    "add_stores": {CampaignState.DRAFT},
    "submit": {CampaignState.DRAFT},
    "review": {CampaignState.SUBMITTED},
    "reopen": {CampaignState.SUBMITTED, CampaignState.APPROVED},
    "launch": {CampaignState.APPROVED, CampaignState.SCHEDULED},
    "request_run": {CampaignState.RUNNING},
    "pause": {CampaignState.RUNNING},
    "resume": {CampaignState.PAUSED},
    "end": {CampaignState.RUNNING, CampaignState.PAUSED},
}


def dialog(title: Any, description: Any = "", form: type[DialogForm] = DialogForm) -> Any:
    """What a button asks before it acts; acting is always a POST."""
    return {
        "title": title,
        "description": description,
        "form_class": form,
        "form_submit_text": _("Confirm"),
    }


@admin.register(Campaign)
class CampaignAdmin(ModelAdmin):
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
    ]
    shown_fields = ["validity", "places", "orders", "excluded"]
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
    actions_detail = [
        "submit",
        "review",
        "launch",
        "request_run",
        "pause",
        "resume",
        {
            "title": _("More"),
            "items": ["appropriate", "receive_cash", "add_stores", "preview", "reopen", "end"],
        },
    ]
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
        frozen = ["code", "zone", "is_test"]
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

    def get_inlines(self, request: HttpRequest, obj: Campaign | None = None) -> Any:
        return self.inlines if obj else []

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> Any:
        """The buttons of the campaign's state."""
        campaign = self.get_object(request, str(object_id))
        return [
            offered
            for offered in super().get_actions_detail(request, object_id)
            if campaign
            and CampaignState(campaign.state) in OFFERED.get(offered.path, CampaignState)
        ]

    def changeform_view(
        self, request: HttpRequest, object_id: Any = None, form_url: str = "", extra: Any = None
    ) -> Any:
        """The page, with the overview on top."""
        campaign = self.get_object(request, object_id) if object_id else None
        context = {**(extra or {})}
        if campaign and request.method == "GET" and self.has_view_permission(request, campaign):
            context["overview"] = campaign_overview(campaign, at=timezone.now())
        return super().changeform_view(request, object_id, form_url, context)

    def save_model(self, request: HttpRequest, obj: Campaign, form: Any, change: bool) -> None:
        if change:
            note(request, obj, "campaign")
            super().save_model(request, obj, form, change)
            return
        user: Any = request.user
        made = campaigns.create_campaign(
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
            is_test=obj.is_test,
            by=user,
            at=timezone.now(),
        )
        obj.pk = made.pk
        obj._state.adding = False

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        note_formset(request, form.instance, formset)
        super().save_formset(request, form, formset, change)

    # Acts, and who is offered them

    def has_edit_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm(terms.EDIT)

    def has_pause_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm(campaigns.PAUSE)

    def has_distribute_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("vouchers.add_run")

    def has_cash_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("vouchers.add_cashreceipt")

    def _act(
        self, request: HttpRequest, object_id: Any, service: Any, success: Any, **more: Any
    ) -> HttpResponse:
        campaign = get_object_or_404(Campaign, pk=object_id)
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

    @action(
        description=_("Submit"),
        icon="send",
        variant=ActionVariant.PRIMARY,
        permissions=["edit"],
        dialog=dialog(
            _("Submit for approval"),
            _("The terms are frozen. Somebody who has not edited them decides."),
        ),
    )
    def submit(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self._act(request, object_id, campaigns.submit, _("Submitted for approval."))

    @action(description=_("Review"), icon="gavel", variant=ActionVariant.PRIMARY)
    def review(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return review_terms(self.admin_site, request, get_object_or_404(Campaign, pk=object_id))

    @action(
        description=_("Back to draft"),
        icon="undo",
        permissions=["edit"],
        dialog=dialog(_("Back to draft"), _("It must be submitted and approved again.")),
    )
    def reopen(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self._act(request, object_id, campaigns.reopen, _("The campaign is a draft again."))

    @action(
        description=_("Launch"),
        icon="rocket_launch",
        variant=ActionVariant.SUCCESS,
        permissions=["edit"],
        dialog=dialog(_("Launch"), _("Vouchers can be distributed and redeemed from its start.")),
    )
    def launch(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self._act(request, object_id, campaigns.launch, _("Launched."))

    @action(
        description=_("Pause"),
        icon="pause",
        variant=ActionVariant.WARNING,
        permissions=["pause"],
        dialog=dialog(_("Pause"), _("Nothing is issued or redeemed until it is resumed.")),
    )
    def pause(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self._act(request, object_id, campaigns.pause, _("Paused."))

    @action(
        description=_("Resume"),
        icon="play_arrow",
        variant=ActionVariant.SUCCESS,
        permissions=["edit"],
        dialog=dialog(_("Resume")),
    )
    def resume(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self._act(request, object_id, campaigns.resume, _("Running again."))

    @action(
        description=_("End"),
        icon="stop",
        variant=ActionVariant.DANGER,
        permissions=["edit"],
        dialog=dialog(_("End the campaign"), _("For good: an ended campaign never runs again.")),
    )
    def end(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self._act(request, object_id, campaigns.end, _("Ended."))

    @action(
        description=_("Distribute"),
        icon="local_post_office",
        variant=ActionVariant.PRIMARY,
        permissions=["distribute"],
        dialog=dialog(
            _("Distribute vouchers"),
            _("A worker finds the audience, reserves the money and mints the vouchers."),
            RunForm,
        ),
    )
    def request_run(self, request: HttpRequest, form: RunForm, object_id: str) -> HttpResponse:
        run = act(
            request,
            distribution.request_run,
            _("The distribution waits for a worker."),
            campaign=form.campaign,
            round=form.cleaned_data["round"],
            seed=form.cleaned_data["seed"],
            by=request.user.get_username(),
            at=timezone.now(),
        )
        if run:
            tasks.wake_distribution()
        return go_to("vouchers_campaign_change", object_id)

    @action(
        description=_("Appropriation"),
        icon="account_balance",
        permissions=["edit"],
        dialog=dialog(
            _("What a source appropriates"),
            _("Up: the difference is free at once. Down: only what is free can go."),
            AppropriationForm,
        ),
    )
    def appropriate(
        self, request: HttpRequest, form: AppropriationForm, object_id: str
    ) -> HttpResponse:
        given = form.cleaned_data
        source = form.campaign.sources.filter(code=given["code"]).first()
        if source is None:
            return self._act(
                request,
                object_id,
                terms.add_source,
                _("The source has been added."),
                code=given["code"],
                name=given["name"],
                appropriated_fen=given["target_fen"],
            )
        act(
            request,
            terms.set_appropriation,
            _("The appropriation has been changed."),
            source=source,
            expected_fen=source.appropriated_fen,
            target_fen=given["target_fen"],
            by=request.user,
            at=timezone.now(),
        )
        return go_to("vouchers_campaign_change", object_id)

    @action(
        description=_("Cash received"),
        icon="payments",
        permissions=["cash"],
        dialog=dialog(
            _("Cash received"), _("Payouts never exceed what has really arrived."), CashForm
        ),
    )
    def receive_cash(self, request: HttpRequest, form: CashForm, object_id: str) -> HttpResponse:
        given = form.cleaned_data
        act(
            request,
            ledger.receive_cash,
            _("The receipt has been recorded."),
            source=given["source"],
            amount_fen=given["amount_fen"],
            document_no=given["document_no"],
            request_id=given["request_id"],
            at=timezone.now(),
        )
        return go_to("vouchers_campaign_change", object_id)

    @action(
        description=_("Add stores"),
        icon="add_business",
        permissions=["edit"],
        dialog=dialog(_("Add participating stores"), "", StoresForm),
    )
    def add_stores(self, request: HttpRequest, form: StoresForm, object_id: str) -> HttpResponse:
        given = form.cleaned_data
        stores = Store.objects.filter(merchant__in=given["merchants"], state=State.ACTIVE)
        if given["districts"]:
            stores = stores.filter(district__in=given["districts"])
        return self._act(
            request,
            object_id,
            terms.add_stores,
            _("The stores take part."),
            stores=list(stores),
            category=given["category"],
        )

    @action(description=_("Preview the audience"), icon="groups")
    def preview(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        campaign = get_object_or_404(Campaign, pk=object_id)
        counts = targeting.preview(campaign=campaign, at=timezone.now())
        context = {
            **self.admin_site.each_context(request),
            "title": _("Audience as of now"),
            "opts": self.opts,
            "targeted": counts["targeted"],
            "examined": counts["examined"],
            "groups": preview_groups(counts),
        }
        return TemplateResponse(request, "vouchers/preview.html", context)


def _named(values: list[str], choices: Iterable[tuple[str, Any]]) -> str:
    names = dict(choices)
    return ", ".join(str(names.get(value, value)) for value in values)
