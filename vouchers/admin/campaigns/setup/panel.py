"""The panel beside the sections, of the draft as saved: money, reach, depth, what is missing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils.translation import get_language

from vouchers.admin.campaigns.forecast import first_day, usual_forecast
from vouchers.admin.campaigns.forecast_words import when, whole_yuan
from vouchers.admin.faults import FIELDS_OF_RULES, sentence
from vouchers.models import Campaign
from vouchers.money import yuan
from vouchers.queries.campaigns.readiness import surroundings_of
from vouchers.queries.campaigns.terms import terms_of
from vouchers.rules.campaigns.budget import Budget, budget_of
from vouchers.rules.campaigns.declaration import OPTIONS, Section
from vouchers.rules.campaigns.rates import USUAL
from vouchers.rules.campaigns.readiness import Finding, Stage, findings
from vouchers.services.audience.preview import Counted, last_preview

SECTION_OF: Final[Mapping[str, str]] = {
    "ends_after_start": "basics",
    "not_over_yet": "basics",
    "within_one_year": "basics",
    "validity_within_campaign": "basics",
    "has_sources": "money",
    "source_appropriated": "money",
    "budget_covers": "tiers",
    "has_tiers": "tiers",
    "threshold_above_face": "tiers",
    "percentage_in_range": "tiers",
    "share_of_known_source": "tiers",
    "shares_add_up": "tiers",
    "round_within_campaign": "rounds",
    "rounds_apart": "rounds",
    "has_stores": "stores",
    "limits_nest": "limits",
    "cells_differ": "limits",
    "cells_nest": "limits",
    "currency_known": "basics",
    "refund_policy_known": "redemption",
    "recipient_known": "redemption",
    "has_point_kinds": "audience",
    "point_kinds_known": "audience",
    "radius_in_range": "audience",
    "selection_method_known": "audience",
    "need_weights_count": "audience",
    "guaranteed_shares_fit": "audience",
    "filter_known": "audience",
    "streets_on_file": "audience",
    "rings_from_zero": "audience",
    "rings_contiguous": "audience",
    "rings_reach_radius": "audience",
}
"""Where a fault is mended, by its rule; what has no place stands without a link."""

FIELD_OF: Final[Mapping[str, str]] = {
    **FIELDS_OF_RULES,
    "not_over_yet": "ends_at",
    "ends_after_start": "ends_at",
    "validity_within_campaign": "validity_s",
    "radius_in_range": "radius_m",
    "has_point_kinds": "point_kinds",
    "streets_on_file": "audience_streets",
    "recipient_known": "anchor_recipients",
}
OF_SECTION: Final[Mapping[Section, str]] = {
    Section.GENERAL: "basics",
    Section.PERIOD: "basics",
    Section.AUDIENCE: "audience",
    Section.MONEY: "redemption",
}


@dataclass(frozen=True, slots=True)
class Todo:
    """A line of what is missing, or worth a look: its words, and the section and the field that it
    is about."""

    text: str
    blocks: bool
    section: str
    target: str
    """The id to jump to; empty where nothing on the page mends it."""


@dataclass(frozen=True, slots=True)
class Depth:
    """What the usual rate would use of the money, and by when it would be gone, in words."""

    rate: str
    rate_source: str
    used: str
    likely: str
    handed_out: str
    used_up: str


@dataclass(frozen=True, slots=True)
class Panel:
    """Everything in the panel."""

    budget: Budget
    money: list[dict[str, Any]]
    sources: list[dict[str, Any]]
    left: str
    missing: list[Todo]
    cautions: list[Todo]
    reach: Counted | None
    depth: Depth | None
    store_count: int

    @property
    def is_ready(self) -> bool:
        """Whether it can be submitted as it is."""
        return not self.missing


def panel_of(campaign: Campaign, *, at: datetime) -> Panel:
    """The panel as the draft stands."""
    terms = terms_of(campaign)
    budget = budget_of(terms)
    names = dict(campaign.tiers.values_list("code", "name"))
    sources = dict(campaign.sources.values_list("code", "name"))
    reach = last_preview(campaign)
    todo = [_todo(one) for one in findings(terms, surroundings_of(campaign, at=at), at=at)]
    return Panel(
        budget=budget,
        money=[
            {
                "name": names[tier.code],
                "face": yuan(tier.face_fen),
                "count": None if tier.count is None else f"{tier.count:,}",
                "planned": yuan(tier.planned_fen),
            }
            for tier in budget.tiers
        ],
        sources=[
            {
                "name": sources[source.code],
                "planned": yuan(source.planned_fen),
                "appropriated": yuan(source.appropriated_fen),
                "left": _signed(source.left_fen),
                "left_fen": source.left_fen,
            }
            for source in budget.sources
        ],
        left=_signed(budget.appropriated_fen - budget.planned_fen),
        missing=[line for line in todo if line.blocks],
        cautions=[line for line in todo if not line.blocks],
        reach=reach,
        depth=_depth(campaign, reach),
        store_count=terms.store_count,
    )


def _depth(campaign: Campaign, reach: Counted | None) -> Depth | None:
    found = usual_forecast(campaign, reach)
    if found is None:
        return None
    first = first_day(campaign)
    low_fen, high_fen = found.likely_fen
    return Depth(
        rate=f"{100 * USUAL.used:.1f} %",
        rate_source=USUAL.source.of(get_language() or "en"),
        used=whole_yuan(found.used_fen),
        likely=f"{whole_yuan(low_fen)} – {whole_yuan(high_fen)}",
        handed_out=when(first, found.handed_out),
        used_up=when(first, found.used_up),
    )


def _signed(fen: int) -> str:
    return f"+{yuan(fen)}" if fen > 0 else yuan(fen).replace("-", "−")


def _todo(finding: Finding) -> Todo:
    refusal = finding.refusal
    option = OPTIONS.get(str(refusal.facts.get("option")))
    section = OF_SECTION[option.section] if option else SECTION_OF.get(refusal.rule, "")
    name = option.name if option else FIELD_OF.get(refusal.rule)
    target = f"field-id_{section}-{name}" if name and section in OF_SECTION.values() else section
    return Todo(
        text=sentence(refusal, get_language() or "en"),
        blocks=finding.blocks is not Stage.NONE,
        section=section,
        target=target,
    )
