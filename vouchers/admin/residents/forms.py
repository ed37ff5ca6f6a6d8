"""What the acts on a resident's page ask for."""

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from merchants.admin.choices import PickedRow
from vouchers.admin.buttons import ReasonForm
from vouchers.models import Campaign, Consent, Link, Resident
from vouchers.services.roles import visible


class DocumentForm(BaseDialogForm):
    """The document that proves it."""

    document_no = forms.CharField(
        label=_("Document no."), max_length=60, widget=UnfoldAdminTextInputWidget
    )


class ResidentNumberField(forms.CharField):
    """A resident, by number."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=64, widget=UnfoldAdminTextInputWidget, **options)


def named(form: BaseDialogForm, field: str) -> Resident:
    """The resident whose number was typed; an error when the person sees none of it."""
    user: Any = form.request.user
    numbered = Resident.objects.filter(external_id=form.cleaned_data[field])
    found = visible(user, numbered, at=timezone.now()).first()
    if found is None:
        raise forms.ValidationError(_("There is no resident of this number."))
    return found


class ExcludeForm(ReasonForm):
    """The campaign to be kept out of, and why."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        user: Any = self.request.user
        self.fields["campaign"].queryset = visible(user, Campaign.objects.all(), at=timezone.now())

    campaign = PickedRow(
        label=_("Campaign"),
        queryset=Campaign.objects.all(),
        required=False,
        empty_label=_("every campaign"),
        widget=UnfoldAdminSelectWidget,
    )


class MergeForm(ReasonForm):
    """The resident counted as the same person, and the reason."""

    kept = ResidentNumberField(label=_("Counted as the resident no."))

    def clean_kept(self) -> Resident:
        """The resident of that number."""
        return named(self, "kept")


class ProxyForm(BaseDialogForm):
    """Who shows the vouchers, and how they are related."""

    proxy = ResidentNumberField(label=_("Proxy, resident no."))
    relation = forms.CharField(
        label=_("relation"), max_length=40, required=False, widget=UnfoldAdminTextInputWidget
    )

    def clean_proxy(self) -> Resident:
        """The resident of that number."""
        return named(self, "proxy")


class ConsentForm(BaseDialogForm):
    """The text that was agreed to, and its purpose."""

    purpose = forms.ChoiceField(
        label=_("purpose"), choices=Consent.Purpose.choices, widget=UnfoldAdminSelectWidget
    )
    text_version = forms.CharField(
        label=_("text version"), max_length=20, widget=UnfoldAdminTextInputWidget
    )


class WithdrawForm(BaseDialogForm):
    """The purpose of the consent that ends."""

    purpose = forms.ChoiceField(
        label=_("purpose"), choices=Consent.Purpose.choices, widget=UnfoldAdminSelectWidget
    )


class LinkForm(BaseDialogForm):
    """The device, phone, card or account that the resident was seen with."""

    kind = forms.ChoiceField(
        label=_("kind"), choices=Link.Kind.choices, widget=UnfoldAdminSelectWidget
    )
    value = forms.CharField(
        label=_("Number or id"), max_length=80, widget=UnfoldAdminTextInputWidget
    )

    def clean_kind(self) -> Link.Kind:
        """The kind as the services know it."""
        return Link.Kind(self.cleaned_data["kind"])
