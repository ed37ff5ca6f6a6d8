"""What the red button of the live screen can stop, and what is stopped now."""

from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Final
from zoneinfo import ZoneInfo

from django.db.models import F, Q
from django.utils import timezone

from merchants.models import Merchant, State, Store
from vouchers.models import Campaign
from vouchers.queries.roles import Area
from vouchers.states import CampaignState

MOST_STOPPED: Final = 20
"""Rows of a kind that the screen lists; the admin's lists have all."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """A campaign, merchant or store that is stopped; `until_at` in its own zone, None: until a
    person lifts it."""

    row: Campaign | Merchant | Store
    until_at: datetime | None


def stoppable_campaigns(area: Area) -> list[Campaign]:
    """Those that can be paused from an area, or paused for longer."""
    is_longer = Q(state=CampaignState.PAUSED, paused_until_at__isnull=False)
    rows = Campaign.objects.filter(Q(state=CampaignState.RUNNING) | is_longer)
    return list(area.acted_on(rows).order_by("code"))


def stopped_now(area: Area) -> list[Stopped]:
    """What is stopped in an area, of each kind what ends first; what has no end comes last."""
    campaigns = area.shown(Campaign.objects.filter(state=CampaignState.PAUSED))
    merchants = area.shown(Merchant.objects.filter(state=State.SUSPENDED))
    stores = area.shown(Store.objects.filter(state=State.SUSPENDED)).select_related("merchant")
    city = timezone.get_default_timezone()
    by_end = F("suspended_until_at").asc(nulls_last=True), "pk"
    return [
        *(
            Stopped(row, row.paused_until_at and row.paused_until_at.astimezone(ZoneInfo(row.zone)))
            for row in campaigns.order_by(F("paused_until_at").asc(nulls_last=True), "pk")
        ),
        *(
            Stopped(row, row.suspended_until_at and row.suspended_until_at.astimezone(city))
            for row in chain(
                merchants.order_by(*by_end)[:MOST_STOPPED], stores.order_by(*by_end)[:MOST_STOPPED]
            )
        ),
    ]


def stores_named(number: str, area: Area, *, merchant: str = "") -> list[Store]:
    """Stores of a number, of one merchant if its code is given; upper and lower case are one."""
    rows = area.acted_on(Store.objects.filter(external_id__iexact=number))
    named = rows.filter(merchant__code__iexact=merchant) if merchant else rows
    return list(named.select_related("merchant"))


def merchant_named(code: str, area: Area) -> Merchant | None:
    """The merchant of a code."""
    found: Merchant | None = area.acted_on(Merchant.objects.filter(code__iexact=code)).first()
    return found
