"""Dialogs about the money of a campaign. The figures a dialog showed come back with it."""

import secrets
from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from merchants.admin.choices import PickedRow
from merchants.models import Merchant
from vouchers.admin.fields import OUTDATED, SeenField, YuanField
from vouchers.admin.forms import DialogForm
from vouchers.models import Campaign, Collection, FundingSource, QuotaCell
from vouchers.money import yuan
from vouchers.queries.ledger.balances import balances
from vouchers.queries.ledger.recoverables import owed_rows
from vouchers.states import AccountKind


def _appropriated_fen(campaign: Campaign) -> dict[str, int]:
    return dict(campaign.sources.values_list("code", "appropriated_fen"))


def _free_fen(campaign: Campaign) -> dict[str, int]:
    found = balances(campaign.pk)
    codes = campaign.sources.values_list("code", flat=True)
    return {code: found[code][AccountKind.FREE] for code in codes}


class AppropriationForm(DialogForm):
    """A funding source and the figure it appropriates."""

    code = forms.SlugField(
        label=_("Code of the source"), max_length=20, widget=UnfoldAdminTextInputWidget
    )
    name = forms.CharField(
        label=_("Name"),
        max_length=120,
        required=False,
        help_text=_("Only for a source that is new."),
        widget=UnfoldAdminTextInputWidget,
    )
    target_fen = YuanField(label=_("Appropriated in all, yuan"))
    seen = SeenField()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        figures = _appropriated_fen(self.campaign)
        self.fields["seen"].initial = figures
        self.fields["code"].help_text = ", ".join(
            f"{code}: {yuan(fen)}" for code, fen in sorted(figures.items())
        )

    def clean(self) -> dict[str, Any]:
        """A new source needs a name."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        known = self.campaign.sources.filter(code=cleaned.get("code")).exists()
        if not known and not cleaned.get("name"):
            self.add_error("name", _("A new source needs a name."))
        return cleaned


class ProposalForm(DialogForm):
    """Every proposal has a reason and a request number."""

    why = forms.CharField(
        label=_("Why"),
        max_length=500,
        help_text=_("The person who decides reads this."),
        widget=UnfoldAdminTextInputWidget,
    )
    request_id = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["request_id"].initial = secrets.token_hex(16)


class SourceProposalForm(ProposalForm):
    """About one of the campaign's own sources, each with the figure that is in question, which is
    sent back as it was seen."""

    figures_of: Callable[[Campaign], dict[str, int]]
    """The figure of each source now, in fen, by its code."""
    source = forms.ModelChoiceField(
        label=_("Funding source"),
        queryset=FundingSource.objects.none(),
        widget=UnfoldAdminSelectWidget,
    )
    seen = SeenField()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        figures = self.figures_of(self.campaign)
        field = self.fields["source"]
        field.queryset = self.campaign.sources.all()
        field.label_from_instance = lambda source: f"{source}: {yuan(figures[source.code])}"
        self.fields["seen"].initial = figures

    def clean(self) -> dict[str, Any]:
        """Which figure was seen of the source that was chosen, as `seen_fen`."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        source = cleaned.get("source")
        if source is not None and "seen" in cleaned:
            if source.code not in cleaned["seen"]:
                raise ValidationError(OUTDATED)
            cleaned["seen_fen"] = cleaned["seen"][source.code]
        return cleaned


class AppropriationProposalForm(SourceProposalForm):
    """Top up, or cut what is free."""

    figures_of = staticmethod(_appropriated_fen)
    target_fen = YuanField(label=_("Appropriated in all, yuan"))
    field_order = ["source", "target_fen", "why"]


class RepaymentProposalForm(SourceProposalForm):
    """Left-over to the treasury."""

    figures_of = staticmethod(_free_fen)
    amount_fen = YuanField(label=_("To repay, yuan"))
    document_no = forms.CharField(
        label=_("Document no."), max_length=60, widget=UnfoldAdminTextInputWidget
    )
    field_order = ["source", "amount_fen", "document_no", "why"]


class PickedCell(PickedRow):
    """A quota cell of the campaign."""

    typed_by = "pk"
    typed_help = _(
        "More than can be listed: type the quota's number, as the auditor's pack has it."
    )


