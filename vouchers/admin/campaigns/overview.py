"""What the top of a campaign's page and the review page show, as plain tables and bars."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from vouchers.admin.faults import sentence
from vouchers.http.explanations import reason_name
from vouchers.http.stops import campaign_state
from vouchers.models import Campaign
from vouchers.models.ledger.transfers import ACCOUNT_KINDS
from vouchers.money import yuan
from vouchers.queries.campaigns.overview import Figures, figures_of, last_audience
from vouchers.queries.campaigns.readiness import surroundings_of
from vouchers.queries.campaigns.terms import terms_of
from vouchers.queries.ledger.balances import IdentityRow, identity_rows
from vouchers.queries.ledger.leftovers import leftovers_of
from vouchers.queries.roles import Area
from vouchers.rules.audience.squares import LEAST
from vouchers.rules.campaigns.readiness import unfit
from vouchers.states import AccountKind, CampaignState

KINDS = [kind for kind in AccountKind if kind != AccountKind.APPROPRIATED]
Table = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a bar, in per cent of its length; `kind` chooses the colour."""

    kind: str
    label: str
    value: str
    offset_pct: float
    width_pct: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A labelled bar."""

    label: str
    value: str
    segments: list[Segment]


def campaign_overview(campaign: Campaign, *, area: Area, at: datetime) -> dict[str, Any]:
    """Everything above the form of one campaign; outside the whole city only what was redeemed in
    the area."""
    language = get_language() or "en"
    figures = figures_of([campaign.pk], area=area)[campaign.pk]
    if not area.is_city:
        return {"campaign": campaign, "paused": _paused(campaign), "cards": figure_cards(figures)}
    rows = identity_rows(campaign.pk)
    is_draft = campaign.state == CampaignState.DRAFT
    found = unfit(terms_of(campaign), surroundings_of(campaign, at=at), at=at) if is_draft else []
    return {
        "campaign": campaign,
        "paused": _paused(campaign),
        "identity": identity_table(rows),
        "is_balanced": all(row.off_fen == 0 for row in rows),
        "bars": [budget_bar(row) for row in rows],
        "is_city": True,
        "cards": [*money_cards(figures, rows), *figure_cards(figures)],
        "leftovers": leftovers_table(campaign),
        "audience": audience_bars(campaign),
        "faults": [sentence(fault, language) for fault in found],
        "versions": campaign.versions.prefetch_related("approvals__approver").order_by("-number"),
    }


def _paused(campaign: Campaign) -> str:
    return campaign_state(campaign) if campaign.state == CampaignState.PAUSED else ""


def money_cards(figures: Figures, rows: Iterable[IdentityRow]) -> list[tuple[str, str, str]]:
    """(title, figure, what stands below it) of what was appropriated and issued."""
    appropriated_fen = sum(row.appropriated_fen for row in rows)
    return [
        (_("Appropriated"), yuan(appropriated_fen), _("by all sources")),
        (_("Issued"), f"{figures.issued_count:,}", yuan(figures.issued_fen)),
    ]


def figure_cards(figures: Figures) -> list[tuple[str, str, str]]:
    """The same of what was redeemed."""
    share = f" · {figures.redeemed_pct:.1f} %" if figures.issued_count else ""
    return [
        (
            _("Redeemed"),
            f"{figures.redeemed_count:,}",
            f"{yuan(figures.discount_fen)}{share}",
        ),
        (_("Order amount"), yuan(figures.order_fen), _("leverage ×%.1f") % figures.leverage),
    ]


def identity_table(rows: list[IdentityRow]) -> Table:
    """The budget identity line by line: a column per source, and the check at the bottom."""
    names = dict(ACCOUNT_KINDS)
    lines = [
        [str(names[kind.value]), *(yuan(row.parts_fen[kind]) for row in rows)] for kind in KINDS
    ]
    return {
        "headers": [_("account"), *(row.name for row in rows)],
        "rows": lines,
        "sums": [_("sum"), *(yuan(sum(row.parts_fen.values())) for row in rows)],
        "whole": [_("appropriated"), *(yuan(row.appropriated_fen) for row in rows)],
    }


def leftovers_table(campaign: Campaign) -> Table | None:
    """What became of each round's and tier's money: a row each, and what is free at the bottom."""
    found = leftovers_of(campaign.pk)
    if not found.rows:
        return None
    tiers = dict(campaign.tiers.values_list("code", "name"))
    sources = dict(campaign.sources.values_list("code", "name"))
    rows = [
        [
            str(row.round or "–"),
            tiers[row.tier],
            sources[row.source],
            *(
                yuan(fen)
                for fen in (row.issued_fen, row.used_fen, row.in_hands_fen, row.returned_fen)
            ),
        ]
        for row in found.rows
    ]
    return {
        "headers": [
            _("round"),
            _("tier"),
            _("source"),
            _("issued"),
            _("used"),
            _("in hands"),
            _("came back"),
        ],
        "rows": rows,
        "free": " · ".join(f"{sources[code]} {yuan(fen)}" for code, fen in found.free_fen.items()),
    }


def budget_bar(row: IdentityRow) -> Bar:
    """Where a source's money is, as one bar."""
    names = dict(ACCOUNT_KINDS)
    segments, offset_pct = [], 0.0
    for kind in KINDS:
        fen = row.parts_fen[kind]
        if fen <= 0 or not row.appropriated_fen:
            continue
        width_pct = 100 * fen / row.appropriated_fen
        segments.append(
            Segment(kind.value, str(names[kind.value]), yuan(fen), offset_pct, width_pct)
        )
        offset_pct += width_pct
    return Bar(row.name, yuan(row.appropriated_fen), segments)


def audience_bars(campaign: Campaign) -> dict[str, Any] | None:
    """Residents by ring in the newest run, and why the others were not targeted."""
    run = last_audience(campaign.pk)
    if run is None:
        return None
    distances = {ring.label: f"{ring.from_m:,}–{ring.to_m:,} m" for ring in campaign.rings.all()}
    rings: Mapping[str, int] = run.audience.get("rings", {})
    return {
        "run": run,
        "examined": f"{run.audience.get('examined', 0):,}",
        "targeted": f"{run.audience.get('targeted', sum(rings.values())):,}",
        "rings": count_bars(
            {f"{label} {distances.get(label, '')}": shown(n) for label, n in rings.items()}
        ),
        "untargeted": count_bars(
            {reason_name(code): shown(n) for code, n in run.audience.get("untargeted", {}).items()},
            kind="untargeted",
        ),
    }


def shown(count: int) -> int | None:
    """A count of people, or None where they are too few to be counted in public (k-anonymity)."""
    return None if 0 < count < LEAST else count


def count_text(count: int | None) -> str:
    """A count as it is printed."""
    return _("fewer than 10") if count is None else f"{count:,}"


def count_bars(counts: Mapping[str, int | None], *, kind: str = "count") -> list[Bar]:
    """One bar per entry, the longest being whole; None is a count too small to be shown."""
    most = max((count or 0 for count in counts.values()), default=0) or 1
    return [
        Bar(
            label,
            count_text(count),
            [Segment(kind, label, "", 0.0, 100 * (count or 0) / most)],
        )
        for label, count in counts.items()
    ]
