"""Months of the journal are opened ahead, also beside rows of months that were not."""

import pytest
from django.db import connection

from tests.support import cast
from tests.support.cast import DAY, NOON
from vouchers.services.partitions import open_months
from vouchers.services.sandbox import move_clock

pytestmark = pytest.mark.django_db


def months_opened() -> set[str]:
    """The partitions of the journal's legs, by month."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT right(inhrelid::regclass::text, 6) FROM pg_inherits"
            " WHERE inhparent = 'vouchers_leg'::regclass"
        )
        return {name for (name,) in cursor.fetchall()}


def test_a_month_that_was_missed_keeps_no_later_one_closed() -> None:
    """Its rows lie in the partition of the rest, and are never moved."""
    cast.spring_campaign(starts_at=NOON)
    open_months(at=NOON - DAY)
    assert {"202604", "202605"} <= months_opened()
    assert "202603" not in months_opened()


def test_months_of_a_sandbox_whose_clock_is_moved_are_opened_before_anything_is_posted() -> None:
    campaign = cast.running_campaign(is_test=True, ends_at=NOON + 500 * DAY)
    move_clock(campaign=campaign, to=NOON + 400 * DAY, by=cast.mei(), at=NOON)
    assert {"202705", "202706", "202707"} <= months_opened()
    open_months(at=NOON + 61 * DAY)
    assert {"202606", "202708", "202709"} <= months_opened()
