"""What Celery runs: thin edges that read the clock and call one service.

The queue is in the tables (runs, shards, tranches that are due); a message only says "look now".
Losing one costs the time until the next sweep of beat, and a message too many finds nothing to do.
So tasks may run twice, on any number of workers.
"""

import secrets
from collections.abc import Callable, Hashable, Iterator
from typing import TypeVar

import structlog
from celery import Task, shared_task
from celery.exceptions import OperationalError
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from merchants.errors import Refused
from vouchers.services import outbox, partitions, redemption, residents
from vouchers.services.audience import parts, snapshots, targeting
from vouchers.services.campaigns import lifecycle, stops
from vouchers.services.claims import open_coming
from vouchers.services.issuing import control, drops, expiry, leases, minting, runs
from vouchers.services.limits import back_tests, cases
from vouchers.services.proofs import audit, packs, seals
from vouchers.services.redemption import archives, case_decisions, lapse_due
from vouchers.services.sweeps import for_each
from vouchers.states import RunState

log = structlog.get_logger(__name__)

Lease = TypeVar("Lease")

LEASE_S = 10
"""Bridges the moment between taking a lease and locking the row (see `leases`).

The row's lock is the heartbeat: it lasts as long as the worker's connection, so a killed worker
costs at most this lease and one sweep.
"""

MOST_WAKE_UPS = 64
PACKS = "packs"
"""The folder of auditor's packs in the directory of archives, which web servers see as well."""
WAKE_UP_S = 60
"""Seconds after which an untaken wake-up is dropped: a sweep has done its work by then."""


@shared_task
def sweep_runs() -> None:
    """Target and reserve every run that waits, parts with the help of other workers; then wake the
    minters. What fails delays nothing else: its lease runs out and a later sweep tries again."""
    _wake_some(target_parts, parts.waiting_parts(at=timezone.now()) - 1)
    for_each((_judge_parts, _advance_runs, _wake_minters), lambda step: step())


def _advance_runs() -> None:
    waiting = _once_each(
        lambda: leases.lease_run(at=timezone.now(), lease_s=LEASE_S),
        lambda lease: (lease.run_id, lease.state),
    )
    for_each(waiting, _advance)


def _wake_minters() -> None:
    _wake_some(mint_shards, leases.waiting_shards(at=timezone.now()))


def _once_each(
    take: Callable[[], Lease | None], unit: Callable[[Lease], Hashable]
) -> Iterator[Lease]:
    """Leases until none can be taken, or one comes back whose work took longer than its lease and
    failed."""
    seen: set[Hashable] = set()
    while (lease := take()) is not None and unit(lease) not in seen:
        seen.add(unit(lease))
        yield lease


def _advance(lease: leases.RunLease) -> None:
    """One phase of a run. A refusal, or a lease lost to another worker, is no failure."""
    held = {"run_id": lease.run_id, "fence": lease.fence}
    try:
        if lease.state is RunState.QUEUED:
            targeting.target_run(
                **held,
                at=timezone.now(),
                on_planned=lambda count: _wake_some(target_parts, count - 1),
            )
        else:
            runs.reserve_run(**held, at=timezone.now())
    except (Refused, leases.LeaseLostError) as reason:
        log.warning("run_not_advanced", run=lease.run_id, state=lease.state, reason=str(reason))


@shared_task
def target_parts() -> None:
    """Judge parts of runs until none waits; several workers share them."""
    if _judge_parts():
        wake(sweep_runs)


def _judge_parts() -> bool:
    """Whether one of the parts was the last of its run."""
    waiting = _once_each(
        lambda: parts.lease_part(at=timezone.now(), lease_s=LEASE_S), lambda lease: lease.part_id
    )
    return any(for_each(waiting, _judge_part))


def _judge_part(lease: parts.PartLease) -> bool:
    try:
        return parts.target_part(part_id=lease.part_id, fence=lease.fence)
    except leases.LeaseLostError as reason:
        log.warning("part_not_judged", part=lease.part_id, reason=str(reason))
        return False


@shared_task
def mint_shards() -> None:
    """Mint shards until none waits; several workers share them."""
    waiting = _once_each(
        lambda: leases.lease_shard(at=timezone.now(), lease_s=LEASE_S), lambda lease: lease.shard_id
    )
    for_each(waiting, _mint_shard)


def _mint_shard(lease: leases.ShardLease) -> None:
    try:
        minting.mint_shard(shard_id=lease.shard_id, fence=lease.fence, at=timezone.now())
    except leases.LeaseLostError as reason:
        log.warning("shard_not_minted", shard=lease.shard_id, reason=str(reason))


