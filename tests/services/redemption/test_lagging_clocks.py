"""Clocks that differ by a second: what follows is written no earlier than what it follows."""

from datetime import timedelta

import pytest

from tests.support import cast
from tests.support.cast import NOON
from tests.support.concurrency.invariants import assert_proven
from tests.support.till import authorised, captured, issue_vouchers, refunded, till_of
from vouchers.models import Refund

pytestmark = pytest.mark.django_db

LAGGING = NOON - timedelta(seconds=1)


def test_a_capture_and_a_refund_by_a_clock_that_lags() -> None:
    (voucher,) = issue_vouchers(cast.running_campaign(), [cast.alice()])
    redemption = authorised(voucher, cast.nanjing_road(), cast.alice(), at=NOON)
    till = till_of(redemption.store)
    assert captured(redemption, caller=till, at=LAGGING).status == 200
    redemption.refresh_from_db()
    assert redemption.captured_at == redemption.redeemed_at == NOON
    assert refunded(redemption, caller=till, at=LAGGING).status == 200
    assert Refund.objects.get().refunded_at == NOON
    assert_proven()
