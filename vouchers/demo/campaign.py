"""The demo's campaign: ¥5,000,000 in three tiers, decided by two people, issued by the worker."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.auth.models import User
from django.utils import timezone

from vouchers.demo.group import Group
from vouchers.demo.people import Staff
from vouchers.demo.telling import patiently
from vouchers.models import Campaign, Run
from vouchers.rules.limits.risk_rules import PARAMETERS, RiskRule
from vouchers.services.campaigns import drafts, lifecycle, proposals, terms
from vouchers.services.issuing.runs import request_run
from vouchers.services.ledger import funding
from vouchers.states import LimitKind, RiskKind, RiskSetting, RiskVerdict, RunState
from vouchers.tasks import wake_distribution

CODE: Final = "demo"
RADIUS_M: Final = 5_000
INNER_M: Final = 3_000
DAYS: Final = 30
VALIDITY_S: Final = 14 * 24 * 3600
CITY, SHOPS = "city", "group"
SOURCES: Final = {CITY: "市财政", SHOPS: "汇联百货集团"}
CITY_PERCENT: Final = 80
"""Of every face; the group pays the rest."""

PER_DAY: Final = 2
PER_CAMPAIGN: Final = 3
PHONE_PEOPLE: Final = PARAMETERS[RiskKind.DEVICE_SHARED]["people"].default
"""A family may share a phone; beyond so many people money is held."""

STORE_HEADROOM: Final = 1.3
FEWEST_PER_MINUTE: Final = 10

POLL_S: Final = 0.3
STUCK_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class TierPlan:
    """A tier and how many vouchers of it there are."""

    code: str
    threshold_fen: int
    face_fen: int
    count: int

    @property
    def name(self) -> str:
        """As shoppers know it: 满100减20."""
        return f"满{self.threshold_fen // 100}减{self.face_fen // 100}"


@dataclass(frozen=True, slots=True)
class Plan:
    """The settings of the demo's campaign."""

    code: str
    name: str
    tiers: Sequence[TierPlan]
    validity_s: int
    per_minute: int


TIERS: Final = (
    TierPlan("off20", 10_000, 2_000, 100_000),
    TierPlan("off50", 20_000, 5_000, 36_000),
    TierPlan("off150", 50_000, 15_000, 8_000),
)
"""Together 500,000,000 fen to the fen."""

TRIAL: Final = (TierPlan("trial20", 10_000, 2_000, 60),)
TRIAL_VALIDITY_S: Final = 1
"""Over before the merchant day begins: the vouchers that are shown too late."""


class StuckError(RuntimeError):
    """A distribution run has made no progress for minutes."""


def free_code() -> str:
    """demo, demo-2, demo-3, …: the first that no campaign has."""
    taken = set(Campaign.objects.filter(code__startswith=CODE).values_list("code", flat=True))
    number = 1
    while (code := CODE if number == 1 else f"{CODE}-{number}") in taken:
        number += 1
    return code


def store_limit(*, orders: int, group: Group) -> int:
    """Redemptions per store and minute with room for the day's busiest minute, not for a burst."""
    stores = len({till.store_no for till in group.tills})
    return max(FEWEST_PER_MINUTE, math.ceil(STORE_HEADROOM * orders / stores))


def set_up(*, plan: Plan, group: Group, staff: Staff, at: datetime) -> Campaign:
    """A draft by the manager, approved by the approver, launched, its cash received."""
    by = staff.manager
    campaign = lifecycle.create_campaign(
        code=plan.code,
        name=plan.name,
        organiser="上海市商务委员会（演示）",
        operator=group.merchant.name,
        starts_at=at,
        ends_at=at + timedelta(days=DAYS),
        validity_s=plan.validity_s,
        radius_m=RADIUS_M,
        order_kinds=("in_store", "delivered"),
        by=by,
        at=at,
    )
    _add_money(campaign, plan.tiers, staff, at)
    _add_rows(campaign, plan, by, at)
    terms.add_stores(campaign=campaign, stores=group.stores, by=by, at=at)
    _watch(campaign, staff, at)
    version = lifecycle.submit(campaign=campaign, by=by, at=at)
    lifecycle.approve(
        terms=version, by=staff.approver, seen_sha256=bytes(version.sha256), at=at, comment="同意"
    )
    lifecycle.launch(campaign=campaign, by=by, at=at)
    for source in campaign.sources.all():
        funding.receive_cash(
            source=source,
            amount_fen=source.appropriated_fen,
            document_no=f"{plan.code}-{source.code}-1",
            request_id=f"{plan.code}-{source.code}-1",
            by=by,
            at=at,
        )
    return campaign


