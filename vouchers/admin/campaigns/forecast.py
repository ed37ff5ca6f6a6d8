"""The forecast of a campaign: how its money burns down at a rate that is chosen, where it goes."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from unfold.decorators import action

from merchants.models import District, Store
from vouchers.admin.campaigns import forecast_words as words
from vouchers.admin.campaigns.page import CampaignPage
from vouchers.models import Campaign
from vouchers.queries.campaigns.forecast import (
    Past,
    Planned,
    census_of_districts,
    past_campaigns,
    plan_of,
    rates_of,
    store_places,
)
from vouchers.rules.campaigns.fairness import Groups, district_shares, store_loads
from vouchers.rules.campaigns.forecast import Forecast, forecast
from vouchers.rules.campaigns.rates import PRESETS, USUAL, Rate
from vouchers.rules.limits.limits import business_day
from vouchers.services.audience.preview import Counted, last_reached
from vouchers.services.audience.previewed import Reached
from vouchers.services.roles import view_area

OWN: Final = "own"
PAST: Final = "past-"
PAST_OFFERED: Final = 50


class RateForm(forms.Form):
    """The rate at which vouchers are used: published, of a past campaign, or a figure typed in."""

    rate = forms.ChoiceField(label=gettext_lazy("Vouchers used"))
    own_pct = forms.FloatField(
        label=gettext_lazy("Own figure, %"), min_value=0, max_value=100, required=False
    )
    asking_pct = forms.FloatField(
        label=gettext_lazy("Of the people reached claim, %"),
        min_value=0,
        max_value=100,
        required=False,
    )

    def __init__(self, data: Any, past: list[Past]) -> None:
        super().__init__(data)
        language = get_language() or "en"
        self.fields["rate"].choices = [  # type: ignore[attr-defined]
            *((it.key, f"{it.name.of(language)} · {100 * it.used:.1f} %") for it in PRESETS),
            *((f"{PAST}{it.campaign_id}", f"{it.name} ({it.code})") for it in past),
            (OWN, _("own figure")),
        ]

    def clean(self) -> dict[str, Any]:
        """A figure is required where the rate is to be typed in."""
        given: dict[str, Any] = super().clean() or {}
        if given.get("rate") == OWN and given.get("own_pct") is None and "own_pct" in given:
            self.add_error("own_pct", _("Give a figure from 0 to 100."))
        return given


class ForecastActs(CampaignPage):
    """The page of a campaign's forecast."""

    @action(description=gettext_lazy("Forecast"), icon="insights")
    def forecast(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Everything is asked by GET: nothing is stored. For people who see the whole city, as the
        money is."""
        if not view_area(request.user, Campaign, at=timezone.now()).is_city:
            raise PermissionDenied
        visible = self.get_queryset(request)
        campaign = get_object_or_404(visible, pk=object_id)
        others = visible.filter(is_test=campaign.is_test).order_by()
        with timezone.override(ZoneInfo(campaign.zone)):
            context = {
                **self.admin_site.each_context(request),
                "title": _("Forecast"),
                "opts": self.opts,
                "campaign": campaign,
                **_page(request, campaign, list(others.values_list("pk", flat=True))),
            }
            # Rendered here, because its times are written when it is rendered.
            return TemplateResponse(request, "vouchers/forecast.html", context).render()


def _page(request: HttpRequest, campaign: Campaign, visible_ids: list[int]) -> dict[str, Any]:
    past = past_campaigns(visible_ids, at=timezone.now())[:PAST_OFFERED]
    form = RateForm(request.GET if "rate" in request.GET else {"rate": USUAL.key}, past)
    found = last_reached(campaign)
    shown: dict[str, Any] = {"form": form, "found": found}
    if found is None or not form.is_valid():
        return shown
    reached, counted = found
    shown["counted"] = counted
    asking_pct = form.cleaned_data["asking_pct"]
    planned = plan_of(
        campaign,
        people=reached.targeted or 0,
        asking=1.0 if asking_pct is None else asking_pct / 100,
    )
    shown["planned"] = planned
    if planned is None or reached.targeted is None:
        return shown
    rates, said = _rates(form, planned, past)
    if not rates:
        return shown
    return (
        shown
        | _figures(campaign, planned, rates, reached)
        | {"assumed": [said, *_assumed(planned)]}
    )


def _rates(form: RateForm, planned: Planned, past: list[Past]) -> tuple[dict[str, Rate], str]:
    """The rate of each tier, and where it is from."""
    codes = [offer.code for offer in planned.plan.offers]
    chosen, language = form.cleaned_data["rate"], get_language() or "en"
    if chosen == OWN:
        share = form.cleaned_data["own_pct"] / 100
        return dict.fromkeys(codes, Rate(share)), _(
            "The share of vouchers used is your own figure."
        )
    for preset in PRESETS:
        if preset.key == chosen:
            return dict.fromkeys(codes, Rate(preset.used)), preset.source.of(language)
    campaign_id = int(chosen.removeprefix(PAST))
    name = next(it.name for it in past if it.campaign_id == campaign_id)
    return rates_of(campaign_id, codes, at=timezone.now()), _(
        "As the vouchers of %s that have ended were used: how many and when, by tier where enough"
        " were issued (100)."
    ) % name


def _figures(
    campaign: Campaign, planned: Planned, rates: Mapping[str, Rate], reached: Reached
) -> dict[str, Any]:
    plan, found = planned.plan, forecast(planned.plan, rates)
    first = first_day(campaign)
    places, census = store_places(campaign), census_of_districts()
    loads = store_loads(reached.stores, found.used, found.used_a_day)
    groups = Groups(reached.districts, reached.seniors, reached.registered, reached.unregistered)
    districts = district_shares(groups, census, found.used_fen, loads, places)
    names = dict(District.objects.values_list("adcode", "name"))
    top = [load.store_id for load in loads[: words.STORES_SHOWN]]
    stores = dict(Store.objects.filter(pk__in=top).values_list("pk", "name"))
    sources = campaign.sources.order_by("code")
    return {
        "cards": words.cards(plan, found, first),
        "burn_down": words.burn_down(plan, found, first),
        "tiers": words.tiers_table(found, rates, dict(campaign.tiers.values_list("code", "name"))),
        "sources": words.sources_table(
            found, sources.values_list("code", "name", "appropriated_fen")
        ),
        "stores": words.stores_table(loads, stores),
        "fairness": words.fairness_table(districts, names),
        "spread": words.spread_text(districts, names),
        "zone": campaign.zone,
    }


def _assumed(planned: Planned) -> list[str]:
    """What the figures take for granted in this plan."""
    found = [
        _(
            "Everyone whom the preview counts is handed every tier at each opening, smallest face"
            " first, as far as quotas and sources have room; who claims is asked for above."
        )
        if planned.has_claims
        else _(
            "Everyone whom the preview counts is handed every tier at each opening, smallest face"
            " first, as far as quotas and sources have room."
        ),
        _("What is not used is free again when its validity ends, for later rounds."),
        _(
            "Every voucher used takes its whole face; limits of residents and stores are not"
            " considered."
        ),
    ]
    if planned.unheeded:
        found.append(_("Quota cells by %s are not considered.") % ", ".join(planned.unheeded))
    if planned.left_out:
        found.append(
            _("Left out, because their shares do not add up to the face: %s.")
            % ", ".join(planned.left_out)
        )
    return found


def first_day(campaign: Campaign) -> date:
    """The day of the campaign's start, in its zone."""
    return business_day(campaign.starts_at, campaign.zone)


def usual_forecast(campaign: Campaign, counted: Counted | None) -> Forecast | None:
    """At the usual rate, for the people that the last preview counted; None before the first, where
    they are too few to tell, or where the terms have no sound plan."""
    if counted is None or counted.targeted is None:
        return None
    planned = plan_of(campaign, people=counted.targeted)
    if planned is None:
        return None
    rates = {offer.code: Rate(USUAL.used) for offer in planned.plan.offers}
    return forecast(planned.plan, rates)
