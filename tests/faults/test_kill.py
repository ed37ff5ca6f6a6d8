"""kill −9, at random moments, of a backend, of PostgreSQL itself, and of the worker.

Clients in processes of their own redeem, authorise, capture, void, reverse and refund (`load.py`),
a Celery worker mints, days are settled and paid in between. Round after round something is killed
and started again. In the end all that was acknowledged is there, once; asked again, every request
is answered with the same bytes; and the audit proves the books.
"""

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import hypothesis
import pytest
import redis
from django.db import Error, connection
from django.utils import timezone

from config.servers import Postgres
from tests.faults.test_power_cut import until
from tests.faults.test_worker_killed import let_leases_run_out
from tests.support import cast, client_process
from tests.support.celery_worker import kill, worker
from tests.support.concurrency.invariants import assert_proven
from tests.support.http_till import open_campaign
from tests.support.till import BY_HAND, issue_vouchers
from vouchers import tasks
from vouchers.models import Campaign, Redemption, Refund, RequestRecord, Run, Tranche, Voucher
from vouchers.rules.limits.limits import business_day
from vouchers.services.audience import targeting
from vouchers.services.issuing import leases, runs
from vouchers.services.ledger import funding
from vouchers.services.settlement import days
from vouchers.states import RedemptionState, RunState

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

IS_DEEP = hypothesis.settings.get_current_profile_name() == "deep"
ROUNDS = 50 if IS_DEEP else 5
CLIENTS = 2
VOUCHERS_A_ROUND = 60
NEIGHBOURS = 20
MOST_PAUSE_S = 0.8
VICTIMS = ("backend", "PostgreSQL", "worker")


