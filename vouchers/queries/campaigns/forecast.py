"""What a forecast stands on: a campaign's plan, its stores, and how past vouchers were used."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.db.models import Q, Sum

from merchants.models import District
from vouchers.models import Campaign, CampaignStore, QuotaCell, Tranche
from vouchers.models.issuing.runs import SERIAL_BITS
from vouchers.money import WHOLE_BP
from vouchers.queries.campaigns.terms import slice_of
from vouchers.rules.campaigns.declaration import DAY_S
from vouchers.rules.campaigns.fairness import StorePlace
from vouchers.rules.campaigns.forecast import Cap, Offer, Opening, Plan
from vouchers.rules.campaigns.rates import LEAST_ISSUED, STEPS, Rate, observed
from vouchers.rules.issuing.priority import SMALL_SHOP
from vouchers.rules.limits.limits import business_day
from vouchers.sql.pipeline import raw_connection
from vouchers.sql.statements import Statement
from vouchers.states import RedemptionState, RoundWay, TrancheState

MOST_DAYS: Final = 366
TRANCHES_READ: Final = 10
"""The newest ended ones of a past campaign; a million vouchers each at most."""
CLAIMED: Final = (RoundWay.CLAIM, RoundWay.CLAIM_ON_SPOT)
UNDERSTOOD: Final = frozenset({"tier", "round", "source"})
"""Dimensions of quota cells that the forecast heeds."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan. `left_out` are the codes of tiers whose shares do not add up to their face;
    `unheeded` the dimensions of quota cells that the plan knows nothing of."""

    plan: Plan
    left_out: tuple[str, ...]
    unheeded: tuple[str, ...]
    has_claims: bool


class Past(NamedTuple):
    """A campaign of which vouchers have ended, and how many."""

    campaign_id: int
    code: str
    name: str
    issued: int


def plan_of(campaign: Campaign, *, people: int, asking: float = 1.0) -> Planned | None:
    """The campaign as its terms stand, reaching so many people, of whom the share `asking` takes
    part in rounds that are claimed; None while it has no sound tier, no money, or no period of at
    most a year."""
    first = business_day(campaign.starts_at, campaign.zone)
    last = business_day(campaign.ends_at - timedelta(microseconds=1), campaign.zone)
    days = (last - first).days + 1
    sources = dict(campaign.sources.order_by("code").values_list("code", "appropriated_fen"))
    tiers = list(campaign.tiers.order_by("face_fen", "id").prefetch_related("splits__source"))
    offers = [
        Offer(
            tier.code,
            tier.face_fen,
            {share.source.code: share.amount_fen for share in tier.splits.all()},
            tier.per_resident,
        )
        for tier in tiers
    ]
    sound = [it for it in offers if 0 < it.face_fen == sum(it.shares_fen.values())]
    if not sound or not any(sources.values()) or not 0 < days <= MOST_DAYS:
        return None
    rounds = list(campaign.rounds.order_by("opens_at", "number"))
    openings = [
        Opening(
            (business_day(it.opens_at, campaign.zone) - first).days,
            it.number,
            asking if RoundWay(it.way) in CLAIMED else 1.0,
        )
        for it in rounds
    ]
    related = ("tier", "round", "source", "store__merchant")
    sliced = [
        (slice_of(cell), cell)
        for cell in QuotaCell.objects.filter(campaign=campaign).select_related(*related)
    ]
    return Planned(
        plan=Plan(
            people=people * (WHOLE_BP - campaign.hold_out_bp) // WHOLE_BP,
            offers=sound,
            openings=openings or [Opening(0)],
            caps=[
                *(Cap(fen=fen, source=code) for code, fen in sources.items()),
                *(_cap(names, cell) for names, cell in sliced if names.keys() <= UNDERSTOOD),
            ],
            budget_fen=sum(sources.values()),
            validity_days=min(max(-(-campaign.validity_s // DAY_S), 1), days),
            days=days,
        ),
        left_out=tuple(it.code for it in offers if it not in sound),
        unheeded=tuple(sorted({name for names, _ in sliced for name in names} - UNDERSTOOD)),
        has_claims=any(RoundWay(it.way) in CLAIMED for it in rounds),
    )


def _cap(names: Mapping[str, str], cell: QuotaCell) -> Cap:
    return Cap(
        fen=cell.cap_fen,
        count=cell.cap_count,
        tier=names.get("tier"),
        round=cell.round.number if cell.round else None,
        source=names.get("source"),
    )


def past_campaigns(campaign_ids: Collection[int], *, at: datetime) -> list[Past]:
    """Of these, those with enough vouchers whose validity has ended, the newest first."""
    rows = Tranche.objects.filter(_ended(at), campaign__in=campaign_ids).order_by()
    named = rows.values_list("campaign_id", "campaign__code", "campaign__name")
    issued = named.annotate(count=Sum("voucher_count"))
    found = [Past(*row) for row in issued if row[-1] >= LEAST_ISSUED]
    return sorted(found, key=lambda past: -past.campaign_id)


class _StepRow(NamedTuple):
    tranche_id: int
    step: int
    used: int


# By the range of ids of each tranche, so that only its own redemptions are read.
_USED_BY_STEP: Statement[_StepRow] = Statement(
    f"""
    SELECT t.id,
           least(greatest(floor({STEPS} * extract(epoch FROM r.redeemed_at - t.valid_from_at)
                 / extract(epoch FROM t.valid_until_at - t.valid_from_at)), 0), {STEPS - 1})::int,
           count(*)
      FROM unnest(%(tranche_ids)s::bigint[]) AS wanted(id)
      JOIN vouchers_tranche t ON t.id = wanted.id
      JOIN vouchers_redemption r
        ON r.voucher_id >= t.id << {SERIAL_BITS} AND r.voucher_id < (t.id + 1) << {SERIAL_BITS}
       AND r.state IN ({RedemptionState.AUTHORISED.value}, {RedemptionState.CAPTURED.value})
     GROUP BY 1, 2
    """,
    _StepRow._make,
)


def rates_of(campaign_id: int, tiers: Collection[str], *, at: datetime) -> dict[str, Rate]:
    """The rate for each of these tiers, from the newest ended vouchers of a campaign: of its tier
    of the same code, else of all its tiers; empty where too few were issued to tell."""
    rows = Tranche.objects.filter(_ended(at), campaign=campaign_id, voucher_count__gt=0)
    newest = rows.order_by("-id").values_list("id", "tier__code", "voucher_count")[:TRANCHES_READ]
    issued: Counter[str] = Counter()
    code_of = {}
    for tranche_id, code, count in newest:
        code_of[tranche_id] = code
        issued[code] += count
    used: dict[str, Counter[int]] = {code: Counter() for code in issued}
    asked = {"tranche_ids": sorted(code_of)}
    for row in _USED_BY_STEP.send(raw_connection(), asked).rows():
        used[code_of[row.tranche_id]][row.step] += row.used
    whole = observed(issued.total(), _steps(sum(used.values(), Counter())))
    if whole is None:
        return {}
    own = {code: observed(issued[code], _steps(used[code])) for code in issued}
    return {code: own.get(code) or whole for code in tiers}


def _steps(used: Mapping[int, int]) -> list[int]:
    return [used.get(step, 0) for step in range(STEPS)]


def _ended(at: datetime) -> Q:
    """Vouchers that can no more be used; those of a test campaign by its own clock."""
    return Q(state=TrancheState.EXPIRED) | Q(valid_until_at__lte=at)


def store_places(campaign: Campaign) -> dict[int, StorePlace]:
    """Of all stores that take part or took part."""
    rows = CampaignStore.objects.filter(campaign=campaign).order_by("id")
    return {
        store_id: StorePlace(district_id, category == SMALL_SHOP)
        for store_id, district_id, category in rows.values_list(
            "store_id", "store__district_id", "category"
        )
    }


def census_of_districts() -> dict[int, int | None]:
    """The census of each district on file."""
    return dict(District.objects.order_by("adcode").values_list("adcode", "population"))
