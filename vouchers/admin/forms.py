"""Forms and dialogs of the admin. Money is typed in yuan, a duration with its unit."""

import secrets
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.timezone import make_naive
from django.utils.translation import gettext_lazy as _
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextInputWidget,
)

from merchants.admin.choices import PickedRow, PickedRows
from merchants.models import District, Merchant, State, Store
from vouchers.admin.fields import DurationField, NamesField, TagsField, YuanField
from vouchers.models import Campaign, FundingSource, Round, Run
from vouchers.models.campaigns.campaigns import ROUND_WAYS
from vouchers.rules.audience.filters import AudienceFilter, InvalidFilterError
from vouchers.rules.campaigns.declaration import CAMPAIGN, DAY_S, OPTIONS, Unit
from vouchers.rules.campaigns.zones import known_zones
from vouchers.services.campaigns.drafts import newest_edit
from vouchers.services.roles import visible
from vouchers.states import RoundWay

AUDIENCE: Final = "audience_"
"""Before the names of the audience filter's fields."""
YES_NO: Final = {"true": True, "false": False}
YES_NO_ANY: Final = [("", _("does not matter")), ("true", _("yes")), ("false", _("no"))]


class TermsForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form whose constraints are left to its service: Django would show a constraint's name, the
    service refuses with a rule that has a text and a field."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        setattr(self.instance, "validate_constraints", lambda exclude=None: None)  # noqa: B010


