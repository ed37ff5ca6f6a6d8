"""A web server that is asked to stop answers the orders it has taken, then ends."""

import os
import signal
from http.client import HTTPConnection
from time import monotonic, sleep

import httpx
import pytest
from django.db import transaction
from django.utils import timezone

from tests.support import cast
from tests.support.concurrency.invariants import assert_proven
from tests.support.http_till import Call, http_till, open_campaign, till_key
from tests.support.web_server import serving
from vouchers.management.programs import NO_AUTHORITIES
from vouchers.models import Redemption, Voucher

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

ORDERS = 6
PATIENCE_S = 60


def send(url: str, call: Call) -> HTTPConnection:
    """Send a call; its answer is read from the connection later."""
    connection = HTTPConnection(httpx.URL(url).netloc.decode(), timeout=PATIENCE_S)
    headers = {name: value.decode() for name, value in call.headers.items()}
    connection.request(call.method, call.path, body=call.body, headers=headers)
    return connection


def wait_until_it_takes_no_more(url: str) -> None:
    """Return when a new request is not answered: the server has heard that it is to end."""
    until_s = monotonic() + PATIENCE_S
    while monotonic() < until_s:
        try:
            httpx.get(f"{url}/health/", timeout=1, verify=NO_AUTHORITIES)
        except httpx.TransportError:
            return
        sleep(0.01)
    raise AssertionError("the server goes on taking requests")


def test_orders_in_flight_are_answered_before_the_server_ends(
    process_environment: dict[str, str],
) -> None:
    till = http_till(
        open_campaign(timezone.now()),
        "drain",
        till_key(cast.nanjing_road()),
        size=ORDERS + 1,
        holder=cast.alice(),
    )
    calls = [till.call(till.order(number), key=f"{number}") for number in range(ORDERS + 1)]
    with serving(process_environment) as server:
        assert send(server.url, calls.pop()).getresponse().status == 201  # the key is cached
        with transaction.atomic():
            list(Voucher.objects.select_for_update().order_by("id"))
            waiting = [send(server.url, call) for call in calls]
            # Answered after those before it have been taken.
            with server.client() as client:
                client.get("/health/", timeout=PATIENCE_S)
            os.kill(server.process.pid, signal.SIGTERM)
            wait_until_it_takes_no_more(server.url)
            assert server.process.poll() is None
        answers = [connection.getresponse() for connection in waiting]
        server.process.wait(PATIENCE_S)
    assert [answer.status for answer in answers] == [201] * ORDERS
    assert Redemption.objects.count() == ORDERS + 1
    assert_proven()