@dataclass
class Town:
    """The programs of the town, and who ends them."""

    server: Postgres
    environment: dict[str, str]
    campaign: Campaign
    files: list[Path]
    clients: list[subprocess.Popen[bytes]]
    worker: ExitStack = field(default_factory=ExitStack)

    @property
    def answered(self) -> int:
        """How many answers the clients have been given."""
        return sum(file.read_bytes().count(b"\n") for file in self.files if file.exists())

    @property
    def lines(self) -> list[client_process.Step]:
        """Each of them, once no process writes any more."""
        texts = [file.read_text(encoding="utf-8") for file in self.files]
        return [json.loads(line) for text in texts for line in text.splitlines()]

    def hire_worker(self) -> None:
        """A worker, and word for it that there is work to do."""
        self.process = self.worker.enter_context(worker(self.environment))
        insist(let_leases_run_out)
        tasks.wake(tasks.sweep_runs)

    def strike(self, victim: str) -> None:
        """kill −9, and start again what does not come back by itself."""
        if victim == "worker":
            kill(self.process)
            self.hire_worker()
        elif victim == "backend":
            os.kill(some_backend(), signal.SIGKILL)
        else:
            os.kill(
                int((self.server.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL
            )
            self.server.start()
        insist(let_leases_run_out)
        tasks.wake(tasks.sweep_runs)


def insist(act: Callable[[], object]) -> None:
    """Do something as soon as the database can be reached again."""
    until(lambda: _succeeds(act))


def _succeeds(act: Callable[[], object]) -> bool:
    try:
        act()
    except Error:
        connection.close()
        time.sleep(0.05)
        return False
    return True


def some_backend() -> int:
    """A process of PostgreSQL that serves a client, any of them."""
    found: list[int] = []

    def look() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
                " ORDER BY xact_start NULLS LAST, random() LIMIT 1"
            )
            found.extend(pid for (pid,) in cursor.fetchall())
        return bool(found)

    until(lambda: _succeeds(look) and bool(found))
    connection.close()
    return found[0]


@pytest.fixture
def town(
    private_server: Postgres,
    private_postgres: dict[str, str],
    redis_client: redis.Redis,
    tmp_path: Path,
) -> Iterator[Town]:
    """Vouchers for every client, a run that waits to be minted, and all clients at work."""
    campaign = open_campaign(timezone.now())
    for number in range(NEIGHBOURS):
        cast.resident(f"neighbour{number}")
    hands = [
        issue_vouchers(campaign, [cast.alice()] * VOUCHERS_A_ROUND * ROUNDS) for _ in range(CLIENTS)
    ]
    reserve(campaign)
    files = [tmp_path / f"client{number}" for number in range(CLIENTS)]
    clients = [
        client_process.start(private_postgres, str(number), [row.pk for row in hand], file)
        for number, (hand, file) in enumerate(zip(hands, files, strict=True))
    ]
    town = Town(private_server, private_postgres, campaign, files, clients)
    try:
        with town.worker:
            town.hire_worker()
            yield town
    finally:
        for client in clients:
            client.kill()
            client.wait()


def reserve(campaign: Campaign) -> None:
    """A run whose shards are of one voucher each, so that minting takes its time."""
    at = timezone.now()
    runs.request_run(campaign=campaign, seed="s", by=cast.mei(), at=at)
    lease = leases.lease_run(at=at, lease_s=60)
    assert lease is not None
    targeting.target_run(run_id=lease.run_id, fence=lease.fence, at=at)
    lease = leases.lease_run(at=at, lease_s=60)
    assert lease is not None
    runs.reserve_run(run_id=lease.run_id, fence=lease.fence, at=at, shard_size=1)


def settle(campaign: Campaign, number: int) -> None:
    """A day is settled and paid, each on a day of its own; asked for twice, it happens once."""
    at = timezone.now() + number * cast.DAY
    day = business_day(at, campaign.zone)
    for source in campaign.sources.all():
        funding.receive_cash(
            source=source,
            amount_fen=50_000,
            document_no=f"R-{number}",
            request_id=f"cash-{number}-{source.code}",
            by=cast.mei(),
            at=at,
        )
    days.settle_and_pay_day(campaign=campaign, business_day=day, at=at)


@pytest.mark.timeout(3_600 if IS_DEEP else 900)
def test_whatever_is_killed_nothing_acknowledged_is_lost_and_nothing_doubled(
    town: Town, seed: int
) -> None:
    dice = random.Random(seed)
    victims = [*VICTIMS, *dice.choices(VICTIMS, k=ROUNDS - len(VICTIMS))]
    dice.shuffle(victims)
    for number, victim in enumerate(victims):
        before = town.answered
        until(lambda before=before: town.answered > before)  # type: ignore[misc]
        time.sleep(dice.uniform(0, MOST_PAUSE_S))
        town.strike(victim)
        insist(lambda number=number: settle(town.campaign, number))  # type: ignore[misc]
    stop(town)
    assert_acknowledged_and_nothing_else(town.lines)
    assert_minted_once()
    for line in town.lines:
        answer = client_process.send(line)
        assert (answer.status, answer.body.decode()) == (line["status"], line["body"]), line
        assert answer.is_replay
    assert_proven()


def stop(town: Town) -> None:
    """Let all clients finish what they have begun."""
    for file in town.files:
        file.with_suffix(".stop").touch()
    assert [client.wait(client_process.PATIENCE_S) for client in town.clients] == [0] * CLIENTS
    connection.close()
    while Run.objects.exclude(state=RunState.DONE).exists():
        # A worker that lost its connection in mid-task has lost the message too.
        let_leases_run_out()
        tasks.wake(tasks.sweep_runs)
        time.sleep(1)


def assert_acknowledged_and_nothing_else(lines: list[client_process.Step]) -> None:
    """Every yes is on the books, once, and nothing is on them that was not answered."""
    accepted = [line for line in lines if line["status"] < 400]
    by_kind = Counter(line["kind"].split()[0] for line in accepted)
    assert {"redeem", "authorise", "capture", "void", "reverse", "refund"} <= by_kind.keys()
    answered = [json.loads(line["body"])["id"] for line in accepted if line["status"] == 201]
    assert sorted(answered) == sorted(Redemption.objects.values_list("id", flat=True))
    assert Refund.objects.count() == by_kind["refund"]
    assert RequestRecord.objects.count() == len(lines)
    states: dict[int, str] = {}
    for line in accepted:
        body = json.loads(line["body"])
        if body["id"]:
            states[body["id"]] = body["state"]
    rows = Redemption.objects.values_list("id", "state")
    assert {id_: RedemptionState(state).name.lower() for id_, state in rows} == states


def assert_minted_once() -> None:
    """Every neighbour has one voucher of each tier from the run, whichever worker minted it."""
    tiers = dict(
        Tranche.objects.exclude(shard__run__seed__startswith=BY_HAND).values_list("pk", "tier_id")
    )
    held = Counter(
        (tiers[voucher_id >> 20], resident_id)
        for voucher_id, resident_id in Voucher.objects.values_list("id", "resident_id")
        if voucher_id >> 20 in tiers
    )
    assert set(held.values()) == {1}
    assert len(held) >= NEIGHBOURS * len(cast.TIERS_FEN)