class AudienceForm(TermsForm):
    """The audience filter, a field for each attribute a resident can be asked for."""

    audience_age_min = forms.IntegerField(
        label=_("Age at least"),
        min_value=0,
        max_value=150,
        required=False,
        help_text=_("Years completed by the end of the calendar year."),
        widget=UnfoldAdminIntegerFieldWidget,
    )
    audience_age_max = forms.IntegerField(
        label=_("Age at most"),
        min_value=0,
        max_value=150,
        required=False,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    audience_is_registered = forms.TypedChoiceField(
        label=_("Household registration (户籍)"),
        choices=YES_NO_ANY,
        coerce=YES_NO.get,
        empty_value=None,
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    audience_has_residence_permit = forms.TypedChoiceField(
        label=_("Residence permit"),
        choices=YES_NO_ANY,
        coerce=YES_NO.get,
        empty_value=None,
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    audience_need_score_min = forms.IntegerField(
        label=_("Need score at least"), required=False, widget=UnfoldAdminIntegerFieldWidget
    )
    audience_districts = forms.ModelMultipleChoiceField(
        label=_("Districts of residence"),
        queryset=District.objects.all(),
        required=False,
        help_text=_("None chosen: every district."),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    audience_streets = NamesField(label=_("Streets of residence (街镇)"), required=False)
    audience_tags_all = TagsField(
        label=_("All of these tags"),
        required=False,
        help_text=_("Numbers from 0 to 63, separated by commas."),
    )
    audience_tags_any = TagsField(
        label=_("One of these tags"),
        required=False,
        help_text=_("Numbers from 0 to 63, separated by commas."),
    )

    audience_is_first_time = forms.TypedChoiceField(
        label=_("First-time customer"),
        choices=YES_NO_ANY,
        coerce=YES_NO.get,
        empty_value=None,
        required=False,
        help_text=_("Whether the resident never used a voucher at a merchant that takes part."),
        widget=UnfoldAdminSelectWidget,
    )
    audience_last_visit_days_min = forms.IntegerField(
        label=_("Last visit at least so many days ago"),
        min_value=0,
        max_value=3650,
        required=False,
        help_text=_("Residents who never came don't pass."),
        widget=UnfoldAdminIntegerFieldWidget,
    )
    audience_last_visit_days_max = forms.IntegerField(
        label=_("Last visit at most so many days ago"),
        min_value=0,
        max_value=3650,
        required=False,
        help_text=_("Residents who never came don't pass."),
        widget=UnfoldAdminIntegerFieldWidget,
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name, value in (self.instance.audience_filter or {}).items():
            self.initial[AUDIENCE + name] = (
                str(value).lower() if value in YES_NO.values() else value
            )

    def filter_changed(self) -> bool:
        """Whether any attribute was changed."""
        return any(name.startswith(AUDIENCE) for name in self.changed_data)

    def clean(self) -> dict[str, Any]:
        """The attributes that were given, as one filter."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        given = {name: cleaned.get(AUDIENCE + name) for name in AudienceFilter.__dataclass_fields__}
        if districts := given["districts"]:
            given["districts"] = [district.pk for district in districts]
        document = {name: value for name, value in given.items() if _is_asked(value)}
        try:
            AudienceFilter.of(document)
        except InvalidFilterError as error:
            raise ValidationError(str(error)) from error
        least, most = document.get("age_min"), document.get("age_max")
        if least is not None and most is not None and most < least:
            self.add_error("audience_age_max", _("No resident is of such an age."))
        cleaned["audience_filter"] = document
        return cleaned


def _is_asked(value: Any) -> bool:
    return value is not None and (isinstance(value, int) or len(value) > 0)


class CampaignForm(AudienceForm):
    """A draft's own options; the fields are made from the declaration of the terms."""

    seen_edit = forms.IntegerField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = Campaign
        fields = [option.name for option in CAMPAIGN if option.unit is not Unit.AUDIENCE]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.pk:
            self.initial["seen_edit"] = newest_edit(self.instance)

    def clean_currency(self) -> str:
        """A code of three letters."""
        return str(self.cleaned_data["currency"]).upper()

    def clean_zone(self) -> str:
        """A known time zone."""
        zone = str(self.cleaned_data["zone"])
        if zone not in known_zones():
            raise ValidationError(_("There is no such time zone."))
        return zone

    def options(self) -> dict[str, Any]:
        """What was typed, by the names of the declaration; only what has changed of a draft."""
        names = set(self.changed_data if self.instance.pk else self.cleaned_data) & OPTIONS.keys()
        if self.filter_changed():
            names.add("audience_filter")
        return {name: self.cleaned_data[name] for name in names}


class TierForm(TermsForm):
    """A tier; its shares stand below it."""

    seen_edit = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.pk:
            self.initial["seen_edit"] = newest_edit(self.instance.campaign)


class DialogForm(BaseDialogForm):
    """A dialog about one campaign."""

    @property
    def campaign(self) -> Campaign:
        """The campaign whose page the dialog stands on."""
        return get_object_or_404(Campaign, pk=self.object_id)


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


class StoresOf(forms.Form):
    """Stores to take part, by merchant and district."""

    merchants = PickedRows(
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

    def stores(self) -> list[Store]:
        """The active stores that were chosen."""
        given = self.cleaned_data
        stores = Store.objects.filter(merchant__in=given["merchants"], state=State.ACTIVE)
        if given["districts"]:
            stores = stores.filter(district__in=given["districts"])
        return list(stores)


class StoresForm(StoresOf, DialogForm):
    """The same in a dialog."""


class WeeklyRoundsForm(DialogForm):
    """Rounds that open at the same time of every week."""

    first_opens_at = forms.SplitDateTimeField(
        label=_("The first opens at"),
        help_text=_("In the campaign's time zone; the others follow week by week."),
        widget=UnfoldAdminSplitDateTimeWidget,
    )
    open_for_s = DurationField(label=_("Each is open for"), least_s=60, most_s=7 * DAY_S)
    weeks = forms.IntegerField(
        label=_("Weeks"), min_value=1, max_value=60, widget=UnfoldAdminIntegerFieldWidget
    )
    way = forms.ChoiceField(
        label=_("Handed out"),
        choices=ROUND_WAYS,
        initial=RoundWay.DROP.value,
        widget=UnfoldAdminSelectWidget,
    )

    def clean_first_opens_at(self) -> datetime:
        """What was typed, on the campaign's clocks."""
        typed: datetime = make_naive(self.cleaned_data["first_opens_at"])
        return typed.replace(tzinfo=ZoneInfo(self.campaign.zone))


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
    """Approval or rejection of exactly the terms on the page."""

    seen_sha256 = forms.RegexField(r"^[0-9a-f]{64}$", widget=forms.HiddenInput)
    comment = forms.CharField(
        label=_("Comment"), max_length=500, required=False, widget=UnfoldAdminTextInputWidget
    )
    decision = forms.ChoiceField(choices=[("approve", ""), ("reject", "")])


class ExplainForm(BaseDialogForm):
    """Which campaign to ask about, or which run of it, and why one looks."""

    campaign = PickedRow(
        label=_("Campaign"), queryset=Campaign.objects.none(), widget=UnfoldAdminSelectWidget
    )
    run = forms.IntegerField(
        label=_("Run no."),
        min_value=1,
        required=False,
        help_text=_("Left empty: as things stand now."),
        widget=UnfoldAdminIntegerFieldWidget,
    )
    reason = forms.CharField(
        label=_("Reason"),
        min_length=4,
        max_length=200,
        help_text=_("Kept in the history of the resident: e.g. the number of the call."),
        widget=UnfoldAdminTextInputWidget,
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        user: Any = self.request.user
        self.fields["campaign"].queryset = visible(user, Campaign.objects.all(), at=timezone.now())

    def clean(self) -> dict[str, Any]:
        """The run, of the campaign chosen."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if number := cleaned.get("run"):
            run = Run.objects.filter(pk=number, campaign=cleaned.get("campaign")).first()
            if run is None:
                self.add_error("run", _("The campaign has no run of this number."))
            cleaned["run"] = run
        return cleaned
