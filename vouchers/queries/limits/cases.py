"""What a case is about, for its page: signals, money, places, who was there, what is usual."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any, Final, NamedTuple

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import (
    BigIntegerField,
    Count,
    Exists,
    F,
    OuterRef,
    QuerySet,
    Subquery,
    Sum,
    Value,
)
from django.db.models.functions import Coalesce

from merchants.models import Credential, Merchant, Store, StoreLocation
from vouchers.models import (
    CampaignStore,
    Case,
    Hold,
    Redemption,
    Refund,
    Resident,
    SettlementLine,
    Signal,
)
from vouchers.rules.limits.limits import business_day

MOST_SIGNALS: Final = 200
"""Shown of one case, the newest."""
HISTORY_DAYS: Final = 28
STORES_COMPARED: Final = 100
"""Other stores of the campaign that a store is compared with, by ascending number."""


class Money(NamedTuple):
    """Where the subsidy of a case is, in fen: held back, owed and not held, gone in settlements,
    given back."""

    held_fen: int = 0
    owed_fen: int = 0
    settled_fen: int = 0
    undone_fen: int = 0


class Member(NamedTuple):
    """One signal, what became of its redemption (empty where the order was refused), and its open
    hold."""

    signal: Signal
    redemption: Redemption | None
    hold: Hold | None
    is_settled: bool


class Place(NamedTuple):
    """A store of the case: where it lies now (None where unknown), and what was noticed there."""

    store: Store
    longitude_deg: float | None
    latitude_deg: float | None
    signals: int
    subsidy_fen: int


class Tie(NamedTuple):
    """One person at one store with one device, over the redemptions of the case."""

    resident: str
    store: str
    device: str
    redemptions: int


class Day(NamedTuple):
    """A business day of a store."""

    day: date
    redemptions: int
    subsidy_fen: int


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual at the store of a case: its last days, one by one, their median, and the median
    of the campaign's other stores' daily means."""

    days: Sequence[Day]
    median: float
    others_median: float
    others: int


@dataclass(frozen=True, slots=True)
class CaseFile:
    """All that the page of a case shows beside the case."""

    members: Sequence[Member]
    money: Money
    places: Sequence[Place]
    merchants: Sequence[Merchant]
    tills: Sequence[Credential]
    ties: Sequence[Tie]
    usual: Usual
    log: Sequence[LogEntry]


def with_held_fen(cases: QuerySet[Case]) -> QuerySet[Case]:
    """Cases annotated with `held_fen`, the money held back of their redemptions."""
    of_case = Redemption.objects.filter(
        Exists(Hold.objects.filter(redemption=OuterRef("pk"), released_at=None)),
        pk__in=Signal.objects.filter(membership__case=OuterRef(OuterRef("pk"))).values(
            "redemption"
        ),
    ).order_by()
    clawed = Refund.objects.filter(redemption=OuterRef("pk")).order_by().values("redemption")
    left = F("discount_fen") - Coalesce(Subquery(clawed.values(fen=Sum("clawback_fen"))), 0)
    summed = (
        of_case.annotate(one=Value(1), left_fen=left).values("one").annotate(fen=Sum("left_fen"))
    )
    return cases.annotate(
        held_fen=Coalesce(Subquery(summed.values("fen")), 0, output_field=BigIntegerField())
    )


def case_file(case: Case, *, at: datetime) -> CaseFile:
    """Everything on file about a case."""
    signals = Signal.objects.filter(membership__case=case).select_related("store__merchant")
    newest = list(signals.order_by("-id")[:MOST_SIGNALS])
    redemptions = _redemptions(signals)
    places = _places(signals)
    merchants = {place.store.merchant_id: place.store.merchant for place in places}
    return CaseFile(
        members=_members(newest),
        money=_money(redemptions),
        places=places,
        merchants=list(merchants.values()),
        tills=_tills(redemptions),
        ties=_ties(redemptions),
        usual=_usual(case, at),
        log=list(_log(case)),
    )


def _redemptions(signals: QuerySet[Signal]) -> QuerySet[Redemption]:
    return Redemption.objects.filter(pk__in=signals.values("redemption")).order_by()


def _members(signals: Sequence[Signal]) -> list[Member]:
    ids = [signal.redemption_id for signal in signals if signal.redemption_id]
    redemptions = {row.pk: row for row in Redemption.objects.filter(pk__in=ids)}
    holds = {row.redemption_id: row for row in _open_holds(ids)}
    settled = set(_settled(ids).values_list("redemption_id", flat=True))
    return [
        Member(
            signal,
            redemptions.get(signal.redemption_id or 0),
            holds.get(signal.redemption_id or 0),
            signal.redemption_id in settled,
        )
        for signal in signals
    ]


def _open_holds(ids: Iterable[int]) -> QuerySet[Hold]:
    return Hold.objects.filter(redemption_id__in=ids, released_at=None)


def _settled(ids: Iterable[int]) -> QuerySet[SettlementLine]:
    return SettlementLine.objects.filter(redemption_id__in=ids, kind="redemption")