class RoomProposalForm(ProposalForm):
    """Room moved from one quota cell to another, or a cell made larger with free money."""

    origin = PickedCell(
        label=_("Taken from"),
        queryset=QuotaCell.objects.none(),
        required=False,
        help_text=_("None chosen: the other quota is made larger, from free money."),
        widget=UnfoldAdminSelectWidget,
    )
    target = PickedCell(
        label=_("Given to"), queryset=QuotaCell.objects.none(), widget=UnfoldAdminSelectWidget
    )
    fen = YuanField(label=_("Money, yuan"), required=False)
    count = forms.IntegerField(
        label=_("Vouchers"), min_value=1, required=False, widget=UnfoldAdminIntegerFieldWidget
    )
    seen = SeenField(is_cap=True)
    field_order = ["origin", "target", "fen", "count", "why"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        cells = self.campaign.cells.select_related(
            "tier", "round", "district", "store__merchant", "source"
        )
        for name in ("origin", "target"):
            self.fields[name].queryset = cells.order_by("id")
            self.fields[name].label_from_instance = _with_caps
            self.fields[name].become_short()
        caps = self.campaign.cells.order_by("id").values_list("id", "cap_fen", "cap_count")
        self.fields["seen"].initial = {pk: [fen, count] for pk, fen, count in caps}

    def clean(self) -> dict[str, Any]:
        """Something has to be moved, and to somewhere else."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not cleaned.get("fen") and not cleaned.get("count"):
            raise ValidationError(_("Say how much money or how many vouchers."))
        if cleaned.get("origin") == cleaned.get("target"):
            raise ValidationError(_("Choose two different quotas."))
        chosen = [cleaned[name] for name in ("origin", "target") if cleaned.get(name)]
        if any(str(cell.pk) not in cleaned.get("seen", {}) for cell in chosen):
            raise ValidationError(OUTDATED)
        return cleaned

    def changes(self) -> list[dict[str, Any]]:
        """The caps as the dialog showed them and as they are to be, cell by cell."""
        given = self.cleaned_data
        fen, count = given["fen"] or 0, given["count"] or 0
        changes = []
        for cell, sign in ((given["origin"], -1), (given["target"], 1)):
            if cell is not None:
                cap_fen, cap_count = given["seen"][str(cell.pk)]
                target = {
                    "fen": _moved(cap_fen, sign * fen),
                    "count": _moved(cap_count, sign * count),
                }
                expected = {"fen": cap_fen, "count": cap_count}
                changes.append({"cell": cell.pk, "expected": expected, "target": target})
        return changes


def _with_caps(cell: QuotaCell) -> str:
    caps = [
        *([] if cell.cap_fen is None else [yuan(cell.cap_fen)]),
        *([] if cell.cap_count is None else [f"{cell.cap_count:,}"]),
    ]
    return f"{cell}: {' / '.join(caps) or _('unlimited')}"


def _moved(cap: int | None, step: int) -> int | None:
    return None if cap is None else cap + step


class CollectionForm(DialogForm):
    """Money that a merchant has paid back, for one of its debts."""

    debt = forms.TypedChoiceField(
        label=_("Owed"),
        coerce=lambda value: tuple(map(int, value.split("-"))),
        help_text=_(
            "For refunds that came after the payout; a later payout keeps none of it back."
        ),
        widget=UnfoldAdminSelectWidget,
    )
    amount_fen = YuanField(label=_("Paid back, yuan"))
    document_no = forms.CharField(
        label=_("Document no."), max_length=60, widget=UnfoldAdminTextInputWidget
    )
    request_id = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["request_id"].initial = secrets.token_hex(16)
        owed_fen = {
            (row.merchant_id, row.source_id): row.fen for row in owed_rows(self.campaign.pk)
        }
        # With what has been paid back in full, so that the same form may be sent twice.
        cleared = Collection.objects.filter(campaign=self.campaign)
        debts = dict.fromkeys(cleared.values_list("merchant_id", "source_id"), 0) | owed_fen
        merchants = Merchant.objects.in_bulk([merchant_id for merchant_id, _source_id in debts])
        sources = self.campaign.sources.in_bulk()
        self.fields["debt"].choices = [
            (f"{merchant}-{source}", f"{merchants[merchant]} → {sources[source]}: {yuan(fen)}")
            for (merchant, source), fen in debts.items()
        ]


class ClosingForm(DialogForm):
    """The document that ends a campaign's books."""

    document_no = forms.CharField(
        label=_("Document no."), max_length=60, widget=UnfoldAdminTextInputWidget
    )
