"""Vouchers are locked before they are judged, and from the lowest number to the highest."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from time import monotonic, sleep

import pytest
from django.db import OperationalError, connection, connections, transaction

from tests import cast
from tests.till import hand_out, order
from vouchers.models import Campaign, Voucher
from vouchers.services.redemption import redeem
from vouchers.services.requests import RedeemRequest

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE_S = 20
TILLS = 4
WAITING = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND wait_event_type = 'Lock' AND state = 'active'
"""


@pytest.fixture
def campaign() -> Campaign:
    return cast.running_campaign(caps={})


@contextmanager
def somebody_holds(voucher: Voucher) -> Iterator[None]:
    """Another connection has the voucher's row, as a till under way would."""
    held, done = Event(), Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                Voucher.objects.select_for_update(no_key=True).get(pk=voucher.pk)
                held.set()
                assert done.wait(PATIENCE_S)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(hold)
        try:
            assert held.wait(PATIENCE_S)
            yield
        finally:
            done.set()
            holding.result(PATIENCE_S)


def wait_until_somebody_waits() -> None:
    """Until a statement of another connection waits for a lock."""
    end = monotonic() + PATIENCE_S
    while monotonic() < end:
        with connection.cursor() as cursor:
            cursor.execute(WAITING)
            if cursor.fetchone()[0]:
                return
        sleep(0.01)
    raise AssertionError("nobody waits for the voucher")


def redeemed(requests: list[RedeemRequest]) -> list[int]:
    try:
        return [answer.status for answer in redeem(requests=requests)]
    finally:
        connections.close_all()


def is_free(voucher: Voucher) -> bool:
    """Whether nobody has the voucher's row."""
    try:
        with transaction.atomic():
            Voucher.objects.select_for_update(no_key=True, nowait=True).get(pk=voucher.pk)
    except OperationalError:
        return False
    return True


def test_a_till_waits_for_whoever_has_the_voucher(campaign: Campaign) -> None:
    (voucher,) = hand_out(campaign, [cast.alice()])
    request = order(voucher, cast.nanjing_road(), cast.alice())
    with ThreadPoolExecutor(1) as pool:
        with somebody_holds(voucher):
            waiting: Future[list[int]] = pool.submit(redeemed, [request])
            wait_until_somebody_waits()
            assert not waiting.done()
        assert waiting.result(PATIENCE_S) == [201]


def test_a_batch_that_waits_for_its_first_voucher_holds_none_of_the_later(
    campaign: Campaign,
) -> None:
    """Whatever the order of its requests, so that no two batches wait for each other. Tried on
    several connections."""
    for _ in range(TILLS):
        first, second = hand_out(campaign, [cast.alice(), cast.carol()])
        place = cast.nanjing_road()
        batch = [order(second, place, cast.carol()), order(first, place, cast.alice())]
        with ThreadPoolExecutor(1) as pool:
            with somebody_holds(first):
                waiting = pool.submit(redeemed, batch)
                wait_until_somebody_waits()
                assert is_free(second)
            assert waiting.result(PATIENCE_S) == [201, 201]
