"""Fields and dialogs of the admin: money is typed in yuan, validity in days."""

import secrets
from decimal import Decimal
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import ValidationError
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from merchants.models import District, Merchant
from vouchers.models import Campaign, FundingSource, ResidentPoint, Round
from vouchers.rules.audience.filters import AudienceFilter, InvalidFilterError
from vouchers.rules.campaigns.terms import AUTHORISE_TTL_S, is_address

DAY_S = 24 * 60 * 60
ORDER_KINDS = [("in_store", _("in the store")), ("delivered", _("delivered"))]


class YuanField(forms.DecimalField):
    """Typed and shown in yuan, an integer number of fen inside."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("widget", UnfoldAdminDecimalFieldWidget)
        super().__init__(max_digits=15, decimal_places=2, min_value=Decimal(0), **options)

    def clean(self, value: Any) -> int | None:
        """Fen, or None when it is left empty."""
        yuan = super().clean(value)
        return None if yuan is None else int(yuan * 100)

    def prepare_value(self, value: Any) -> Any:
        """Fen as yuan; what was typed stays as typed."""
        return f"{Decimal(value) / 100:.2f}" if isinstance(value, int) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compares what is shown, so that an untouched figure is no change."""
        return super().has_changed(
            Decimal(initial) / 100 if isinstance(initial, int) else initial, data
        )


