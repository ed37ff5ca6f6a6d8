"""What the live screen shows of money, rates, refusals, places, runs and queues."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db.models import Count, F, Max, Min, Q, QuerySet, Sum
from django.db.models.functions import TruncMinute
from django.utils import timezone

from vouchers.models import (
    Attempt,
    AuditReport,
    Campaign,
    Claim,
    Outbox,
    Redemption,
    Run,
    Shard,
    Signal,
    Tranche,
)
from vouchers.queries.campaigns.overview import LIVE
from vouchers.queries.issuing import Progress, progress_of
from vouchers.queries.ledger.balances import IdentityRow, identity_rows
from vouchers.queries.live.alerts import newest_cursor
from vouchers.queries.roles import CITY, Area
from vouchers.states import CampaignState, RiskSetting, RunState, ShardState

MINUTES: Final = 60
ROWS_SHOWN: Final = 10
CAMPAIGNS_SHOWN: Final = 4
LATE_SHARD: Final = timedelta(seconds=60)
"""After its lease has run out; every sweep gives such a shard to another worker."""
LATE_MESSAGE: Final = timedelta(minutes=10)
MOST_CLAIMS: Final = 100_000
"""Of one minute: only so many of the newest are looked at, since no index is on their instants."""
MANY_ALERTS: Final = 20
"""Of live rules within ten minutes."""
ALERT_WINDOW: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class CampaignMoney:
    """A campaign under way and where its money is."""

    campaign: Campaign
    identity: Sequence[IdentityRow]

    @property
    def is_balanced(self) -> bool:
        """Whether every source's parts add up."""
        return all(row.off_fen == 0 for row in self.identity)


class PlaceRow(NamedTuple):
    """A store or district today; money in fen."""

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
class Queues:
    """What waits for workers, and since when."""

    runs_waiting: int = 0
    shards_waiting: int = 0
    shards_late: int = 0
    messages_waiting: int = 0
    oldest_message_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Board:
    """The state of everything in an area at one instant. Money, runs, queues and audits belong to
    the whole city."""

    at: datetime
    is_city: bool
    campaigns: Sequence[CampaignMoney]
    rates: Rates
    refusals: Sequence[tuple[str, int]]
    districts: Sequence[PlaceRow]
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
            "messages": oldest is not None and oldest < self.at - LATE_MESSAGE,
        }
        return [name for name, is_so in found.items() if is_so]


def board(*, at: datetime, area: Area = CITY) -> Board:
    """Everything but the alerts, sandbox campaigns left out."""
    today = Redemption.objects.filter(
        business_day=timezone.localtime(at).date(), state__in=LIVE, campaign__is_test=False
    )
    used = area.shown(today).order_by()
    by_district = used.values(label=F("store__district__name"))
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
        districts=_places(by_district),
        stores=_places(used.values("store_id", label=F("store__name"))),
        runs=_runs(at) if area.is_city else [],
        queues=_queues(at) if area.is_city else Queues(),
        is_proven=None if audit is None else audit.is_proven,
        live_alerts=area.shown(alerts).count(),
    )


def _campaigns() -> list[CampaignMoney]:
    under_way = [CampaignState.RUNNING, CampaignState.PAUSED]
    rows = Campaign.objects.filter(state__in=under_way, is_test=False).order_by("-starts_at", "-id")
    return [CampaignMoney(row, identity_rows(row.pk)) for row in rows[:CAMPAIGNS_SHOWN]]


def _rates(used: QuerySet[Redemption], area: Area, at: datetime) -> Rates:
    minute_at = at - timedelta(minutes=1)
    first_at = at.replace(second=0, microsecond=0) - timedelta(minutes=MINUTES - 1)
    by_minute = {
        row["minute"]: row["count"]
        for row in used.filter(redeemed_at__gte=first_at)
        .values(minute=TruncMinute("redeemed_at"))
        .annotate(count=Count("id"))
    }
    today = used.aggregate(
        count=Count("id"), fen=Sum("discount_fen"), orders=Sum("order_amount_fen")
    )
    refused = area.shown(Attempt.objects.filter(at__gt=minute_at))
    minutes = [first_at + timedelta(minutes=number) for number in range(MINUTES)]
    return Rates(
        issued=_issued(minute_at) if area.is_city else 0,
        redeemed=used.filter(redeemed_at__gt=minute_at).count(),
        refused=refused.count(),
        by_minute=[by_minute.get(minute, 0) for minute in minutes],
        today_count=today["count"],
        today_fen=today["fen"] or 0,
        today_orders_fen=today["orders"] or 0,
    )


def _issued(since: datetime) -> int:
    """Vouchers minted and claimed after an instant."""
    minted = Tranche.objects.filter(
        minted_at__gt=since, shard__isnull=False, campaign__is_test=False
    ).aggregate(count=Sum("voucher_count"))
    newest = Claim.objects.aggregate(newest=Max("id"))["newest"] or 0
    claimed = Claim.objects.filter(pk__gt=newest - MOST_CLAIMS, claimed_at__gt=since)
    return (minted["count"] or 0) + claimed.count()


def _refusals(area: Area, at: datetime) -> list[tuple[str, int]]:
    """Of the last hour, most frequent first."""
    rows = area.shown(Attempt.objects.filter(at__gt=at - timedelta(minutes=MINUTES)))
    counted = rows.values("code").order_by().annotate(count=Count("id")).order_by("-count", "code")
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


def _queues(at: datetime) -> Queues:
    shards = Shard.objects.filter(run__state=RunState.RESERVED, run__paused_at=None).aggregate(
        waiting=Count("id", filter=Q(state=ShardState.WAITING)),
        late=Count("id", filter=Q(state=ShardState.LEASED, lease_until_at__lt=at - LATE_SHARD)),
    )
    messages = Outbox.objects.filter(sent_at=None, given_up_at=None).aggregate(
        count=Count("id"), oldest=Min("created_at")
    )
    waiting = Run.objects.filter(state__in=[RunState.QUEUED, RunState.TARGETED], paused_at=None)
    return Queues(
        runs_waiting=waiting.count(),
        shards_waiting=shards["waiting"],
        shards_late=shards["late"],
        messages_waiting=messages["count"],
        oldest_message_at=messages["oldest"],
    )
