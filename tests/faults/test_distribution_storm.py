"""A run in a storm reaches whom a run in a calm does: three workers, and all that befalls them.

Workers and their processes are killed, stand still and come back, their leases run out while they
work, a clock is a day ahead, the broker forgets everything, every message comes twice, people
pause the run. In the end the residents with a voucher of each tier, the rooms of the quota cells
and the books are those of the same run that nothing befell.
"""

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
import redis
from django.db import transaction
from django.db.models import F, Sum
from django.utils import timezone

from tests.faults.test_worker_killed import stray_tables
from tests.support import cast
from tests.support.celery_worker import children_of, eventually, kill, kill_children, worker
from tests.support.distribution import balances_fen, crowd, distribute
from tests.support.small_city import room_in_cells
from vouchers import tasks
from vouchers.models import (
    AudienceMember,
    Campaign,
    Run,
    Shard,
    TargetingPart,
    Tranche,
    Voucher,
)
from vouchers.services.audience import parts, snapshots
from vouchers.services.issuing import control, leases, minting, runs
from vouchers.services.proofs import audit
from vouchers.states import RunState, SelectionMethod, ShardState

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

RESIDENTS = 120
TIER_COUNTS = {"off20": 40, "off50": 35, "off150": 25}
WORKERS = 3
MOST_PAUSE_S = 0.1
LOOKS_A_BEAT = 10
LEASE_OVER = timedelta(seconds=tasks.LEASE_S + 1)
UNITS = (TargetingPart, Shard)
ALL_TASKS = (tasks.sweep_runs, tasks.target_parts, tasks.mint_shards)


@dataclass
class Storm:
    """A run, the workers that see to it, and what befalls them."""

    run: Run
    environment: dict[str, str]
    broker: "redis.Redis"
    dice: random.Random
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    hired: ExitStack = field(default_factory=ExitStack)

    def hire(self) -> None:
        """One more worker, in small units."""
        number = len(self.workers)
        one = worker(self.environment, name=f"storm{number}", include="tests.support.small_units")
        self.workers.append(self.hired.enter_context(one))

    def kill_worker(self) -> None:
        """kill −9 of a whole worker; another one comes."""
        kill(self.one_at_work())
        self.hire()

    def kill_process(self) -> None:
        """kill −9 of the process that does a worker's tasks; the worker makes another one."""
        kill_children(self.one_at_work())

    def one_at_work(self) -> subprocess.Popen[bytes]:
        """A worker that has started, whichever."""
        at_work: list[subprocess.Popen[bytes]] = []

        def some_are() -> bool:
            at_work[:] = [one for one in self.workers if children_of(one)]
            return bool(at_work)

        eventually(some_are)
        return self.dice.choice(at_work)

    def flush_broker(self) -> None:
        """No message, queue or binding is left."""
        self.broker.flushdb()

    def double_messages(self) -> None:
        """Every wake-up that there is, twice."""
        for task in (*ALL_TASKS, *ALL_TASKS):
            tasks.wake(task)

    def pause_and_resume(self) -> None:
        """By people, in the admin."""
        asked = {"run": self.run, "reason": "storm", "by": cast.mei()}
        control.pause_run(**asked, at=timezone.now())  # type: ignore[arg-type]
        self.double_messages()
        time.sleep(self.dice.uniform(0, MOST_PAUSE_S))
        control.resume_run(**asked, at=timezone.now())  # type: ignore[arg-type]

    def stand_still(self) -> None:
        """A worker stands still until its lease has run out, and then goes on with what it had."""
        standing = self.one_at_work()
        os.killpg(standing.pid, signal.SIGSTOP)
        let_time_pass()
        self.double_messages()
        time.sleep(self.dice.uniform(0, MOST_PAUSE_S))
        os.killpg(standing.pid, signal.SIGCONT)

    def overrun(self) -> None:
        """A lease runs out while its worker is at work; the worker ends it nevertheless."""
        at = timezone.now()
        part, shard = parts.lease_part(at=at, lease_s=0), leases.lease_shard(at=at, lease_s=0)
        with transaction.atomic(), suppress(leases.LeaseLostError):
            if part is not None:
                parts.target_part(part_id=part.part_id, fence=part.fence)
            if shard is not None:
                minting.mint_shard(shard_id=shard.shard_id, fence=shard.fence, at=at)
            self.double_messages()
            time.sleep(self.dice.uniform(0, MOST_PAUSE_S))

    def jump_clock(self) -> None:
        """A worker whose clock is a day ahead takes a lease of all that it can, and dies."""
        ahead = {"at": timezone.now() + cast.DAY, "lease_s": tasks.LEASE_S}
        leases.lease_run(**ahead)  # type: ignore[arg-type]
        parts.lease_part(**ahead)  # type: ignore[arg-type]
        leases.lease_shard(**ahead)  # type: ignore[arg-type]


