"""Money and tiers of a draft as its set-up page sends them: all rows of a section in one edit.

Each edit names the newest edit that the page showed (`seen_edit`), as in `drafts`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from merchants.errors import Refused
from vouchers.models import Campaign, FundingSource, QuotaCell, Tier
from vouchers.queries.campaigns.terms import terms_of
from vouchers.rules.campaigns import budget
from vouchers.rules.campaigns.terms import INVALID
from vouchers.services.campaigns.drafts import add_row, assign, remove_rows
from vouchers.services.campaigns.terms import check_amounts, note_edit, set_split
from vouchers.services.ledger import funding
from vouchers.services.refusals import refused_by_database


@dataclass(frozen=True, slots=True)
class SourceEdit:
    """What a source is to appropriate; a code that the draft lacks makes a new source."""

    code: str
    name: str
    appropriated_fen: int


@dataclass(frozen=True, slots=True)
class TierEdit:
    """A tier: without `pk` a new one, without `values` a deletion. `split`: what each source (by
    code) pays of the face. `count`: how many vouchers, None for no quota of its own."""

    pk: int | None
    values: Mapping[str, Any] | None
    split: Mapping[str, int]
    count: int | None


class Fit(StrEnum):
    """What is changed so that face × count is the budget."""

    COUNTS = "counts"
    BUDGET = "budget"


def edit_sources(
    *,
    campaign: Campaign,
    seen_edit: int,
    sources: Sequence[SourceEdit],
    by: User,
    at: datetime,
) -> None:
    """Set what the sources of a draft appropriate, new ones included, in one edit.

    Refuses as `drafts.edit_campaign` and `funding.appropriate` do.
    """
    check_amounts(*(edit.appropriated_fen for edit in sources), least=0)
    with refused_by_database(), transaction.atomic():
        note_edit(campaign=campaign, by=by, what="sources", at=at, seen_edit=seen_edit)
        for edit in sources:
            source, is_new = FundingSource.objects.get_or_create(
                campaign=campaign, code=edit.code, defaults={"name": edit.name}
            )
            if not is_new and source.name != edit.name:
                assign(source, {"name": edit.name})
            _appropriate(source, edit.appropriated_fen, at)


def edit_tiers(
    *, campaign: Campaign, seen_edit: int, tiers: Sequence[TierEdit], by: User, at: datetime
) -> None:
    """Change the tiers of a draft with their shares and numbers of vouchers, in one edit.

    Refuses as `drafts.edit_tier` does.
    """
    with refused_by_database(), transaction.atomic():
        note_edit(campaign=campaign, by=by, what="tiers", at=at, seen_edit=seen_edit)
        for edit in tiers:
            _edit_tier(campaign, edit)


def make_fit(*, campaign: Campaign, seen_edit: int, fit: Fit, by: User, at: datetime) -> None:
    """Change the tiers' numbers, or what the sources appropriate, so that one pays the other.

    Refuses `terms_invalid` (`has_tiers`) without tiers, (`source_appropriated`) where the sources
    pay for nothing, and as `drafts.edit_campaign` and `funding.appropriate` do.
    """
    with refused_by_database(), transaction.atomic():
        note_edit(campaign=campaign, by=by, what=f"fit {fit}", at=at, seen_edit=seen_edit)
        terms = terms_of(campaign)
        if not terms.tiers:
            raise Refused(INVALID, "has_tiers")
        if fit is Fit.BUDGET:
            wanted_fen = budget.fitting_appropriations(terms)
            for source in campaign.sources.order_by("code"):
                _appropriate(source, wanted_fen[source.code], at)
            return
        counts = budget.fitting_counts(terms)
        if not any(counts.values()):
            poor = min(terms.appropriated_fen, key=terms.appropriated_fen.__getitem__, default="–")
            raise Refused(INVALID, "source_appropriated", source=poor)
        for tier in campaign.tiers.order_by("code"):
            set_count(tier, counts[tier.code])


def set_count(tier: Tier, count: int | None) -> None:
    """Set how many vouchers of a tier there are, the cap of the quota cell of that tier alone;
    inside an edit's transaction. None removes the cell, unless it caps money."""
    slices = ("round", "district", "store", "source", "channel", "day")
    only = {f"{name}__isnull": True for name in slices}
    cell = QuotaCell.objects.filter(tier=tier, **only).first()
    if cell is None:
        if count is not None:
            add_row(QuotaCell(campaign_id=tier.campaign_id), {"tier": tier, "cap_count": count})
    elif count is None and cell.cap_fen is None:
        remove_rows([cell])
    elif cell.cap_count != count:
        assign(cell, {"cap_count": count})


def _appropriate(source: FundingSource, target_fen: int, at: datetime) -> None:
    if source.appropriated_fen != target_fen:
        funding.appropriate(
            source=source, expected_fen=source.appropriated_fen, target_fen=target_fen, at=at
        )


def _edit_tier(campaign: Campaign, edit: TierEdit) -> None:
    if edit.pk is None:
        if edit.values is None:
            return
        tier = Tier(campaign=campaign)
        _check(edit)
        add_row(tier, edit.values)
    else:
        tier = campaign.tiers.get(pk=edit.pk)
        if edit.values is None:
            # Its number of vouchers goes with it; other quotas that name it hold it.
            set_count(tier, None)
            remove_rows([tier])
            return
        _check(edit)
        assign(tier, edit.values)
    set_split(tier, edit.split)
    set_count(tier, edit.count)


def _check(edit: TierEdit) -> None:
    check_amounts(*edit.split.values())
    check_amounts(edit.count, least=0)
