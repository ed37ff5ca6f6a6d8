"""Figures of campaigns for their managers: issued, redeemed, refused, audience.

What is under way, redeemed and refused in all campaigns together is read from one queryset each,
which leaves the sandbox out; the first page and the live screen show the same figures.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Count, F, QuerySet, Sum

from merchants.models import Credential
from vouchers.models import Attempt, Campaign, Redemption, Run, Tranche
from vouchers.queries.roles import CITY, Area
from vouchers.states import CampaignState, RedemptionState

LIVE = (RedemptionState.AUTHORISED, RedemptionState.CAPTURED)


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one campaign, or of one day: vouchers and fen; nothing is known to be issued in a part of
    the city."""

    issued_count: int = 0
    issued_fen: int = 0
    redeemed_count: int = 0
    discount_fen: int = 0
    order_fen: int = 0

    @property
    def redeemed_pct(self) -> float:
        """Vouchers used, per cent of those issued."""
        return 100 * self.redeemed_count / self.issued_count if self.issued_count else 0.0

    @property
    def leverage(self) -> float:
        """Order amount for each unit of subsidy."""
        return self.order_fen / self.discount_fen if self.discount_fen else 0.0


def figures_of(campaign_ids: Iterable[int], *, area: Area = CITY) -> dict[int, Figures]:
    """Issued (ever) and redeemed (net of what was undone), by campaign; redeemed in an area."""
    ids = list(campaign_ids)
    tranches = area.shown(Tranche.objects.filter(campaign__in=ids))
    issued = tranches.values("campaign_id").order_by()
    by_issue = {
        row["campaign_id"]: row
        for row in issued.annotate(
            count=Sum("voucher_count"), fen=Sum(F("voucher_count") * F("face_fen"))
        )
    }
    used = area.shown(Redemption.objects.filter(campaign__in=ids, state__in=LIVE))
    by_use = {
        row["campaign_id"]: row
        for row in used.values("campaign_id")
        .order_by()
        .annotate(count=Count("id"), discount=Sum("discount_fen"), orders=Sum("order_amount_fen"))
    }
    nothing: Mapping[str, int] = {}
    found = {}
    for key in ids:
        issue, use = by_issue.get(key, nothing), by_use.get(key, nothing)
        found[key] = Figures(
            issued_count=issue.get("count", 0),
            issued_fen=issue.get("fen", 0),
            redeemed_count=use.get("count", 0),
            discount_fen=use.get("discount", 0),
            order_fen=use.get("orders", 0),
        )
    return found


def under_way(*, scheduled: bool = False) -> QuerySet[Campaign]:
    """Campaigns that run or are paused, or also those that wait for their start."""
    states = [CampaignState.RUNNING, CampaignState.PAUSED]
    if scheduled:
        states.append(CampaignState.SCHEDULED)
    return Campaign.objects.filter(state__in=states, is_test=False)


def redeemed(area: Area) -> QuerySet[Redemption]:
    """What was redeemed in an area and not undone."""
    standing = Redemption.objects.filter(state__in=LIVE, campaign__is_test=False)
    return area.shown(standing).order_by()


def refused(area: Area) -> QuerySet[Attempt]:
    """What was refused in an area. Of a voucher that does not exist no campaign is known, but who
    asked is."""
    sandbox = Credential.objects.filter(is_test=True).values("pk")
    return area.shown(Attempt.objects.exclude(caller_id__in=sandbox)).order_by()


def redeemed_on(day: date, *, area: Area = CITY) -> Figures:
    """What was redeemed on one business day in an area."""
    row = (
        redeemed(area)
        .filter(business_day=day)
        .aggregate(count=Count("id"), discount=Sum("discount_fen"), orders=Sum("order_amount_fen"))
    )
    return Figures(
        redeemed_count=row["count"],
        discount_fen=row["discount"] or 0,
        order_fen=row["orders"] or 0,
    )


def redeemed_by_day(*, since: date, area: Area = CITY) -> list[tuple[date, int, int]]:
    """(business day, redemptions, discount in fen), oldest first; days without any are absent."""
    rows = redeemed(area).filter(business_day__gte=since)
    grouped = rows.values("business_day").order_by("business_day")
    return [
        (row["business_day"], row["count"], row["discount"])
        for row in grouped.annotate(count=Count("id"), discount=Sum("discount_fen"))
    ]


def refusals_since(since: datetime, *, area: Area = CITY) -> list[tuple[str, int]]:
    """(refusal code, how often), most frequent first."""
    rows = refused(area).filter(at__gte=since).values("code")
    counted = rows.annotate(count=Count("id")).order_by("-count", "code")
    return [(row["code"], row["count"]) for row in counted]


def last_audience(campaign_id: int) -> Run | None:
    """The newest run whose audience has been found."""
    runs = Run.objects.filter(campaign_id=campaign_id).exclude(audience={})
    return runs.order_by("-id").first()
