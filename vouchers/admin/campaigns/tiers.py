"""A tier's page: the tier and what each source pays of its face."""

from typing import Any

from django import forms
from django.contrib import admin
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline

from vouchers.admin.campaigns.drafts import DraftAdmin, is_draft, row_edits
from vouchers.admin.campaigns.units import UnitFields
from vouchers.admin.faults import FIELDS_OF_RULES
from vouchers.admin.filters import CAMPAIGN
from vouchers.admin.forms import TermsForm, TierForm
from vouchers.admin.history.page import RecordedHistory
from vouchers.models import Campaign, FundingSource, Tier, TierSplit
from vouchers.money import yuan
from vouchers.services.campaigns import drafts, terms
from vouchers.states import CampaignState, ThresholdBasis, TierKind


class ShareFormSet(BaseInlineFormSet):  # type: ignore[type-arg]
    """Shares that add up to the face."""

    def clean(self) -> None:
        """Checked here for a form error; the database checks it again at the commit."""
        super().clean()
        if any(self.errors):
            return
        rows = share_rows(self)
        if any(row["source"].campaign_id != self.instance.campaign_id for row in rows):
            raise forms.ValidationError(_("A share must be of a source of the same campaign."))
        shares_fen = sum(row["amount_fen"] for row in rows)
        if shares_fen != self.instance.face_fen:
            raise forms.ValidationError(
                _("The shares add up to %(shares)s, the face value is %(face)s."),
                params={"shares": yuan(shares_fen), "face": yuan(self.instance.face_fen or 0)},
            )


def share_rows(formset: Any) -> list[dict[str, Any]]:
    """The shares that are to stand."""
    deleted = formset.deleted_forms
    return [
        form.cleaned_data for form in formset.forms if form.cleaned_data and form not in deleted
    ]


def _is_open(tier: Tier | None) -> bool:
    """Whether a tier is new or of a draft."""
    return tier is None or is_draft(tier.campaign)


class ShareInline(UnitFields, TabularInline):
    """What each source pays of the face."""

    model = TierSplit
    form = TermsForm
    formset = ShareFormSet
    fields = ["source", "amount_fen"]
    extra = 1
    hide_title = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_open(obj) and super().has_add_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_open(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_open(obj) and super().has_delete_permission(request, obj)

    def get_formset(self, request: HttpRequest, obj: Any = None, **options: Any) -> Any:
        """Sources of the tier's campaign; of the one named in the address for a new tier."""
        formset = super().get_formset(request, obj, **options)
        named = str(request.GET.get("campaign", ""))
        campaign_id = obj.campaign_id if obj else int(named) if named.isdecimal() else None
        if campaign_id is not None:
            sources = FundingSource.objects.filter(campaign_id=campaign_id)
            formset.form.base_fields["source"].queryset = sources
        return formset


@admin.register(Tier)
class TierAdmin(RecordedHistory, UnitFields, DraftAdmin):
    """A tier with its shares; reached from the campaign's page."""

    form = TierForm
    refusal_fields = FIELDS_OF_RULES

    nothing_yet = _("No tier yet. Tiers are set up on a campaign's page.")
    list_display = [
        "name",
        "campaign",
        "code",
        "kind",
        "face",
        "threshold",
        "percent",
        "per_resident",
    ]
    list_filter = [CAMPAIGN]
    autocomplete_fields = ["campaign"]
    list_select_related = ["campaign"]
    fields = [
        "campaign",
        "code",
        "name",
        "kind",
        "face_fen",
        "threshold_fen",
        "threshold_basis",
        "percent_bp",
        "per_resident",
        "seen_edit",
    ]
    inlines = [ShareInline]

    def has_change_permission(self, request: HttpRequest, obj: Tier | None = None) -> bool:
        return _is_open(obj) and bool(super().has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Tier | None = None) -> bool:
        return _is_open(obj) and bool(super().has_delete_permission(request, obj))

    def get_readonly_fields(self, request: HttpRequest, obj: Tier | None = None) -> Any:
        return [*super().get_readonly_fields(request, obj), *(["campaign"] if obj else [])]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """A new tier belongs to a draft."""
        if db_field.name == "campaign":
            options["queryset"] = Campaign.objects.filter(state=CampaignState.DRAFT.value)
        return super().formfield_for_foreignkey(db_field, request, **options)

    def save_model(self, request: HttpRequest, obj: Tier, form: Any, change: bool) -> None:
        """A tier is saved together with its shares."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The tier and what each source pays of its face, in one edit."""
        (shares,) = formsets
        row_edits(shares)
        split = {row["source"].code: row["amount_fen"] for row in share_rows(shares)}
        user: Any = request.user
        given = {name: form.cleaned_data[name] for name in form.cleaned_data if name != "seen_edit"}
        if change:
            drafts.edit_tier(
                tier=form.instance,
                seen_edit=form.cleaned_data["seen_edit"] or 0,
                values=given,
                split=split,
                by=user,
                at=timezone.now(),
            )
            return
        given["kind"] = TierKind(given["kind"])
        given["threshold_basis"] = ThresholdBasis(given["threshold_basis"])
        made = terms.add_tier(**given, split=split, by=user, at=timezone.now())
        form.instance.pk = made.pk
        form.instance._state.adding = False

    def delete_model(self, request: HttpRequest, obj: Tier) -> None:
        user: Any = request.user
        drafts.delete_tier(tier=obj, by=user, at=timezone.now())
