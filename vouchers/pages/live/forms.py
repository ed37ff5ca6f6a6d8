"""The red button's form: what is to be stopped, and why."""

from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from merchants.models import Merchant, Store
from vouchers.http.stops import read_end, until_at_field, until_field
from vouchers.models import Campaign
from vouchers.queries.live.stops import merchant_named, stoppable_campaigns, stores_named
from vouchers.queries.roles import Area
from vouchers.services.sandbox import time_in

CAMPAIGN, MERCHANT, STORE = "campaign", "merchant", "store"


class StopForm(forms.Form):
    """A valid form has found what its number names, in `found`; `area` is where the person may
    stop things."""

    what = forms.ChoiceField(
        label=gettext_lazy("Stop a"),
        choices=[
            (CAMPAIGN, gettext_lazy("campaign")),
            (MERCHANT, gettext_lazy("merchant with all its stores")),
            (STORE, gettext_lazy("store")),
        ],
    )
    number = forms.CharField(
        label=gettext_lazy("Its code or number"),
        help_text=gettext_lazy("For a store its number, or merchant/number."),
        max_length=90,
        widget=forms.TextInput(attrs={"list": "running-campaigns", "autocomplete": "off"}),
    )
    until = until_field(forms.Select)
    until_at = until_at_field(forms.DateTimeInput)
    why = forms.CharField(label=gettext_lazy("Reason"), min_length=3, max_length=150)

    found: Campaign | Merchant | Store
    zone: ZoneInfo
    """Of what was found: local times of its end are in it."""

    def __init__(self, *args: Any, area: Area, **options: Any) -> None:
        super().__init__(*args, **options)
        self.area = area
        self.zone = ZoneInfo(timezone.get_default_timezone_name())

    def clean(self) -> dict[str, Any]:
        """Look up what is named; its end is one of the campaign's time, or of the city's."""
        given = super().clean() or {}
        if "what" not in given or "number" not in given:
            return given
        found = _find(given["what"], given["number"].strip(), self.area)
        if isinstance(found, str):
            raise ValidationError({"number": found})
        self.found = found
        at = timezone.now()
        if isinstance(found, Campaign):
            at, self.zone = time_in(campaign_id=found.pk, at=at), ZoneInfo(found.zone)
        read_end(self, at=at, zone=self.zone)
        return self.cleaned_data


def _find(what: str, number: str, area: Area) -> Campaign | Merchant | Store | str:
    """What is named, or what is wrong with the name."""
    if what == CAMPAIGN:
        named = [campaign for campaign in stoppable_campaigns(area) if campaign.code == number]
        return named[0] if named else _("No campaign of this code is running.")
    if what == MERCHANT:
        return merchant_named(number, area) or _("There is no merchant of this code.")
    merchant, slash, store_no = number.rpartition("/")
    stores = stores_named(store_no, area, merchant=merchant if slash else "")
    if not stores:
        return _("There is no store of this number.")
    if len(stores) > 1:
        return _("Several merchants have a store of this number: type merchant/number.")
    return stores[0]
