"""Rows of a draft's terms, written as its page writes them: through `edit_campaign`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User

from vouchers.models import Campaign
from vouchers.services.campaigns.drafts import RowEdit, edit_campaign, newest_edit


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
