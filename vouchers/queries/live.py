"""What the live screen shows: money, rates, refusals, places, runs, queues; alerts by number."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db.models import Count, F, Max, Min, Q, QuerySet, Sum
from django.db.models.functions import TruncMinute
from django.utils import timezone

from merchants.models import Merchant, Store
from vouchers.models import (
    Attempt,
    AuditReport,
    Campaign,
    Claim,
    Hold,
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


class Cursor(NamedTuple):
    """The newest signal and the newest hold that a viewer has seen."""

    signal_id: int = 0
    hold_id: int = 0


@dataclass(frozen=True, slots=True)
class Alert:
    """A signal or a hold. `kind` and `verdict` are empty for holds, `reason` for signals."""

    id: str
    cursor: Cursor
    at: datetime
    campaign: str
    store: str
    order_no: str
    kind: str = ""
    setting: str = ""
    verdict: str = ""
    reason: str = ""
    # The number of its case; 0 until a sweep has put it into one.
    case_no: int = 0

    @property
    def is_live(self) -> bool:
        """Whether it had an effect; rules in shadow only record."""
        return self.setting != RiskSetting.SHADOW


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

    runs_waiting: int
    shards_waiting: int
    shards_late: int
    messages_waiting: int
    oldest_message_at: datetime | None


@dataclass(frozen=True, slots=True)
class Board:
    """The state of everything at one instant."""

    at: datetime
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


def board(*, at: datetime) -> Board:
    """Everything but the alerts, sandbox campaigns left out."""
    used = Redemption.objects.filter(
        business_day=timezone.localtime(at).date(), state__in=LIVE, campaign__is_test=False
    ).order_by()
    by_district = used.values(label=F("store__district__name"))
    audit = AuditReport.objects.order_by("-started_at").first()
    return Board(
        at=at,
        campaigns=_campaigns(),
        rates=_rates(used, at),
        refusals=_refusals(at),
        districts=_places(by_district),
        stores=_places(used.values("store_id", label=F("store__name"))),
        runs=_runs(at),
        queues=_queues(at),
        is_proven=None if audit is None else audit.is_proven,
        live_alerts=Signal.objects.filter(
            pk__gt=newest_cursor().signal_id - 10 * MANY_ALERTS,
            setting=RiskSetting.LIVE,
            raised_at__gt=at - ALERT_WINDOW,
            campaign__is_test=False,
        ).count(),
    )


def _campaigns() -> list[CampaignMoney]:
    under_way = [CampaignState.RUNNING, CampaignState.PAUSED]
    rows = Campaign.objects.filter(state__in=under_way, is_test=False).order_by("-starts_at", "-id")
    return [CampaignMoney(row, identity_rows(row.pk)) for row in rows[:CAMPAIGNS_SHOWN]]


def _rates(used: QuerySet[Redemption], at: datetime) -> Rates:
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
    minted = Tranche.objects.filter(
        minted_at__gt=minute_at, shard__isnull=False, campaign__is_test=False
    ).aggregate(count=Sum("voucher_count"))
    newest_claim = Claim.objects.aggregate(newest=Max("id"))["newest"] or 0
    claimed = Claim.objects.filter(
        pk__gt=newest_claim - MOST_CLAIMS, claimed_at__gt=minute_at
    ).count()
    minutes = [first_at + timedelta(minutes=number) for number in range(MINUTES)]
    return Rates(
        issued=(minted["count"] or 0) + claimed,
        redeemed=used.filter(redeemed_at__gt=minute_at).count(),
        refused=Attempt.objects.filter(at__gt=minute_at).count(),
        by_minute=[by_minute.get(minute, 0) for minute in minutes],
        today_count=today["count"],
        today_fen=today["fen"] or 0,
        today_orders_fen=today["orders"] or 0,
    )


def _refusals(at: datetime) -> list[tuple[str, int]]:
    """Of the last hour, most frequent first."""
    rows = Attempt.objects.filter(at__gt=at - timedelta(minutes=MINUTES)).values("code").order_by()
    counted = rows.annotate(count=Count("id")).order_by("-count", "code")
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


# Alerts


def newest_cursor() -> Cursor:
    """The numbers of the newest signal and hold that can be seen."""
    signal_id = Signal.objects.aggregate(newest=Max("id"))["newest"]
    hold_id = Hold.objects.aggregate(newest=Max("id"))["newest"]
    return Cursor(signal_id or 0, hold_id or 0)


class Numbers(NamedTuple):
    """Signals and holds by number."""

    signals: frozenset[int] = frozenset()
    holds: frozenset[int] = frozenset()

    def without(self, others: "Numbers") -> "Numbers":
        """Those that are not among others."""
        return Numbers(self.signals - others.signals, self.holds - others.holds)


def numbers_after(cursor: Cursor, *, overlap: int) -> Numbers:
    """Those greater than the cursor's, and the last so many below it.

    Numbers become visible out of their order, as transactions end: who asks again drops those that
    are known already.
    """
    return Numbers(
        frozenset(
            Signal.objects.filter(pk__gt=cursor.signal_id - overlap).values_list("id", flat=True)
        ),
        frozenset(
            Hold.objects.filter(pk__gt=cursor.hold_id - overlap).values_list("id", flat=True)
        ),
    )


def alerts_numbered(numbers: Numbers) -> list[Alert]:
    """These, oldest first, but those of the sandbox."""
    found: list[Alert] = []
    if numbers.signals:
        found += map(_of_signal, _signals().filter(pk__in=numbers.signals))
    if numbers.holds:
        found += map(_of_hold, _holds().filter(pk__in=numbers.holds))
    return _in_order(found)


def alerts_since(
    cursor: Cursor, *, overlap: int = 0, overlap_since: datetime | None = None, most: int
) -> list[Alert]:
    """Those greater than the cursor's, oldest first, at most the `most` newest of each kind; with
    an `overlap` also those of the last so many below it that were raised after an instant."""
    signals = Q(pk__gt=cursor.signal_id)
    holds = Q(pk__gt=cursor.hold_id)
    if overlap_since is not None:
        signals |= Q(pk__gt=cursor.signal_id - overlap, raised_at__gt=overlap_since)
        holds |= Q(pk__gt=cursor.hold_id - overlap, opened_at__gt=overlap_since)
    return _in_order(
        [
            *map(_of_signal, _signals().filter(signals).order_by("-id")[:most]),
            *map(_of_hold, _holds().filter(holds).order_by("-id")[:most]),
        ]
    )


def _signals() -> QuerySet[Signal]:
    rows = Signal.objects.filter(campaign__is_test=False)
    return rows.select_related("campaign", "store", "membership")


def _holds() -> QuerySet[Hold]:
    rows = Hold.objects.filter(redemption__campaign__is_test=False)
    return rows.select_related("redemption__campaign", "redemption__store")


def _in_order(found: list[Alert]) -> list[Alert]:
    return sorted(found, key=lambda alert: (alert.at, alert.id))


def _of_signal(row: Signal) -> Alert:
    return Alert(
        id=f"signal-{row.pk}",
        cursor=Cursor(signal_id=row.pk),
        at=row.raised_at,
        campaign=row.campaign.name,
        store=row.store.name,
        order_no=row.order_no,
        kind=row.kind,
        setting=row.setting,
        verdict=row.verdict,
        case_no=row.membership.case_id if hasattr(row, "membership") else 0,
    )


def _of_hold(row: Hold) -> Alert:
    return Alert(
        id=f"hold-{row.pk}",
        cursor=Cursor(hold_id=row.pk),
        at=row.opened_at,
        campaign=row.redemption.campaign.name,
        store=row.redemption.store.name,
        order_no=row.redemption.order_no,
        reason=row.reason,
    )


# What the red button stops


def running_campaigns() -> list[Campaign]:
    """Those that can be paused."""
    return list(Campaign.objects.filter(state=CampaignState.RUNNING).order_by("code"))


def stores_named(number: str, *, merchant: str = "") -> list[Store]:
    """Stores of a number, of one merchant if its code is given; upper and lower case are one."""
    rows = Store.objects.filter(external_id__iexact=number).select_related("merchant")
    return list(rows.filter(merchant__code__iexact=merchant) if merchant else rows)


def merchant_named(code: str) -> Merchant | None:
    """The merchant of a code."""
    return Merchant.objects.filter(code__iexact=code).first()
