"""The campaign's page: terms, balances and audience."""

from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.db.models import QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from merchants.admin.labels import labelled, test_label
from vouchers.admin.campaigns.acts import CampaignActs
from vouchers.admin.campaigns.drafts import DraftAdmin, is_draft, row_edits
from vouchers.admin.campaigns.inlines import (
    CellInline,
    GeofenceInline,
    LimitInline,
    RingInline,
    RoundInline,
    SourceCellInline,
    SourceInline,
    StoreInline,
    TierInline,
)
from vouchers.admin.campaigns.options import fieldsets, form_field
from vouchers.admin.campaigns.overview import campaign_overview
from vouchers.admin.campaigns.terms import campaign_table
from vouchers.admin.faults import FIELDS_OF_RULES
from vouchers.admin.forms import CampaignForm
from vouchers.admin.history.page import RecordedHistory
from vouchers.admin.words import instant
from vouchers.http.stops import campaign_state
from vouchers.models import Campaign
from vouchers.money import yuan
from vouchers.queries.campaigns.terms import document_of
from vouchers.rules.campaigns.declaration import OPTIONS, Until, names
from vouchers.services.campaigns import drafts, lifecycle
from vouchers.services.roles import area_of
from vouchers.states import CampaignState

GIVEN_ONCE = names(until=Until.CREATED)

STATE_COLOURS = {
    CampaignState.SUBMITTED.value: "info",
    CampaignState.APPROVED.value: "primary",
    CampaignState.SCHEDULED.value: "primary",
    CampaignState.RUNNING.value: "success",
    CampaignState.PAUSED.value: "warning",
}


@admin.register(Campaign)
class CampaignAdmin(RecordedHistory, CampaignActs, DraftAdmin):
    """Campaigns."""

    form = CampaignForm
    nothing_yet = _("No campaign yet. Begin with a preset: it fills in the rest.")
    list_display = ["name", "code", "state_label", "starts", "ends", "budget", test_label]
    list_filter = ["state", "is_test"]
    search_fields = ["code", "name", "organiser", "operator"]
    readonly_fields = ["terms_in_words"]
    refusal_fields = FIELDS_OF_RULES
    inlines = [
        SourceInline,
        TierInline,
        StoreInline,
        RingInline,
        LimitInline,
        CellInline,
        SourceCellInline,
        RoundInline,
        GeofenceInline,
    ]
    change_form_outer_before_template = "vouchers/campaign_overview.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Campaign]:
        rows: QuerySet[Campaign] = super().get_queryset(request)
        return rows.annotate(budget_fen=Sum("sources__appropriated_fen"))

    @labelled(_("state"), STATE_COLOURS, ordering="state")
    def state_label(self, campaign: Campaign) -> tuple[str, str]:
        return campaign.state, campaign_state(campaign)

    @display(description=_("starts at"), ordering="starts_at")
    def starts(self, campaign: Campaign) -> str:
        return instant(campaign.starts_at, ZoneInfo(campaign.zone))

    @display(description=_("ends at"), ordering="ends_at")
    def ends(self, campaign: Campaign) -> str:
        return instant(campaign.ends_at, ZoneInfo(campaign.zone))

    @display(description=_("appropriated"), ordering="budget_fen")
    def budget(self, campaign: Any) -> str:
        return yuan(campaign.budget_fen or 0)

    def has_change_permission(self, request: HttpRequest, obj: Campaign | None = None) -> bool:
        """After the draft the fields are read-only; the acts stay."""
        editable = obj is None or is_draft(obj)
        return editable and bool(super().has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Campaign | None = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Campaign | None = None) -> Any:
        """What is given once, and the whole of it out of the draft."""
        return [*self.readonly_fields, *(GIVEN_ONCE if obj else ())]

    def get_fieldsets(self, request: HttpRequest, obj: Campaign | None = None) -> Any:
        """Fields of a draft to type in; later its terms to look at."""
        if obj is None or self.has_change_permission(request, obj):
            return fieldsets("seen_edit")
        return [(None, {"fields": ["terms_in_words"]})]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """The field of the option's unit."""
        option = OPTIONS.get(db_field.name)
        made = form_field(option, db_field) if option else None
        return made or super().formfield_for_dbfield(db_field, request, **options)

    @display(description=_("terms"))
    def terms_in_words(self, campaign: Campaign) -> str:
        """As on the page where they are decided on, but as they stand."""
        table = campaign_table(document_of(campaign)["campaign"])
        return render_to_string("vouchers/table.html", {"table": table})

    def get_inlines(self, request: HttpRequest, obj: Campaign | None = None) -> Any:
        return self.inlines if obj else []

    def render_change_form(
        self, request: HttpRequest, context: Any, *arguments: Any, obj: Any = None, **options: Any
    ) -> HttpResponse:
        """The page, with the overview on top."""
        if obj and request.method == "GET":
            user: Any = request.user
            area = area_of(user, "vouchers.view_campaign", at=timezone.now())
            context["overview"] = campaign_overview(obj, area=area, at=timezone.now())
        return super().render_change_form(request, context, *arguments, obj=obj, **options)

    def save_model(self, request: HttpRequest, obj: Campaign, form: Any, change: bool) -> None:
        """A new draft; changes are saved together with the parts."""
        if change:
            return
        user: Any = request.user
        made = lifecycle.create_campaign(**form.options(), by=user, at=timezone.now())
        obj.pk = made.pk
        obj._state.adding = False

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The draft's options and all of its parts in one edit."""
        parts: dict[str, list[drafts.RowEdit]] = {}
        for formset in formsets:
            if edits := row_edits(formset):
                # Two tables of one part have prefixes of their own.
                parts.setdefault(formset.get_default_prefix(), []).extend(edits)
        options = form.options() if change else {}
        if not options and not parts:
            return
        user: Any = request.user
        drafts.edit_campaign(
            campaign=form.instance,
            seen_edit=form.cleaned_data["seen_edit"] or 0,
            options=options,
            parts=parts,
            by=user,
            at=timezone.now(),
        )
