"""Forms and dialogs: places in the datum they were given in, and credentials."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from merchants.admin.base import sentence
from merchants.admin.choices import PickedRow
from merchants.errors import Refused
from merchants.geo import Datum
from merchants.models import DATUM_CHOICES, Credential, Merchant, Store, Terminal
from merchants.services import SCOPES
from merchants.services.places import convert_place

DAY_S = 24 * 60 * 60


class PlaceFields(forms.Form):
    """A place in degrees of a named datum."""

    longitude = forms.FloatField(label=_("Longitude, °"), widget=UnfoldAdminTextInputWidget)
    latitude = forms.FloatField(label=_("Latitude, °"), widget=UnfoldAdminTextInputWidget)
    datum = forms.ChoiceField(
        label=_("Datum"),
        choices=DATUM_CHOICES,
        help_text=_("GCJ-02: Amap, Tencent. BD-09: Baidu. WGS-84: GPS."),
        widget=UnfoldAdminSelectWidget,
    )

    def clean(self) -> dict[str, Any]:
        """Refused here what the services would refuse, beside the fields it is about."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if {"longitude", "latitude", "datum"} <= given.keys():
            try:
                convert_place(given["longitude"], given["latitude"], Datum(given["datum"]))
            except Refused as refused:
                raise ValidationError(sentence(refused.refusal)) from refused
        return given


class StoreOpeningForm(PlaceFields, forms.ModelForm):  # type: ignore[type-arg]
    """A new store and its first place."""

    class Meta:
        model = Store
        fields = ["external_id", "name", "brand", "merchant", "category", "district"]


class PlaceForm(PlaceFields, BaseDialogForm):
    """Where a store has moved to."""


class TerminalForm(BaseDialogForm):
    """A till's number."""

    code = forms.CharField(
        label=_("Terminal no."), max_length=40, widget=UnfoldAdminTextInputWidget
    )


class EnrolmentForm(TerminalForm):
    """Which till is enrolled, and what its key may do."""

    scopes = forms.MultipleChoiceField(
        label=_("Scopes"),
        choices=[(scope, scope) for scope in sorted(SCOPES)],
        initial=["quote", "redeem", "refund"],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    valid_days = forms.IntegerField(
        label=_("Good for, days"),
        min_value=1,
        max_value=90,
        initial=7,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    is_test = forms.BooleanField(label=_("For test campaigns only"), required=False)


class CredentialForm(BaseDialogForm):
    """A new caller of the API."""

    name = forms.CharField(label=_("Name"), max_length=80, widget=UnfoldAdminTextInputWidget)
    kind = forms.ChoiceField(
        label=_("Kind"), choices=Credential.Kind.choices, widget=UnfoldAdminSelectWidget
    )
    scopes = forms.MultipleChoiceField(
        label=_("Scopes"),
        choices=[(scope, scope) for scope in sorted(SCOPES)],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    merchant = PickedRow(
        label=_("Merchant"),
        queryset=Merchant.objects.filter(state="active"),
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    terminal_no = forms.CharField(
        label=_("Terminal, as store no./terminal no."),
        required=False,
        widget=UnfoldAdminTextInputWidget,
    )
    channel_code = forms.CharField(
        label=_("Channel"), max_length=20, required=False, widget=UnfoldAdminTextInputWidget
    )
    is_test = forms.BooleanField(label=_("For test campaigns only"), required=False)

    def clean_terminal_no(self) -> Terminal | None:
        """The terminal that was meant."""
        typed = self.cleaned_data["terminal_no"].strip()
        if not typed:
            return None
        store_no, _slash, code = typed.rpartition("/")
        numbered = Terminal.objects.select_related("store__merchant").filter(
            store__external_id__iexact=store_no, code=code
        )
        merchant = self.cleaned_data.get("merchant")
        if merchant is not None:
            numbered = numbered.filter(store__merchant=merchant)
        found = list(numbered[:2])
        if not found:
            raise ValidationError(_("There is no such terminal."))
        if len(found) > 1:
            raise ValidationError(_("Several merchants have such a store; choose the merchant."))
        return found[0]


class RotationForm(BaseDialogForm):
    """How long the old key stays valid beside the new one."""

    overlap_days = forms.IntegerField(
        label=_("The old key stays valid for, days"),
        min_value=0,
        max_value=90,
        initial=7,
        widget=UnfoldAdminIntegerFieldWidget,
    )