def _add_money(campaign: Campaign, tiers: Sequence[TierPlan], staff: Staff, at: datetime) -> None:
    """Sources that appropriate exactly what the tiers can issue, and the tiers."""
    by = staff.manager
    for code, name in SOURCES.items():
        whole_fen = sum(_share_fen(tier, code) * tier.count for tier in tiers)
        terms.add_source(
            campaign=campaign, code=code, name=name, appropriated_fen=whole_fen, by=by, at=at
        )
    for plan in tiers:
        terms.add_tier(
            campaign=campaign,
            code=plan.code,
            name=plan.name,
            face_fen=plan.face_fen,
            threshold_fen=plan.threshold_fen,
            split={code: _share_fen(plan, code) for code in SOURCES},
            by=by,
            at=at,
        )


def _add_rows(campaign: Campaign, plan: Plan, by: User, at: datetime) -> None:
    """Two rings, three limits, and a quota cell for each tier."""
    limits = {
        LimitKind.RESIDENT_DAY: PER_DAY,
        LimitKind.RESIDENT_CAMPAIGN: PER_CAMPAIGN,
        LimitKind.STORE_MINUTE: plan.per_minute,
    }
    rows: dict[str, list[dict[str, Any]]] = {
        "rings": [
            {"label": "0–3 km", "from_m": 0, "to_m": INNER_M},
            {"label": "3–5 km", "from_m": INNER_M, "to_m": RADIUS_M},
        ],
        "limits": [{"kind": kind, "limit_count": most} for kind, most in limits.items()],
        "cells": [
            {"tier": campaign.tiers.get(code=tier.code), "cap_count": tier.count}
            for tier in plan.tiers
        ],
    }
    drafts.edit_campaign(
        campaign=campaign,
        seen_edit=drafts.newest_edit(campaign),
        options={},
        parts={part: [drafts.RowEdit(None, row) for row in added] for part, added in rows.items()},
        by=by,
        at=at,
    )


def _watch(campaign: Campaign, staff: Staff, at: datetime) -> None:
    """Risk rules that are decided before the launch: of a split order what is noticed is paid and
    looked into, of one phone with many people's vouchers it is held."""
    minutes = PARAMETERS[RiskKind.SPLIT_ORDERS]["minutes"].default
    rules = (
        (RiskKind.SPLIT_ORDERS, RiskVerdict.PAY, {"minutes": minutes}, "两单之间过近，先观察"),
        (RiskKind.DEVICE_SHARED, RiskVerdict.HOLD, {"people": PHONE_PEOPLE}, "一机多人，防套现"),
    )
    for version, (kind, verdict, parameters, why) in enumerate(rules):
        proposal = proposals.propose_risk_rule(
            campaign=campaign,
            rule=RiskRule(kind, RiskSetting.LIVE, verdict, parameters),
            expected_version=version,
            why=why,
            request_id=f"{campaign.code}-rule-{version + 1}",
            by=staff.manager,
            at=at,
        )
        proposals.approve_proposal(
            proposal=proposal,
            by=staff.approver,
            seen_sha256=bytes(proposal.sha256),
            at=at,
            comment="同意",
        )


def _share_fen(tier: TierPlan, source: str) -> int:
    city_fen = tier.face_fen * CITY_PERCENT // 100
    return city_fen if source == CITY else tier.face_fen - city_fen


def distribute(
    *,
    campaign: Campaign,
    staff: Staff,
    check: Callable[[], None],
    on_progress: Callable[[float], None] = lambda done: None,
) -> Run:
    """Queue a run for the worker and watch it to its end; `check` raises when no process runs.
    Under kills the run is requested once and finished by a restarted worker. Raises StuckError.
    """
    run = patiently(lambda: _run_of(campaign, staff))
    moved_s, seen = time.monotonic(), -1
    while run.state != RunState.DONE:
        check()
        time.sleep(POLL_S)
        patiently(run.refresh_from_db)
        on_progress(run.progress_pct)
        if run.progress_pct != seen:
            moved_s, seen = time.monotonic(), run.progress_pct
        elif time.monotonic() - moved_s > STUCK_S:
            raise StuckError(f"The run stands at {seen} %; see the worker's log.")
    return run


def _run_of(campaign: Campaign, staff: Staff) -> Run:
    known = campaign.runs.first()
    if known:
        return known
    run = request_run(campaign=campaign, seed=campaign.code, by=staff.manager, at=timezone.now())
    wake_distribution()
    return run