class CampaignForm(forms.ModelForm):  # type: ignore[type-arg]
    """A draft's own fields; its parts stand below it."""

    validity_days = forms.DecimalField(
        label=_("A voucher is valid for, days"),
        min_value=Decimal("0.01"),
        decimal_places=2,
        initial=14,
        widget=UnfoldAdminDecimalFieldWidget,
    )
    point_kinds = forms.MultipleChoiceField(
        label=_("Places that count"),
        choices=ResidentPoint.Kind.choices,
        initial=[ResidentPoint.Kind.HOME],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    order_kinds = forms.MultipleChoiceField(
        label=_("Orders accepted"),
        choices=ORDER_KINDS,
        required=False,
        help_text=_("None chosen: every kind."),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    excluded_categories = forms.CharField(
        label=_("Excluded categories"),
        required=False,
        help_text=_("Separated by commas, for example: tobacco, prepaid card"),
        widget=UnfoldAdminTextInputWidget,
    )

    authorise_ttl_s = forms.IntegerField(
        label=_("An authorisation lasts, seconds"),
        min_value=AUTHORISE_TTL_S[0],
        max_value=AUTHORISE_TTL_S[1],
        initial=900,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    anchor_recipients = forms.CharField(
        label=_("Recipients of the journal's seals"),
        required=False,
        help_text=_("Web addresses (https) or e-mail addresses, separated by commas."),
        widget=UnfoldAdminTextInputWidget,
    )

    class Meta:
        model = Campaign
        fields = [
            "code",
            "name",
            "organiser",
            "operator",
            "zone",
            "starts_at",
            "ends_at",
            "radius_m",
            "point_kinds",
            "audience_filter",
            "excluded_categories",
            "order_kinds",
            "currency",
            "refund_policy",
            "is_test",
        ]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.pk:
            self.initial["validity_days"] = Decimal(self.instance.validity_s) / DAY_S
            for name in ("excluded_categories", "anchor_recipients"):
                self.initial[name] = ", ".join(getattr(self.instance, name))

    def clean_excluded_categories(self) -> list[str]:
        """A list of trimmed names."""
        return _listed(self.cleaned_data["excluded_categories"])

    def clean_anchor_recipients(self) -> list[str]:
        """A list of addresses that seals can be sent to."""
        addresses = _listed(self.cleaned_data["anchor_recipients"])
        for address in addresses:
            if not is_address(address):
                raise ValidationError(_("%s is neither a web nor an e-mail address.") % address)
        return addresses

    def clean_currency(self) -> str:
        """A code of three letters."""
        return str(self.cleaned_data["currency"]).upper()

    def clean_zone(self) -> str:
        """A zone whose days can be told."""
        zone = str(self.cleaned_data["zone"])
        if zone not in available_timezones():
            raise ValidationError(_("There is no such time zone."))
        return zone

    def clean_audience_filter(self) -> dict[str, Any]:
        """Only what targeting knows how to apply."""
        document = self.cleaned_data["audience_filter"] or {}
        try:
            AudienceFilter.of(document)
        except InvalidFilterError as error:
            raise ValidationError(str(error)) from error
        return document

    def clean(self) -> dict[str, Any]:
        """Days become the seconds that are kept."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "validity_days" in cleaned:
            self.instance.validity_s = int(cleaned["validity_days"] * DAY_S)
        return cleaned


def _listed(text: str) -> list[str]:
    parts = (part.strip() for part in text.replace("，", ",").split(","))
    return [part for part in parts if part]


class DialogForm(BaseDialogForm):
    """A dialog about one campaign."""

    @property
    def campaign(self) -> Campaign:
        """The campaign whose page the dialog stands on."""
        return get_object_or_404(Campaign, pk=self.object_id)


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

    def clean(self) -> dict[str, Any]:
        """A new source needs a name."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        known = self.campaign.sources.filter(code=cleaned.get("code")).exists()
        if not known and not cleaned.get("name"):
            self.add_error("name", _("A new source needs a name."))
        return cleaned


class CashForm(DialogForm):
    """Money that has arrived."""

    source = forms.ModelChoiceField(
        label=_("Funding source"),
        queryset=FundingSource.objects.none(),
        widget=UnfoldAdminSelectWidget,
    )
    amount_fen = YuanField(label=_("Amount, yuan"))
    document_no = forms.CharField(
        label=_("Document no."), max_length=60, widget=UnfoldAdminTextInputWidget
    )
    request_id = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["source"].queryset = self.campaign.sources.all()
        self.fields["request_id"].initial = secrets.token_hex(16)


class StoresForm(DialogForm):
    """Stores to take part, by merchant and district."""

    merchants = forms.ModelMultipleChoiceField(
        label=_("All active stores of"),
        queryset=Merchant.objects.filter(state="active"),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    districts = forms.ModelMultipleChoiceField(
        label=_("Only in"),
        queryset=District.objects.all(),
        required=False,
        help_text=_("None chosen: in every district."),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    category = forms.CharField(
        label=_("Category in the campaign"),
        max_length=40,
        required=False,
        widget=UnfoldAdminTextInputWidget,
    )


class RunForm(DialogForm):
    """A distribution to ask for."""

    round = forms.ModelChoiceField(
        label=_("Round"),
        queryset=Round.objects.none(),
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    channel = forms.CharField(
        label=_("Channel"),
        max_length=20,
        required=False,
        empty_value=None,
        help_text=_("Needed where quotas are kept by channel."),
        widget=UnfoldAdminTextInputWidget,
    )
    seed = forms.CharField(
        label=_("Seed"),
        max_length=64,
        help_text=_("Decides every tie; kept with the run so that it can be repeated."),
        widget=UnfoldAdminTextInputWidget,
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["round"].queryset = self.campaign.rounds.all()
        self.fields["seed"].initial = secrets.token_hex(8)


class ReviewForm(forms.Form):
    """A yes or no to exactly the terms on the page."""

    seen_sha256 = forms.RegexField(r"^[0-9a-f]{64}$", widget=forms.HiddenInput)
    comment = forms.CharField(
        label=_("Comment"), max_length=500, required=False, widget=UnfoldAdminTextInputWidget
    )
    decision = forms.ChoiceField(choices=[("approve", ""), ("reject", "")])


class ExplainForm(BaseDialogForm):
    """Which campaign to ask about."""

    campaign = forms.ModelChoiceField(
        label=_("Campaign"), queryset=Campaign.objects.all(), widget=UnfoldAdminSelectWidget
    )
