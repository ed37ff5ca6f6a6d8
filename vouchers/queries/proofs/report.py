"""A campaign's report: what it gave, whom it reached, what was refused, and what is proven."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from django.db import connection
from django.db.models import Count, F, Q, QuerySet, Sum

from merchants.models import District
from vouchers.models import (
    Attempt,
    AuditReport,
    Campaign,
    CampaignStore,
    Hold,
    Redemption,
    Run,
    Seal,
    Signal,
    Tranche,
)
from vouchers.models.issuing.runs import SERIAL_BITS
from vouchers.queries.audience import locations
from vouchers.queries.campaigns.overview import LIVE, Figures, figures_of
from vouchers.queries.ledger.balances import IdentityRow, identity_rows
from vouchers.rules.audience.facts import SENIOR_AGE
from vouchers.rules.issuing.outcomes import Outcome
from vouchers.rules.issuing.priority import SMALL_SHOP
from vouchers.rules.proofs.anonymity import (
    Group,
    Publishable,
    publishable,
    publishable_within,
    share_pct,
)
from vouchers.sql.statements import Statement

STORES_SHOWN: Final = 20


class DayRow(NamedTuple):
    """One day in the campaign's zone, in fen and vouchers."""

    day: date
    issued_fen: int
    redeemed_fen: int
    redeemed_count: int


class SignalRow(NamedTuple):
    """How often a risk rule noticed something, by its setting and its verdict."""

    kind: str
    setting: str
    verdict: str
    times: int
    refused_times: int


@dataclass(frozen=True, slots=True)
class StorePlace:
    """A participating store on the map; `discount_fen` is None where too few people came."""

    name: str
    longitude_deg: float
    latitude_deg: float
    discount_fen: int | None


@dataclass(frozen=True, slots=True)
class DistrictArea:
    """A district's boundary; `discount_fen` as of stores."""

    name: str
    geometry: Mapping[str, Any]
    discount_fen: int | None


@dataclass(frozen=True, slots=True)
class CampaignReport:
    """Everything the report shows; shares are per cent of the subsidy, None where not public.
    `streets` are those of each district shown, by the district's code. `held_out` are the people of
    the control group, whom a run reached and left out."""

    campaign: Campaign
    at: datetime
    figures: Figures
    identity: Sequence[IdentityRow]
    days: Sequence[DayRow]
    refusals: Sequence[tuple[str, int]]
    districts: Publishable
    streets: Mapping[int | None, Publishable]
    stores: Publishable
    small_shops_pct: float | None
    elders_pct: float | None
    held_out: int
    signals: Sequence[SignalRow]
    holds_opened: int
    holds_open: int
    held_fen: int
    audit: AuditReport | None
    seals: int
    areas: Sequence[DistrictArea]
    places: Sequence[StorePlace]


def _held_out(campaign: Campaign) -> int:
    """The campaign draws its control group once for all runs; the run that reached most of it
    counts."""
    selections = Run.objects.filter(campaign=campaign).values_list("selection", flat=True)
    return max(
        (
            tier["passed_over"].get(Outcome.HOLD_OUT, 0)
            for selection in selections
            for tier in selection.get("tiers", {}).values()
        ),
        default=0,
    )


def report_of(campaign: Campaign, *, at: datetime) -> CampaignReport:
    """The report as of now; `at` is the instant that is printed on it."""
    used = Redemption.objects.filter(campaign=campaign, state__in=LIVE).order_by()
    districts = publishable(_groups(used, "store__district_id", "store__district__name"))
    streets = publishable_within(
        districts, _groups_by(used, "store__district_id", "store__street_id", "store__street__name")
    )
    by_store = _groups(used, "store_id", "store__name")
    told = _told(used, streets)
    everyone = _one(used)
    holds = Hold.objects.filter(redemption__campaign=campaign)
    open_holds = holds.filter(released_at=None)
    return CampaignReport(
        campaign=campaign,
        at=at,
        figures=figures_of([campaign.pk])[campaign.pk],
        identity=identity_rows(campaign.pk),
        days=days_of(campaign),
        refusals=_refusals(campaign),
        districts=districts,
        streets=streets,
        stores=publishable(by_store, most=STORES_SHOWN, among=told),
        small_shops_pct=share_pct(_one(used.filter(_small_shops(campaign))), everyone),
        elders_pct=share_pct(_one(used.filter(_elders(at))), everyone),
        held_out=_held_out(campaign),
        signals=_signals(campaign),
        holds_opened=holds.count(),
        holds_open=open_holds.count(),
        held_fen=open_holds.aggregate(fen=Sum("redemption__discount_fen"))["fen"] or 0,
        audit=AuditReport.objects.order_by("-started_at").first(),
        seals=Seal.objects.filter(campaign=campaign).count(),
        areas=_areas(districts),
        places=_places(campaign, publishable(by_store, among=told), at),
    )


_SUMS: Final = {
    "persons": Count("resident_id", distinct=True),
    "count": Count("id"),
    "discount_fen": Sum("discount_fen"),
    "order_fen": Sum("order_amount_fen"),
}


def _groups(used: QuerySet[Redemption], key: str, label: str) -> list[Group]:
    return [_group(row, key, label) for row in used.values(key, label).annotate(**_SUMS)]


