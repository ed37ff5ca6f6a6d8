"""Inlines of a campaign's page: edited in a draft, read-only afterwards."""

from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import display

from merchants.admin.base import ReadOnlyInline
from vouchers.admin.base import money
from vouchers.admin.campaigns.drafts import is_draft
from vouchers.admin.campaigns.units import UnitFields
from vouchers.admin.forms import TermsForm
from vouchers.models import (
    CampaignStore,
    FundingSource,
    Geofence,
    LimitRule,
    QuotaCell,
    Ring,
    Round,
    Tier,
)
from vouchers.money import yuan

HELP = {
    "bucket_count": _("1 to 64; more for a quota from which many take at the same moment."),
    "geometry": _("Of a street: left empty, its boundary on file is taken over."),
}


class PartInline(UnitFields, TabularInline):
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


class TierInline(UnitFields, ReadOnlyInline):
    """Kinds of vouchers; each has a page of its own for its shares."""

    model = Tier
    fields = ["code", "name", "kind", "face", "threshold", "percent", "per_resident", "shares"]
    readonly_fields = fields
    show_change_link = True

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
    fields = ["number", "opens_at", "closes_at", "way"]


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

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(ONLY_SOURCE)


class GeofenceInline(PartInline):
    """Areas beside the stores' circles."""

    model = Geofence
    fields = ["kind", "district", "street", "geometry"]
    autocomplete_fields = ["street"]


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