BLOWS: tuple[Callable[[Storm], None], ...] = (
    Storm.kill_worker,
    Storm.kill_process,
    Storm.flush_broker,
    Storm.double_messages,
    Storm.pause_and_resume,
    Storm.stand_still,
    Storm.overrun,
    Storm.jump_clock,
)


def let_time_pass() -> None:
    """As long as a lease lasts, for what no worker has locked; and beat comes by."""
    for model in (Run, *UNITS):
        with transaction.atomic():
            leased = model.objects.filter(lease_until_at__isnull=False)
            free = leased.select_for_update(no_key=True, skip_locked=True, of=("self",))
            ids = list(free.values_list("pk", flat=True))
            leased.filter(pk__in=ids).update(lease_until_at=F("lease_until_at") - LEASE_OVER)
    tasks.wake(tasks.sweep_runs)


def in_time(what: Callable[[], bool]) -> None:
    """Wait until something is so: leases run out meanwhile, and beat comes by."""

    looks = count()

    def is_so() -> bool:
        if next(looks) % LOOKS_A_BEAT == 0:
            let_time_pass()
        return what()

    eventually(is_so)


def twin(code: str, at: datetime) -> Campaign:
    """A campaign like its twins but for its code: more residents than vouchers, drawn by lot."""
    draft = cast.spring_campaign(
        code=code, tier_counts=TIER_COUNTS, starts_at=at - cast.DAY, ends_at=at + 30 * cast.DAY
    )
    Campaign.objects.filter(pk=draft.pk).update(selection_method=SelectionMethod.RANDOM)
    draft.refresh_from_db()
    return cast.launched(draft, at=at)


@pytest.fixture
def calm(process_environment: dict[str, str]) -> Run:
    """The run that nothing befalls."""
    at = timezone.now()
    campaign = twin("calm", at)
    crowd(RESIDENTS)
    snapshots.build_snapshot(at=at, block_residents=1)
    return distribute(campaign, at=at)


@pytest.fixture
def storm(
    calm: Run, process_environment: dict[str, str], redis_client: redis.Redis, seed: int
) -> Iterator[Storm]:
    """The same run, asked for, and all workers at work."""
    at = timezone.now()
    run = runs.request_run(campaign=twin("storm", at), seed=calm.seed, by=cast.mei(), at=at)
    storm = Storm(run, process_environment, redis_client, random.Random(seed))
    with storm.hired:
        for _ in range(WORKERS):
            storm.hire()
        tasks.wake(tasks.sweep_runs)
        yield storm


def done(run: Run, unit: type[TargetingPart] | type[Shard]) -> int:
    """How many parts or shards of a run are done."""
    return unit.objects.filter(run=run, state=ShardState.DONE).count()


def is_over(run: Run) -> bool:
    return Run.objects.filter(pk=run.pk, state=RunState.DONE).exists()


def outcome(run: Run) -> dict[str, Any]:
    """What a run has come to, without the numbers that differ between two."""
    run.refresh_from_db()
    tranches = Tranche.objects.filter(shard__run=run)
    tiers = dict(tranches.values_list("pk", "tier__code"))
    vouchers = Voucher.objects.values_list("id", "resident_id")
    held = Counter(
        (tiers[voucher_id >> 20], resident_id)
        for voucher_id, resident_id in vouchers
        if voucher_id >> 20 in tiers
    )
    members = AudienceMember.objects.filter(run=run).order_by("resident_id")
    return {
        "state": run.state,
        "audience": run.audience,
        "members": list(members.values_list("resident_id", "ring", "distance_m")),
        "selection": run.selection["tiers"],
        "vouchers": held,
        "rooms": room_in_cells(run.campaign),
        "balances": balances_fen(run.campaign),
        "minted": tranches.aggregate(vouchers=Sum("voucher_count"))["vouchers"],
    }


def test_a_run_in_a_storm_reaches_whom_it_reaches_in_a_calm(calm: Run, storm: Storm) -> None:
    run = storm.run
    for unit in UNITS:
        for blow in storm.dice.sample(BLOWS, k=len(BLOWS)):
            before = done(run, unit)
            in_time(lambda b=before, u=unit: done(run, u) > b)  # type: ignore[misc]
            blow(storm)
    assert not is_over(run)
    in_time(lambda: is_over(run))
    for unit in UNITS:
        assert unit.objects.filter(run=run, fence__gt=1).exists()
    assert outcome(run) == outcome(calm)
    assert outcome(calm)["vouchers"].total() == sum(TIER_COUNTS.values())
    assert not stray_tables(storm.environment)
    assert audit.audit(at=timezone.now(), seed=1).is_proven