def _groups_by(
    used: QuerySet[Redemption], whole: str, key: str, label: str
) -> dict[int | None, list[Group]]:
    """The groups of each whole, by its key."""
    found: dict[int | None, list[Group]] = defaultdict(list)
    for row in used.values(whole, key, label).annotate(**_SUMS):
        found[row[whole]].append(_group(row, key, label))
    return found


def _group(row: Mapping[str, Any], key: str, label: str) -> Group:
    sums = {name: row[name] or 0 for name in _SUMS}
    return Group(key=row[key], label=row[label] or "", **sums)


def _told(used: QuerySet[Redemption], streets: Mapping[int | None, Publishable]) -> set[int | None]:
    """Stores whose figures tell no small group: their district and street are shown, and the other
    stores of the street are of enough people."""
    stores: dict[tuple[int | None, int | None], list[Group]] = defaultdict(list)
    rows = used.values("store__district_id", "store__street_id", "store_id", "store__name")
    for row in rows.annotate(**_SUMS):
        place = row["store__district_id"], row["store__street_id"]
        stores[place].append(_group(row, "store_id", "store__name"))
    return {
        store.key
        for district, found in streets.items()
        for street in found.shown
        for store in publishable(stores[district, street.key]).shown
    }


def _one(used: QuerySet[Redemption]) -> Group:
    row = used.aggregate(**_SUMS)
    return Group(key=None, label="", **{name: row[name] or 0 for name in _SUMS})


def _small_shops(campaign: Campaign) -> Q:
    """Redemptions in stores that take part as small shops."""
    shops = CampaignStore.objects.filter(campaign=campaign, category=SMALL_SHOP)
    return Q(store_id__in=shops.values("store_id"))


def _elders(at: datetime) -> Q:
    """Redemptions of holders who reach the age in the year of the report, or have reached it."""
    return Q(resident__birth_year__lte=at.year - SENIOR_AGE)


_DAYS: Statement[tuple[date, int]] = Statement(
    """
    SELECT (t.at AT TIME ZONE %(zone)s::text)::date, sum(l.amount_fen)::bigint
      FROM vouchers_account a
      JOIN vouchers_leg l ON l.account_id = a.id
      JOIN vouchers_transfer t ON t.id = l.transfer_id AND t.at = l.at
     WHERE a.campaign_id = %(campaign_id)s::bigint AND a.kind = 'outstanding'
       AND t.reason IN ('mint', 'claim')
     GROUP BY 1
    """,
    lambda row: (row[0], int(row[1])),
)


def days_of(campaign: Campaign) -> list[DayRow]:
    """What was issued and redeemed by day, oldest first; days on which nothing was are absent."""
    connection.ensure_connection()
    raw = connection.connection
    assert raw is not None
    with connection.wrap_database_errors:
        found = _DAYS.send(raw, {"campaign_id": campaign.pk, "zone": campaign.zone}).rows()
    issued = dict(found)
    rows = Redemption.objects.filter(campaign=campaign, state__in=LIVE).values("business_day")
    used = {
        row["business_day"]: (row["fen"], row["count"])
        for row in rows.order_by().annotate(fen=Sum("discount_fen"), count=Count("id"))
    }
    return [
        DayRow(day, issued.get(day, 0), *used.get(day, (0, 0)))
        for day in sorted(issued.keys() | used.keys())
    ]


def _refusals(campaign: Campaign) -> list[tuple[str, int]]:
    """Refusals of the campaign, and of its vouchers where a refusal came before the terms were
    read."""
    tranches = Tranche.objects.filter(campaign=campaign).values("id")
    attempts = Attempt.objects.alias(tranche=F("voucher_id").bitrightshift(SERIAL_BITS))
    own = Q(campaign_id=campaign.pk) | Q(campaign_id=None, tranche__in=tranches)
    rows = attempts.filter(own).values("code").order_by()
    counted = rows.annotate(count=Count("id")).order_by("-count", "code")
    return [(row["code"], row["count"]) for row in counted]


def _signals(campaign: Campaign) -> list[SignalRow]:
    rows = Signal.objects.filter(campaign=campaign).values("kind", "setting", "verdict").order_by()
    counted = rows.annotate(
        times=Count("id"), refused_times=Count("id", filter=Q(redemption=None))
    ).order_by("-times", "kind")
    return [SignalRow(**row) for row in counted]


def _areas(districts: Publishable) -> list[DistrictArea]:
    shown = {group.key: group.discount_fen for group in districts.shown}
    return [
        DistrictArea(row.name, row.boundary, shown.get(row.adcode))
        for row in District.objects.exclude(boundary=None)
        if row.boundary
    ]


def _places(campaign: Campaign, stores: Publishable, at: datetime) -> list[StorePlace]:
    shown = {group.key: group.discount_fen for group in stores.shown}
    ids = CampaignStore.objects.filter(campaign=campaign).values_list("store_id", flat=True)
    return [
        StorePlace(
            place.store.name,
            place.longitude_deg,
            place.latitude_deg,
            shown.get(place.store_id),
        )
        for place in locations(ids, at)
    ]
