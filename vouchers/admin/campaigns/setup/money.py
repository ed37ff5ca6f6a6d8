"""The rows of money: what each source appropriates, and the tiers with shares and numbers."""

from collections.abc import Mapping
from typing import Any, Final

from django import forms
from django.contrib.admin import AdminSite
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from vouchers.admin.campaigns.setup.fields import made_ready
from vouchers.admin.campaigns.units import UnitFields
from vouchers.admin.fields import YuanField
from vouchers.admin.forms import TermsForm
from vouchers.models import Campaign, Tier
from vouchers.money import yuan
from vouchers.queries.campaigns.terms import shares_of, terms_of
from vouchers.rules.campaigns.budget import budget_of
from vouchers.rules.campaigns.declaration import PARTS, Unit
from vouchers.services.campaigns.setting_up import SourceEdit, TierEdit

SHARE: Final = "share_"
"""Before the code of the source whose share of the face a field holds."""
MOST_COUNT: Final = 10**9


class SourceRow(forms.Form):
    """A source and what it appropriates in all."""

    code = forms.SlugField(
        label=_("Code of the source"), max_length=20, widget=UnfoldAdminTextInputWidget
    )
    name = forms.CharField(label=_("Name"), max_length=120, widget=UnfoldAdminTextInputWidget)
    appropriated_fen = YuanField(label=_("Appropriated in all, yuan"))

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.is_new = not self.initial
        if not self.is_new:
            self.fields["code"].disabled = True
        self.summary = _("another source") if self.is_new else self.initial["name"]


_SourceRows: Any = forms.formset_factory(SourceRow, extra=1)


def source_rows(campaign: Campaign, data: Any, *, prefix: str) -> Any:
    """The sources there are, and one more to type in."""
    rows = campaign.sources.order_by("code").values("code", "name", "appropriated_fen")
    return _SourceRows(data, initial=list(rows), prefix=prefix)


def source_edits(rows: Any) -> list[SourceEdit]:
    """The sources that were changed or added."""
    return [SourceEdit(**form.cleaned_data) for form in rows.forms if form.has_changed()]


class TierRow(TermsForm):
    """A tier, how many vouchers of it there are, and what each source pays of its face. A single
    source pays all of it."""

    count = forms.IntegerField(
        label=_("Number of vouchers"),
        required=False,
        min_value=0,
        max_value=MOST_COUNT,
        help_text=_("Empty: no quota of its own."),
        widget=UnfoldAdminIntegerFieldWidget,
    )

    def __init__(
        self,
        *args: Any,
        sources: Mapping[str, str],
        counts: Mapping[str, int | None],
        shares: Mapping[str, Mapping[str, int]],
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.sources = sources
        self.is_new = self.instance.pk is None
        self.summary = _("another tier") if self.is_new else self.instance.name
        self.initial["count"] = counts.get(self.instance.code)
        if len(sources) > 1:
            for code, name in sources.items():
                label = _("%(source)s pays of the face, yuan") % {"source": name}
                self.fields[SHARE + code] = YuanField(label=label, required=False)
                self.initial[SHARE + code] = shares.get(self.instance.code, {}).get(code)

    def split(self) -> dict[str, int]:
        """What each source pays of the face; nothing where there is no source yet."""
        face_fen: int = self.cleaned_data["face_fen"]
        if len(self.sources) == 1:
            return dict.fromkeys(self.sources, face_fen)
        given = {code: self.cleaned_data.get(SHARE + code) for code in self.sources}
        return {code: fen for code, fen in given.items() if fen}

    def clean(self) -> dict[str, Any]:
        """Shares that add up are asked for here, so that the words stand beside the tier."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        face_fen = cleaned.get("face_fen")
        if face_fen is None or not self.sources:
            return cleaned
        shares_fen = sum(self.split().values())
        if shares_fen != face_fen:
            raise ValidationError(
                _("The shares add up to %(shares)s, the face value is %(face)s."),
                params={"shares": yuan(shares_fen), "face": yuan(face_fen)},
            )
        return cleaned


class TierRows(UnitFields, TabularInline):
    """Tiers as rows, with the columns that the declaration names."""

    model = Tier
    form = TierRow
    extra = 1
    fields = [
        option.name
        for part in PARTS
        if part.name == "tiers"
        for option in part.options
        if option.unit is not Unit.SHARES
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tier]:
        rows: QuerySet[Tier] = super().get_queryset(request)
        return rows.order_by("face_fen", "code")


def tier_rows(
    site: AdminSite, request: HttpRequest, campaign: Campaign, data: Any, *, prefix: str
) -> Any:
    """The tiers there are, and one more to type in."""
    inline = TierRows(Campaign, site)
    formset: Any = inline.get_formset(request, campaign)
    made_ready(formset.form)
    # The admin would refuse to delete a tier for the quota that holds its number; the service takes
    # both away, and refuses where another quota names the tier.
    formset.form.hand_clean_DELETE = lambda _form: None
    return formset(
        data=data,
        instance=campaign,
        prefix=prefix,
        queryset=inline.get_queryset(request),
        form_kwargs={
            "sources": dict(campaign.sources.order_by("code").values_list("code", "name")),
            "counts": {tier.code: tier.count for tier in budget_of(terms_of(campaign)).tiers},
            "shares": shares_of(campaign),
        },
    )


def tier_edits(rows: Any) -> list[TierEdit]:
    """The tiers that were changed, added or taken away."""
    edits = []
    columns = set(TierRows.fields)
    for form in rows.forms:
        if form in rows.deleted_forms:
            if form.instance.pk is not None:
                edits.append(TierEdit(form.instance.pk, None, {}, None))
        elif form.has_changed():
            given = form.cleaned_data
            values = {name: given[name] for name in columns & given.keys()}
            edits.append(TierEdit(form.instance.pk, values, form.split(), given["count"]))
    return edits
