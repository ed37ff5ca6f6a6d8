"""Dialogs about the money of a launched campaign. Each carries the number of its request."""

import secrets
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextInputWidget,
)

from merchants.admin.choices import PickedRow, PickedRows
from merchants.models import Merchant
from vouchers.admin.fields import DurationField, YuanField
from vouchers.admin.forms import DialogForm
from vouchers.models import Collection, FundingSource, QuotaCell
from vouchers.money import yuan
from vouchers.queries.ledger.recoverables import owed_rows
from vouchers.rules.campaigns.declaration import MOST_VALIDITY_S


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
        if "source" in self.fields:
            self.fields["source"].queryset = self.campaign.sources.all()


def source_field() -> forms.ModelChoiceField:  # type: ignore[type-arg]
    """One of the campaign's own sources."""
    return forms.ModelChoiceField(
        label=_("Funding source"),
        queryset=FundingSource.objects.none(),
        widget=UnfoldAdminSelectWidget,
    )


class AppropriationProposalForm(ProposalForm):
    """Top up, or cut what is free."""

    source = source_field()
    target_fen = YuanField(label=_("Appropriated in all, yuan"))
    field_order = ["source", "target_fen", "why"]


class RepaymentProposalForm(ProposalForm):
    """Left-over to the treasury."""

    source = source_field()
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
    field_order = ["origin", "target", "fen", "count", "why"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        cells = self.campaign.cells.select_related(
            "tier", "round", "district", "store__merchant", "source"
        )
        for name in ("origin", "target"):
            self.fields[name].queryset = cells.order_by("id")
            self.fields[name].become_short()

    def clean(self) -> dict[str, Any]:
        """Something has to be moved, and to somewhere else."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not cleaned.get("fen") and not cleaned.get("count"):
            raise ValidationError(_("Say how much money or how many vouchers."))
        if cleaned.get("origin") == cleaned.get("target"):
            raise ValidationError(_("Choose two different quotas."))
        return cleaned

    def changes(self) -> list[dict[str, Any]]:
        """The caps as they are seen now and as they are to be, cell by cell."""
        given = self.cleaned_data
        fen, count = given["fen"] or 0, given["count"] or 0
        signed = [(given["origin"], -1), (given["target"], 1)]
        return [
            {
                "cell": cell.pk,
                "expected": {"fen": cell.cap_fen, "count": cell.cap_count},
                "target": {
                    "fen": None if cell.cap_fen is None else cell.cap_fen + sign * fen,
                    "count": None if cell.cap_count is None else cell.cap_count + sign * count,
                },
            }
            for cell, sign in signed
            if cell is not None
        ]


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


class AmendmentForm(DialogForm):
    """Only widening: a later end, a longer validity, more stores."""

    ends_on = forms.DateField(
        label=_("New end, midnight after"),
        required=False,
        widget=UnfoldAdminSingleDateWidget,
    )
    validity_s = DurationField(
        label=_("A voucher is valid for"), required=False, least_s=1, most_s=MOST_VALIDITY_S
    )
    merchants = PickedRows(
        label=_("Also all active stores of"),
        queryset=Merchant.objects.filter(state="active"),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )


class ClosingForm(DialogForm):
    """The document that ends a campaign's books."""

    document_no = forms.CharField(
        label=_("Document no."), max_length=60, widget=UnfoldAdminTextInputWidget
    )
