"""Rows of a draft's terms, written as its page writes them: through `edit_campaign`."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User

from vouchers.models import Campaign
from vouchers.services.campaigns.drafts import RowEdit, edit_campaign, newest_edit


def add(relation: str, *, campaign: Campaign, by: User, at: datetime, **values: Any) -> Any:
    """One more row of a part; returns it."""
    _edit(campaign, relation, RowEdit(None, values), by, at)
    return getattr(campaign, relation).latest("id")


def change(relation: str, row: Any, *, by: User, at: datetime, **values: Any) -> None:
    """Other values in a row that is there."""
    _edit(row.campaign, relation, RowEdit(row.pk, values), by, at)
    row.refresh_from_db()


def _edit(campaign: Campaign, relation: str, row: RowEdit, by: User, at: datetime) -> None:
    edit_campaign(
        campaign=campaign,
        seen_edit=newest_edit(campaign),
        options={},
        parts={relation: [row]},
        by=by,
        at=at,
    )
