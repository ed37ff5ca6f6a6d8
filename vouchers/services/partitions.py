"""Partitions of the journal, opened ahead of the months they are for."""

from datetime import UTC, date, datetime, timedelta

from django.db import transaction

from vouchers.models import SandboxClock
from vouchers.models.issuing.tranches import OPEN_MONTH
from vouchers.sql.pipeline import raw_connection

MONTHS_AHEAD = 2


def open_months(*, at: datetime) -> list[date]:
    """Open this month (UTC) and the two after it, also by the clocks of the sandbox; months that
    are open stay as they are. A month of which rows came before it was opened stays closed."""
    clocks = SandboxClock.objects.values_list("ahead", flat=True).distinct()
    months = sorted({month for ahead in (timedelta(0), *clocks) for month in _from(at + ahead)})
    with transaction.atomic():
        for month in months:
            OPEN_MONTH.send(raw_connection(), {"month": month}).rows()
    return months


def _from(at: datetime) -> list[date]:
    first = at.astimezone(UTC).date().replace(day=1)
    return [_months_later(first, count) for count in range(MONTHS_AHEAD + 1)]


def _months_later(first: date, count: int) -> date:
    years, month = divmod(first.month - 1 + count, 12)
    return date(first.year + years, month + 1, 1)