def _money(redemptions: QuerySet[Redemption]) -> Money:
    found: dict[str, int] = dict.fromkeys(Money._fields, 0)
    of_redemption = {"redemption": OuterRef("pk")}
    rows = redemptions.annotate(
        is_held=Exists(Hold.objects.filter(released_at=None, **of_redemption)),
        is_settled=Exists(SettlementLine.objects.filter(**of_redemption)),
        clawed_fen=Coalesce(
            Subquery(
                Refund.objects.filter(**of_redemption)
                .order_by()
                .values("redemption")
                .values(fen=Sum("clawback_fen"))
            ),
            0,
        ),
    )
    for row in rows.values_list("undone_at", "is_held", "is_settled", "discount_fen", "clawed_fen"):
        undone_at, is_held, is_settled, discount_fen, clawed_fen = row
        back_fen = clawed_fen if undone_at is None else discount_fen
        where = "held_fen" if is_held else "settled_fen" if is_settled else "owed_fen"
        found["undone_fen"] += back_fen
        found[where] += discount_fen - back_fen
    return Money(**found)


def _places(signals: QuerySet[Signal]) -> list[Place]:
    """Those with most signals first."""
    counted = signals.order_by().values("store_id").annotate(count=Count("id"))
    by_store = {row["store_id"]: row["count"] for row in counted}
    subsidies = dict(
        _redemptions(signals).values_list("store_id").annotate(fen=Sum("discount_fen"))
    )
    located = places_of(by_store)
    stores = Store.objects.filter(pk__in=by_store).select_related("merchant", "district")
    found = [
        Place(
            store=store,
            longitude_deg=located[store.pk][0] if store.pk in located else None,
            latitude_deg=located[store.pk][1] if store.pk in located else None,
            signals=by_store[store.pk],
            subsidy_fen=subsidies.get(store.pk, 0),
        )
        for store in stores
    ]
    return sorted(found, key=lambda place: (-place.signals, place.store.pk))


def places_of(store_ids: Iterable[int]) -> dict[int, tuple[float, float]]:
    """Longitude and latitude (WGS-84) of stores, by their newest version."""
    rows = StoreLocation.objects.filter(store_id__in=store_ids).order_by("store_id", "-version")
    newest = rows.distinct("store_id")
    return {row.store_id: (row.longitude_deg, row.latitude_deg) for row in newest}


def _tills(redemptions: QuerySet[Redemption]) -> list[Credential]:
    """Enrolled tills: their credential names one till, a merchant's key names all of its tills."""
    callers = redemptions.values("caller")
    tills = Credential.objects.filter(pk__in=callers, kind=Credential.Kind.TERMINAL)
    return list(tills.select_related("terminal__store").order_by("pk"))


def _ties(redemptions: QuerySet[Redemption]) -> list[Tie]:
    """Most redemptions first."""
    rows = redemptions.values("shown_by", "store", "device").annotate(count=Count("id"))
    ordered = rows.order_by("-count", "shown_by", "store", "device")[:MOST_SIGNALS]
    counted = [(row["shown_by"], row["store"], row["device"], row["count"]) for row in ordered]
    people = Resident.objects.in_bulk({person for person, *_ in counted})
    stores = Store.objects.in_bulk({store for _, store, *_ in counted})
    return [
        Tie(people[person].external_id, stores[store].name, device, count)
        for person, store, device, count in counted
    ]


def _usual(case: Case, at: datetime) -> Usual:
    """The days up to that of the case's opening, it included; days without a redemption count."""
    last = business_day(min(at, case.opened_at), case.campaign.zone)
    begun = business_day(case.campaign.starts_at, case.campaign.zone)
    first = max(begun, last - timedelta(days=HISTORY_DAYS - 1))
    dates = [first + timedelta(days=number) for number in range((last - first).days + 1)] or [last]
    of_store = {
        row["business_day"]: (row["count"], row["fen"])
        for row in _accepted(case, [case.store_id], dates)
        .values("business_day")
        .annotate(count=Count("id"), fen=Sum("discount_fen"))
    }
    days = [Day(day, *of_store.get(day, (0, 0))) for day in dates]
    others = list(
        CampaignStore.objects.filter(campaign=case.campaign)
        .exclude(store=case.store_id)
        .order_by("store_id")
        .values_list("store_id", flat=True)
        .distinct()[:STORES_COMPARED]
    )
    counts: dict[int, int] = dict(
        _accepted(case, others, dates).values_list("store_id").annotate(count=Count("id"))
    )
    means = [counts.get(store_id, 0) / len(dates) for store_id in others]
    return Usual(
        days=days,
        median=median(day.redemptions for day in days),
        others_median=median(means) if means else 0.0,
        others=len(others),
    )


def _accepted(case: Case, stores: Iterable[int], days: Sequence[date]) -> QuerySet[Redemption]:
    """Redemptions of these days, also those undone later: the rules count them too."""
    return Redemption.objects.filter(
        campaign=case.campaign, store__in=stores, business_day__range=(days[0], days[-1])
    ).order_by()


def _log(case: Case) -> QuerySet[LogEntry, Any]:
    kind = ContentType.objects.get_for_model(Case)
    lines = LogEntry.objects.filter(content_type=kind, object_id=str(case.pk))
    return lines.select_related("user", "content_type").order_by("action_time", "id")
