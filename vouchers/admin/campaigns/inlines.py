"""Inlines of a campaign's page: edited in a draft, read-only afterwards."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import BigIntegerField, Q, QuerySet
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import display

from vouchers.admin.base import ReadOnlyInline, money
from vouchers.admin.campaigns.drafts import DraftAdmin, is_draft, row_edits
from vouchers.admin.faults import FIELDS_OF_RULES
from vouchers.admin.fields import YuanField
from vouchers.admin.forms import TermsForm, TierForm
from vouchers.models import (
    Campaign,
    CampaignStore,
    FundingSource,
    Geofence,
    LimitRule,
    QuotaCell,
    Ring,
    Round,
    Tier,
    TierSplit,
)
from vouchers.money import yuan
from vouchers.services.campaigns import drafts, terms
from vouchers.states import CampaignState, ThresholdBasis, TierKind

YUAN_LABELS = {
    "face_fen": _("Face value, yuan"),
    "threshold_fen": _("Threshold, yuan"),
    "amount_fen": _("Share of the face, yuan"),
    "limit_fen": _("Most subsidy, yuan"),
    "cap_fen": _("Cap, yuan"),
}


HELP = {
    "bucket_count": _("1 to 64; more for a quota from which many take at the same moment."),
}


class YuanFields:
    """Amounts are typed in yuan."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        if isinstance(db_field, BigIntegerField) and db_field.name in YUAN_LABELS:
            return YuanField(label=YUAN_LABELS[db_field.name], required=not db_field.blank)
        return super().formfield_for_dbfield(db_field, request, **options)  # type: ignore[misc]


class PartInline(YuanFields, TabularInline):
    """A part that is added, changed and deleted as long as the campaign is a draft."""

    form = TermsForm
    extra = 0
    tab = True
    hide_title = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_draft(obj) and super().has_add_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_draft(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_draft(obj) and super().has_delete_permission(request, obj)

    def get_formset(self, request: HttpRequest, obj: Any = None, **options: Any) -> Any:
        """Choices among the campaign's own tiers, rounds and sources only."""
        options["help_texts"] = HELP
        formset = super().get_formset(request, obj, **options)
        for name in ("tier", "round", "source"):
            field = formset.form.base_fields.get(name)
            if isinstance(field, forms.ModelChoiceField) and field.queryset is not None:
                field.queryset = field.queryset.filter(campaign=obj)
        return formset


class SourceInline(ReadOnlyInline):
    """Who pays; the figure is set by its own act."""

    model = FundingSource
    fields = ["code", "name", "appropriated"]
    readonly_fields = fields
    appropriated = money("appropriated_fen", _("appropriated"))


class TierInline(ReadOnlyInline):
    """Kinds of vouchers; each has a page of its own for its shares."""

    model = Tier
    fields = ["code", "name", "kind", "face", "threshold", "per_resident", "shares"]
    readonly_fields = fields
    show_change_link = True
    face = money("face_fen", _("face value"))
    threshold = money("threshold_fen", _("threshold"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("splits__source")

    @display(description=_("shares of the face"))
    def shares(self, tier: Tier) -> str:
        return " + ".join(
            f"{share.source.name} {yuan(share.amount_fen)}" for share in tier.splits.all()
        )


class RingInline(PartInline):
    """Distance rings."""

    model = Ring
    fields = ["label", "from_m", "to_m"]


class LimitInline(PartInline):
    """Exact limits."""

    model = LimitRule
    fields = ["kind", "limit_count", "limit_fen"]


class RoundInline(PartInline):
    """Rounds."""

    model = Round
    fields = ["number", "opens_at", "closes_at"]


ONLY_SOURCE = Q(
    source__isnull=False,
    **{
        f"{name}__isnull": True for name in ("tier", "round", "district", "store", "channel", "day")
    },
)
"""Quota cells that repeat what a source appropriates."""


class CellInline(PartInline):
    """Quota cells that a manager has made."""

    model = QuotaCell
    fields = [
        "tier",
        "round",
        "district",
        "source",
        "channel",
        "day",
        "cap_fen",
        "cap_count",
        "bucket_count",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).exclude(ONLY_SOURCE)


class SourceCellInline(PartInline):
    """Quota cells of the sources, whose caps are what they appropriate."""

    model = QuotaCell
    verbose_name_plural = _("quota cells of the sources")
    fields = ["source", "cap", "bucket_count"]
    readonly_fields = ["source", "cap"]
    cap = money("cap_fen", _("appropriated"))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(ONLY_SOURCE)


class GeofenceInline(PartInline):
    """Areas beside the stores' circles."""

    model = Geofence
    fields = ["kind", "district", "geometry"]


class StoreInline(PartInline):
    """Participating stores."""

    model = CampaignStore
    fields = ["store", "category", "radius_m", "valid_from_at", "valid_until_at"]
    autocomplete_fields = ["store"]
    per_page = 20

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return rows.select_related("store__merchant").order_by(
            "store__merchant__code", "store__external_id"
        )


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


class ShareInline(YuanFields, TabularInline):
    """What each source pays of the face."""

    model = TierSplit
    form = TermsForm
    formset = ShareFormSet
    fields = ["source", "amount_fen"]
    extra = 1
    hide_title = True

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
class TierAdmin(YuanFields, DraftAdmin):
    """A tier with its shares; reached from the campaign's page."""

    form = TierForm
    refusal_fields = FIELDS_OF_RULES

    list_display = ["name", "campaign", "code", "kind", "face", "threshold", "per_resident"]
    list_filter = ["campaign"]
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
    actions = None
    face = money("face_fen", _("face value"))
    threshold = money("threshold_fen", _("threshold"))

    def has_change_permission(self, request: HttpRequest, obj: Tier | None = None) -> bool:
        editable = obj is None or is_draft(obj.campaign)
        return editable and bool(super().has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: Tier | None = None) -> bool:
        editable = obj is None or is_draft(obj.campaign)
        return editable and bool(super().has_delete_permission(request, obj))

    def get_readonly_fields(self, request: HttpRequest, obj: Tier | None = None) -> Any:
        return ["campaign"] if obj else []

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