@shared_task
def start_and_end_campaigns() -> None:
    """Start scheduled campaigns whose start has come; end running ones whose end has come."""
    _sweep(lifecycle.start_due, lifecycle.end_due)


def _sweep(*sweeps: Callable[..., object]) -> None:
    for_each(sweeps, lambda sweep: sweep(at=timezone.now()))


@shared_task
def lift_stops() -> None:
    """End pauses and suspensions whose end has come."""
    stops.lift_due(at=timezone.now())


@shared_task
def expire_vouchers() -> None:
    """Return what the tranches that are due have not spent, and wind up runs that came too late."""
    _sweep(expiry.expire_due, control.wind_up)


@shared_task
def open_rounds() -> None:
    """Open the tranches of rounds that are claimed, before the rush."""
    open_coming(at=timezone.now())


@shared_task
def drop_rounds() -> None:
    """Request the runs of rounds that are distributed by themselves and have opened."""
    if drops.request_due(at=timezone.now()):
        wake(sweep_runs)


@shared_task
def lapse_authorisations() -> None:
    """Give back what tills have authorised and not captured in time."""
    lapse_due(at=timezone.now())


@shared_task
def gather_cases() -> None:
    """Put what the risk rules noticed into cases, and see to the holds of those decided."""
    _sweep(cases.gather_signals, case_decisions.finish_decided)


@shared_task
def run_back_tests() -> None:
    """Answer the back-tests of risk rules that wait; several workers share them."""
    back_tests.work_off(clock=timezone.now)


@shared_task
def seal_journals() -> None:
    """Chain what has been posted since the last seals."""
    seals.seal_all(at=timezone.now())


@shared_task
def anchor_journals() -> None:
    """Send the heads of the chains to the named recipients, once a day."""
    seals.anchor_day(at=timezone.now())


@shared_task
def send_messages() -> None:
    """Send what is due in the outbox; several workers share it."""
    while message := outbox.lease_message(at=timezone.now()):
        outbox.deliver(message=message, at=timezone.now())


@shared_task
def write_pack(campaign_id: int, name: str) -> None:
    """Write an auditor's pack that was asked for."""
    packs.write_pack(
        campaign_id=campaign_id,
        name=name,
        directory=settings.HUIMIN_ARCHIVE_DIR / PACKS,
        at=timezone.now(),
    )


def wake_pack_writer(*, campaign_id: int, name: str) -> bool:
    """Send a worker to a pack that waits; False without a broker: the pack goes on waiting."""
    try:
        write_pack.apply_async((campaign_id, name), retry=False)
    except OperationalError as error:
        log.warning("wake_up_not_sent", task=write_pack.name, reason=str(error))
        return False
    return True


@shared_task
def audit_books() -> None:
    """Audit the books and keep the report; a broken check is logged as an error."""
    report = audit.audit(at=timezone.now(), seed=secrets.randbits(audit.SEED_BITS))
    audit.record(report=report)


@shared_task
def refresh_snapshot() -> None:
    """Pack the residents anew when enough of them have changed."""
    snapshots.refresh_snapshot(at=timezone.now())


@shared_task
def coarsen_points() -> None:
    """Round the points of residents that nothing needs exactly any more."""
    residents.coarsen_points(at=timezone.now())


@shared_task
def forget_codes() -> None:
    """Delete presented codes that came to nothing, and old counters of wrong codes."""
    redemption.forget_codes(at=timezone.now())


@shared_task
def archive_requests() -> None:
    """Move requests older than the retention into a file."""
    archives.archive_requests(
        at=timezone.now(),
        retention=settings.HUIMIN_REQUEST_RETENTION,
        directory=settings.HUIMIN_ARCHIVE_DIR,
    )


@shared_task
def open_months() -> None:
    """Open the journal's partitions ahead."""
    partitions.open_months(at=timezone.now())


def _wake_some(task: "Task[[], None]", waiting: int) -> None:
    """A wake-up for each unit of work, at most so many."""
    for _ in range(min(waiting, MOST_WAKE_UPS)):
        wake(task)


def wake(task: "Task[[], None]") -> None:
    """Send a wake-up now. Without a broker the next sweep does the work."""
    try:
        task.apply_async(retry=False, expires=WAKE_UP_S)
    except OperationalError as error:
        log.warning("wake_up_not_sent", task=task.name, reason=str(error))


def wake_back_tests() -> None:
    """For the page that asked for one: have it looked at once the transaction has committed."""
    transaction.on_commit(lambda: wake(run_back_tests))


def wake_distribution() -> None:
    """For edges that queued a run: have it looked at as soon as the transaction has committed."""
    transaction.on_commit(lambda: wake(sweep_runs))
