"""Rows of a draft's terms, written as its page writes them: through `edit_campaign`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User

from vouchers.models import Campaign, Tier
from vouchers.services.campaigns import terms
from vouchers.services.campaigns.drafts import RowEdit, edit_campaign, newest_edit
from vouchers.states import TierKind

PERCENTAGE_FEN = 5_000
PERCENTAGE_SPLIT = {"city": 3_000, "group": 2_000}


def add(relation: str, *, campaign: Campaign, by: User, at: datetime, **values: Any) -> Any:
    """One more row of a part; returns it."""
    add_all(relation, [values], campaign=campaign, by=by, at=at)
    return getattr(campaign, relation).latest("id")


def add_all(
    relation: str,
    rows: Sequence[Mapping[str, Any]],
    *,
    campaign: Campaign,
    by: User,
    at: datetime,
) -> None:
    """Several more rows of a part, in one edit."""
    _edit(campaign, relation, [RowEdit(None, values) for values in rows], by, at)


def change(relation: str, row: Any, *, by: User, at: datetime, **values: Any) -> None:
    """Other values in a row that is there."""
    _edit(row.campaign, relation, [RowEdit(row.pk, values)], by, at)
    row.refresh_from_db()


def add_percentage_tier(
    *, campaign: Campaign, by: User, at: datetime, count: int | None = None
) -> Tier:
    """15 % off, at most ¥50, paid 60 to 40 by city and group; so many vouchers of it, if capped."""
    tier = terms.add_tier(
        campaign=campaign,
        code="off15pc",
        name="八五折",
        kind=TierKind.PERCENT,
        percent_bp=1_500,
        face_fen=PERCENTAGE_FEN,
        split=PERCENTAGE_SPLIT,
        by=by,
        at=at,
    )
    if count is not None:
        add("cells", campaign=campaign, tier=tier, cap_count=count, by=by, at=at)
    return tier


def _edit(
    campaign: Campaign, relation: str, rows: Sequence[RowEdit], by: User, at: datetime
) -> None:
    edit_campaign(
        campaign=campaign,
        seen_edit=newest_edit(campaign),
        options={},
        parts={relation: rows},
        by=by,
        at=at,
    )
