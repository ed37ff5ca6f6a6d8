"""Partitions of the journal, opened ahead of the months they are for."""

from datetime import UTC, date, datetime

from django.db import transaction

from vouchers.models.issuing.tranches import OPEN_MONTH
from vouchers.sql.pipeline import raw_connection

MONTHS_AHEAD = 2


def open_months(*, at: datetime) -> list[date]:
    """Open this month (UTC) and the two after it; months that are open stay as they are."""
    first = at.astimezone(UTC).date().replace(day=1)
    months = [_months_later(first, count) for count in range(MONTHS_AHEAD + 1)]
    with transaction.atomic():
        for month in months:
            OPEN_MONTH.send(raw_connection(), {"month": month}).rows()
    return months


def _months_later(first: date, count: int) -> date:
    years, month = divmod(first.month - 1 + count, 12)
    return date(first.year + years, month + 1, 1)
