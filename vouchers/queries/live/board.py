"""What the live screen shows of money, rates, refusals, places, runs and queues."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db.models import Count, F, Max, QuerySet, Sum
from django.db.models.functions import TruncMinute
from django.utils import timezone

from merchants.models import District
from vouchers.models import (
    Attempt,
    AuditReport,
    Campaign,
    Claim,
    Redemption,
    Run,
    Signal,
    Tranche,
)
from vouchers.queries.campaigns.overview import redeemed, redeemed_on, refused, under_way
from vouchers.queries.issuing import Progress, progress_of
from vouchers.queries.ledger.balances import IdentityRow, identity_rows
from vouchers.queries.live.alerts import newest_cursor
from vouchers.queries.live.places import Place, districts_of
from vouchers.queries.live.queues import Queues, queues
from vouchers.queries.roles import CITY, Area
from vouchers.queries.settlement import SourcePayouts, source_payouts
from vouchers.states import RiskSetting, RunState

MINUTES: Final = 60
ROWS_SHOWN: Final = 10
CAMPAIGNS_SHOWN: Final = 4
LATE_MESSAGE: Final = timedelta(minutes=10)
MOST_CLAIMS: Final = 100_000
"""Of one minute: only so many of the newest are looked at, since no index is on their instants."""
MANY_ALERTS: Final = 20
"""Of live rules within ten minutes."""
ALERT_WINDOW: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class CampaignMoney:
    """A campaign under way, where its money is, and the cash that came and went; both by source,
    in the order of their codes."""

    campaign: Campaign
    identity: Sequence[IdentityRow]
    cash: Sequence[SourcePayouts]

    @property
    def is_balanced(self) -> bool:
        """Whether every source's parts add up."""
        return all(row.off_fen == 0 for row in self.identity)


class PlaceRow(NamedTuple):
    """A store today; money in fen."""

    label: str
    vouchers: int
    discount_fen: int


@dataclass(frozen=True, slots=True)
class Rates:
    """Of the last minute, the last hour minute by minute, and today."""

    issued: int
    redeemed: int
    refused: int
    by_minute: Sequence[int]
    today_count: int
    today_fen: int
    today_orders_fen: int


@dataclass(frozen=True, slots=True)
class Board:
    """The state of everything in an area at one instant. Money, runs, queues and audits belong to
    the whole city."""

    at: datetime
    is_city: bool
    campaigns: Sequence[CampaignMoney]
    rates: Rates
    refusals: Sequence[tuple[str, int]]
    districts: Sequence[Place]
    stores: Sequence[PlaceRow]
    runs: Sequence[tuple[Run, Progress]]
    queues: Queues
    is_proven: bool | None
    live_alerts: int

    @property
    def is_campaign_day(self) -> bool:
        """Whether vouchers are being issued or used."""
        return bool(
            self.runs or self.rates.redeemed or self.rates.issued or any(self.rates.by_minute)
        )

    @property
    def troubles(self) -> list[str]:
        """Names of what makes this an emergency."""
        oldest = self.queues.oldest_message_at
        found = {
            "identity": not all(money.is_balanced for money in self.campaigns),
            "audit": self.is_proven is False,
            "alerts": self.live_alerts >= MANY_ALERTS,
            "shards": self.queues.shards_late > 0,
            "workers": self.queues.is_abandoned,
            "messages": oldest is not None and oldest < self.at - LATE_MESSAGE,
        }
        return [name for name, is_so in found.items() if is_so]


