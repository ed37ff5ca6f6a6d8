"""kill −9 of the web server and of PostgreSQL under full load: what was acknowledged has happened.

Tills keep sending each order under its own key until they hear a 201, as a real till does.
"""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import pytest
from django.db import Error, connection
from django.db.models import Sum
from django.utils import timezone

from merchants.models import Credential
from merchants.services import rotate_key
from tests.support import cast
from tests.support.concurrency.invariants import assert_proven, live_fen, spent_fen
from tests.support.http_till import Call, http_till, open_campaign, till_key
from tests.support.web_server import HOST, client_of, free_port, serving
from vouchers.models import Campaign, Leg, Redemption, RequestRecord, Voucher
from vouchers.states import VoucherState

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

ORDERS = 300
TILLS = 8
CUTS = (60, 160)  # orders acknowledged when the power goes
FACE_FEN = 2_000
PATIENCE_S = 120
PAUSE_S = 0.1  # of a till that was not answered


@dataclass
class Day:
    """The tills of a day: what they send, and every 201 each key has heard."""

    url: str
    calls: Sequence[Call]
    heard: dict[int, set[bytes]] = field(default_factory=dict)
    troubles: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def acknowledged(self) -> int:
        return len(self.heard)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """The tills work through all orders while the block runs; it ends when they have."""
        with ThreadPoolExecutor(TILLS) as pool:
            shifts = [pool.submit(self._work, till) for till in range(TILLS)]
            yield
            for shift in shifts:
                shift.result(PATIENCE_S)

    def _work(self, till: int) -> None:
        with client_of(self.url, timeout_s=20) as client:
            for number in range(till, len(self.calls), TILLS):
                give_up_at = time.monotonic() + PATIENCE_S
                while not self._send(client, number):
                    assert time.monotonic() < give_up_at, f"order {number} was never answered"
                    time.sleep(PAUSE_S)

    def _send(self, client: httpx.Client, number: int) -> bool:
        call = self.calls[number]
        try:
            answer = client.post(call.path, content=call.body, headers=_text(call.headers))
        except httpx.TransportError:
            answer = None
        with self.lock:
            if answer is not None and answer.status_code == 201:
                self.heard.setdefault(number, set()).add(answer.content)
                return True
            self.troubles += 1
        if answer is not None:
            # Nothing but "ask again" may be heard: a 4xx would lose the till its sale.
            assert answer.status_code >= 500 or answer.json()["retryable"], answer.text
        return False

    def ask_all_again(self) -> None:
        """Every order once more, by the same caller with a new key: the same bytes as ever.

        The new key has to be looked up, on a connection that the cut may have broken.
        """
        connection.close()
        key = rotate_key(credential=Credential.objects.get(), overlap_s=60, at=timezone.now())
        bearer = {"authorization": f"Bearer {key}".encode()}
        with client_of(self.url, timeout_s=20) as client:
            for number, call in enumerate(self.calls):
                headers = _text({**call.headers, **bearer})
                answer = client.post(call.path, content=call.body, headers=headers)
                assert answer.status_code == 201, answer.text
                assert answer.headers["idempotent-replayed"] == "true"
                self.heard[number].add(answer.content)


def _text(headers: Mapping[str, bytes]) -> dict[str, str]:
    return {name: value.decode("latin-1") for name, value in headers.items()}


def until(what: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < give_up_at, "it never came true"
        time.sleep(0.005)


def busy_day(campaign: Campaign) -> Day:
    """As many orders as there are vouchers, to be sent to a server on a port of its own."""
    key = till_key(cast.nanjing_road())
    hand = http_till(campaign, "cut", key, size=ORDERS, holder=cast.alice())
    calls = [hand.call(hand.order(n), key=f"{n}") for n in range(ORDERS)]
    return Day(f"http://{HOST}:{free_port()}", calls)


def assert_every_sale_is_on_the_books_once(day: Day, campaign: Campaign) -> None:
    connection.close()
    assert day.acknowledged == ORDERS
    assert {len(bodies) for bodies in day.heard.values()} == {1}, (
        "a replay was answered differently"
    )
    answered = {json.loads(body)["id"] for bodies in day.heard.values() for body in bodies}
    assert set(Redemption.objects.values_list("id", flat=True)) == answered
    assert len(answered) == RequestRecord.objects.count() == ORDERS
    assert set(Voucher.objects.values_list("state", flat=True)) == {VoucherState.REDEEMED}
    assert spent_fen(campaign) == live_fen(campaign) == ORDERS * FACE_FEN
    off = Leg.objects.values("transfer_id").annotate(fen=Sum("amount_fen")).exclude(fen=0)
    assert not off.exists()
    assert_proven()


def test_the_web_server_killed_in_mid_day_loses_no_sale(
    process_environment: dict[str, str],
) -> None:
    campaign = open_campaign(timezone.now())
    day = busy_day(campaign)
    port = httpx.URL(day.url).port
    with day.going_on():
        for cut in CUTS:
            with serving(process_environment, port=port) as server:
                until(lambda cut=cut: day.acknowledged >= cut)  # type: ignore[misc]
                server.kill()
        with serving(process_environment, port=port):
            until(lambda: day.acknowledged == ORDERS)
            day.ask_all_again()
    assert day.troubles, "no client noticed: nothing was proved"
    assert_every_sale_is_on_the_books_once(day, campaign)


def test_postgresql_killed_in_mid_day_loses_no_sale(private_postgres: dict[str, str]) -> None:
    """A backend gone by kill −9 takes the whole server through crash recovery."""
    campaign = open_campaign(timezone.now())
    day = busy_day(campaign)
    port = httpx.URL(day.url).port
    with serving(private_postgres, port=port), day.going_on():
        for cut in CUTS:
            until(lambda cut=cut: day.acknowledged >= cut)  # type: ignore[misc]
            os.kill(backend_of_the_web_server(), signal.SIGKILL)
        until(lambda: day.acknowledged == ORDERS)
        day.ask_all_again()
    assert day.troubles, "no client noticed: nothing was proved"
    assert_every_sale_is_on_the_books_once(day, campaign)


def backend_of_the_web_server() -> int:
    """The process of PostgreSQL that works for the web server just now."""
    give_up_at = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up_at:
        try:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
                    " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
                    " ORDER BY xact_start NULLS LAST LIMIT 1"
                )
                found = cursor.fetchone()
            if found:
                return int(found[0])
        except Error:
            pass
        connection.close()
        time.sleep(0.05)
    raise AssertionError("the web server has no connection")
