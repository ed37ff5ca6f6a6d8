"""A batch that has to wait for one voucher still sees it, whatever tranches the others are of."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections, transaction

from tests.support import cast
from tests.support.concurrency.threads import PATIENCE_S
from tests.support.till import issue_vouchers
from vouchers.models import Voucher
from vouchers.models.issuing.vouchers import LOCK_VOUCHERS, LockedVoucher
from vouchers.sql.pipeline import raw_connection
from vouchers.states import VoucherState

pytestmark = pytest.mark.django_db(transaction=True)

TRANCHES = 3
# Enough for the plan of a real tranche: looked up by index, one voucher after the other.
VOUCHERS = 2_000


def locked(voucher_ids: Sequence[int]) -> list[LockedVoucher]:
    """The vouchers as a batch locks them, on a connection of its own."""
    try:
        with transaction.atomic():
            return LOCK_VOUCHERS.send(raw_connection(), {"voucher_ids": voucher_ids}).rows()
    finally:
        connections.close_all()


def wait_until_a_session_waits() -> None:
    give_up_at = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up_at:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone() != (0,):
                return
        time.sleep(0.01)
    raise AssertionError("no session ever waited")


@pytest.mark.parametrize("contested", range(TRANCHES))
def test_a_voucher_that_was_waited_for_is_not_lost(contested: int) -> None:
    campaign = cast.running_campaign()
    vouchers = [issue_vouchers(campaign, [cast.alice()] * VOUCHERS)[0] for _ in range(TRANCHES)]
    wanted = sorted(voucher.pk for voucher in vouchers)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Voucher.objects.filter(pk=wanted[contested]).update(state=VoucherState.REDEEMED)
            waiting = pool.submit(locked, wanted)
            wait_until_a_session_waits()
        rows = waiting.result(PATIENCE_S)
    assert [row.id for row in rows] == wanted
    assert rows[contested].state == VoucherState.REDEEMED
