"""kill −9 of a real Celery worker in mid-distribution: another one finishes, and the books hold."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
import redis
from django.utils import timezone

from tests.support import cast
from tests.support.celery_worker import eventually, kill, worker
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
from vouchers.queries.live.queues import queues
from vouchers.services.audience import snapshots, targeting
from vouchers.services.issuing import leases, runs
from vouchers.services.proofs import audit
from vouchers.states import RunState, ShardState

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

RESIDENTS = 60


@contextmanager
def held_up(environment: dict[str, str], table: str, mode: str) -> Iterator[Callable[[], bool]]:
    """The owner locks a table so that the worker stops there; yields whether a session waits."""
    address = environment["DATABASE_OWNER_URL"]
    with psycopg.connect(address) as holder, psycopg.connect(address, autocommit=True) as watcher:
        holder.execute(f"LOCK TABLE {table} IN {mode} MODE".encode())

        def a_session_waits() -> bool:
            rows = watcher.execute(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = %s::regclass",
                (table,),
            )
            return rows.fetchone() == (1,)

        yield a_session_waits


def crowded_campaign() -> Campaign:
    now = timezone.now()
    campaign = cast.running_campaign(starts_at=now - cast.DAY, ends_at=now + 30 * cast.DAY, at=now)
    for number in range(RESIDENTS):
        cast.resident(f"neighbour{number}")
    return campaign


def let_leases_run_out() -> None:
    past = timezone.now() - timedelta(seconds=1)
    Run.objects.filter(lease_until_at__isnull=False).update(lease_until_at=past)
    Shard.objects.filter(lease_until_at__isnull=False).update(lease_until_at=past)
    TargetingPart.objects.filter(lease_until_at__isnull=False).update(lease_until_at=past)


def state_of(run: Run) -> str:
    return Run.objects.values_list("state", flat=True).get(pk=run.pk)


def stray_tables(environment: dict[str, str]) -> list[str]:
    """Tables of vouchers that are not partitions of any tranche."""
    with psycopg.connect(environment["DATABASE_OWNER_URL"]) as connection:
        rows = connection.execute(
            "SELECT relname FROM pg_class"
            " WHERE relname ~ '^vouchers_voucher_t[0-9]+$' AND NOT relispartition"
        )
        return [name for (name,) in rows]


def assert_every_resident_has_one_voucher_a_tier_and_the_books_hold(
    run: Run, environment: dict[str, str]
) -> None:
    tiers = {tranche.pk: tranche.tier.code for tranche in Tranche.objects.select_related("tier")}
    held = Counter(
        (tiers[voucher_id >> 20], resident_id)
        for voucher_id, resident_id in Voucher.objects.values_list("id", "resident_id")
    )
    chosen = AudienceMember.objects.filter(run=run).values_list("resident_id", flat=True)
    assert len(chosen) == RESIDENTS
    assert held == {(tier, resident): 1 for tier in cast.TIERS_FEN for resident in chosen}
    assert not Shard.objects.exclude(state=ShardState.DONE).exists()
    assert Tranche.objects.count() == Shard.objects.count()
    assert not stray_tables(environment)
    report = audit.audit(at=timezone.now(), seed=1)
    assert report.is_proven, report


def test_a_worker_killed_while_minting_loses_nothing_and_doubles_nothing(
    process_environment: dict[str, str], redis_client: redis.Redis
) -> None:
    campaign, at = crowded_campaign(), timezone.now()
    run = runs.request_run(campaign=campaign, seed="s", by=cast.mei(), at=at)
    for phase in (
        targeting.target_run,
        lambda **lease: runs.reserve_run(**lease, shard_size=2),
    ):
        lease = leases.lease_run(at=at, lease_s=60)
        assert lease is not None
        phase(run_id=lease.run_id, fence=lease.fence, at=at)
    tasks.wake(tasks.mint_shards)

    with worker(process_environment) as first:
        eventually(lambda: Tranche.objects.count() >= 3)
        eventually(lambda: queues(at).workers == 1)
        with held_up(
            process_environment, "vouchers_voucher", "SHARE UPDATE EXCLUSIVE"
        ) as a_session_waits:
            eventually(a_session_waits)
            kill(first)
    eventually(lambda: queues(at).workers == 0)
    minted = Tranche.objects.count()
    assert 3 <= minted < Shard.objects.count()
    assert state_of(run) == RunState.RESERVED

    let_leases_run_out()
    tasks.wake(tasks.sweep_runs)
    with worker(process_environment):
        eventually(lambda: state_of(run) == RunState.DONE)

    assert_every_resident_has_one_voucher_a_tier_and_the_books_hold(run, process_environment)


def test_a_worker_killed_while_targeting_leaves_its_part_to_find_anew(
    process_environment: dict[str, str], redis_client: redis.Redis
) -> None:
    campaign, at = crowded_campaign(), timezone.now()
    snapshots.build_snapshot(at=at, block_residents=7)
    run = runs.request_run(campaign=campaign, seed="s", by=cast.mei(), at=at)
    lease = leases.lease_run(at=at, lease_s=60)
    assert lease is not None
    targeting.plan_targeting(run_id=run.pk, fence=lease.fence, at=at, part_blocks=1)
    members = AudienceMember.objects.filter(run=run)
    done = TargetingPart.objects.filter(run=run, state=ShardState.DONE)

    with (
        held_up(process_environment, "vouchers_audiencemember", "EXCLUSIVE") as a_session_waits,
        worker(process_environment) as first,
    ):
        tasks.wake(tasks.sweep_runs)
        eventually(a_session_waits)
        kill(first)
    assert state_of(run) == RunState.TARGETING
    assert (done.count(), members.count()) == (0, 0)

    let_leases_run_out()
    for _ in range(3):
        tasks.wake(tasks.target_parts)
    with worker(process_environment):
        eventually(lambda: state_of(run) == RunState.DONE)

    assert done.count() == 9
    assert_every_resident_has_one_voucher_a_tier_and_the_books_hold(run, process_environment)