def board(*, at: datetime, area: Area = CITY) -> Board:
    """Everything but the alerts, sandbox campaigns left out."""
    used = used_today(at, area)
    districts: QuerySet[District] = area.shown(District.objects.all())
    audit = area.shown(AuditReport.objects.order_by("-started_at")).first()
    alerts = Signal.objects.filter(
        pk__gt=newest_cursor().signal_id - 10 * MANY_ALERTS,
        setting=RiskSetting.LIVE,
        raised_at__gt=at - ALERT_WINDOW,
        campaign__is_test=False,
    )
    return Board(
        at=at,
        is_city=area.is_city,
        campaigns=_campaigns() if area.is_city else [],
        rates=_rates(used, area, at),
        refusals=_refusals(area, at),
        districts=districts_of(districts, used=used, refused=refused_lately(at, area)),
        stores=_places(used.values("store_id", label=F("store__name"))),
        runs=_runs(at) if area.is_city else [],
        queues=queues(at) if area.is_city else Queues(),
        is_proven=None if audit is None else audit.is_proven,
        live_alerts=area.shown(alerts).count(),
    )


def used_today(at: datetime, area: Area) -> QuerySet[Redemption]:
    """Redemptions of the area on the business day of `at` that still count."""
    return redeemed(area).filter(business_day=timezone.localtime(at).date())


def refused_lately(at: datetime, area: Area) -> QuerySet[Attempt]:
    """What was refused in an area in the hour before an instant."""
    return refused(area).filter(at__gt=at - timedelta(minutes=MINUTES))


def _campaigns() -> list[CampaignMoney]:
    rows = under_way().order_by("-starts_at", "-id")
    return [
        CampaignMoney(row, identity_rows(row.pk), source_payouts(row.pk))
        for row in rows[:CAMPAIGNS_SHOWN]
    ]


def _rates(used: QuerySet[Redemption], area: Area, at: datetime) -> Rates:
    minute_at = at - timedelta(minutes=1)
    first_at = at.replace(second=0, microsecond=0) - timedelta(minutes=MINUTES - 1)
    by_minute = {
        row["minute"]: row["count"]
        for row in used.filter(redeemed_at__gte=first_at)
        .values(minute=TruncMinute("redeemed_at"))
        .annotate(count=Count("id"))
    }
    today = redeemed_on(timezone.localtime(at).date(), area=area)
    minutes = [first_at + timedelta(minutes=number) for number in range(MINUTES)]
    return Rates(
        issued=_issued(minute_at) if area.is_city else 0,
        redeemed=used.filter(redeemed_at__gt=minute_at).count(),
        refused=refused(area).filter(at__gt=minute_at).count(),
        by_minute=[by_minute.get(minute, 0) for minute in minutes],
        today_count=today.redeemed_count,
        today_fen=today.discount_fen,
        today_orders_fen=today.order_fen,
    )


def _issued(since: datetime) -> int:
    """Vouchers minted and claimed after an instant."""
    minted = Tranche.objects.filter(
        minted_at__gt=since, shard__isnull=False, campaign__is_test=False
    ).aggregate(count=Sum("voucher_count"))
    newest = Claim.objects.aggregate(newest=Max("id"))["newest"] or 0
    claimed = Claim.objects.filter(
        pk__gt=newest - MOST_CLAIMS, claimed_at__gt=since, round__campaign__is_test=False
    )
    return (minted["count"] or 0) + claimed.count()


def _refusals(area: Area, at: datetime) -> list[tuple[str, int]]:
    """Of the last hour, most frequent first."""
    rows = refused_lately(at, area)
    counted = rows.values("code").annotate(count=Count("id")).order_by("-count", "code")
    return [(row["code"], row["count"]) for row in counted[:ROWS_SHOWN]]


def _places(grouped: Any) -> list[PlaceRow]:
    rows = grouped.annotate(count=Count("id"), fen=Sum("discount_fen")).order_by("-fen", "label")
    return [PlaceRow(row["label"] or "", row["count"], row["fen"]) for row in rows[:ROWS_SHOWN]]


def _runs(at: datetime) -> list[tuple[Run, Progress]]:
    waiting = [RunState.QUEUED, RunState.TARGETED, RunState.RESERVED]
    rows = Run.objects.filter(state__in=waiting, campaign__is_test=False)
    return [
        (run, progress_of(run, at=at))
        for run in rows.select_related("campaign").order_by("-id")[:ROWS_SHOWN]
    ]
