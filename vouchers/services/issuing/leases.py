"""Leases of runs and shards: compare-and-swap with a fencing token.

A worker holds the row's lock while it works, and workers that look for work skip locked rows; so a
lease only has to bridge the moment between taking it and beginning. A worker that comes back after
its lease was given away finds another token on the row and is refused. A killed worker's lock goes
with its connection, and its lease runs out: also one that it took while its clock was ahead.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from django.db import transaction
from django.db.models import Q, QuerySet

from vouchers.models import Run, Shard, TargetingPart
from vouchers.states import CampaignState, RunState, ShardState

Unit = TypeVar("Unit", Shard, TargetingPart)

PACKED = ("resident_ids", "buckets", "allocation_ids")
"""A shard's residents: megabytes, read only by minting."""

WORKING_CAMPAIGNS = (CampaignState.SCHEDULED, CampaignState.RUNNING)
"""A paused campaign's runs wait until it is resumed."""

LONGEST_LEASE_S: Final = 60
"""No worker asks for more. What is leased for longer was leased by a clock that was ahead."""


class LeaseLostError(Exception):
    """The work was leased to another worker, or is done; nothing has been written."""


@dataclass(frozen=True, slots=True)
class RunLease:
    """The next phase of a run, for one worker."""

    run_id: int
    state: RunState
    fence: int


@dataclass(frozen=True, slots=True)
class ShardLease:
    """A shard to mint, for one worker."""

    shard_id: int
    run_id: int
    fence: int


def is_free(at: datetime) -> Q:
    """Not leased at `at`: a lease has run out, there is none, or the clock that it was taken by was
    ahead and its worker would be waited for as long."""
    latest_at = at + timedelta(seconds=LONGEST_LEASE_S)
    leased = Q(lease_until_at__gt=at, lease_until_at__lte=latest_at)
    return Q(lease_until_at__isnull=True) | ~leased


def lease_run(*, at: datetime, lease_s: int) -> RunLease | None:
    """Lease the oldest run that waits to be targeted or reserved; None when there is none."""
    with transaction.atomic():
        waiting = Run.objects.filter(
            is_free(at),
            state__in=[RunState.QUEUED, RunState.TARGETED],
            paused_at__isnull=True,
            campaign__state__in=WORKING_CAMPAIGNS,
            campaign__ends_at__gt=at,
        ).select_for_update(no_key=True, skip_locked=True, of=("self",))
        run = waiting.order_by("id").first()
        if run is None:
            return None
        run.fence += 1
        run.lease_until_at = at + timedelta(seconds=lease_s)
        run.save(update_fields=["fence", "lease_until_at"])
    return RunLease(run.pk, RunState(run.state), run.fence)


def lock_run(*, run_id: int, fence: int, state: RunState) -> Run:
    """Lock a leased run for the caller's transaction. Raises LeaseLostError."""
    held = Run.objects.select_for_update(no_key=True).filter(
        pk=run_id, fence=fence, state=state.value
    )
    run = held.first()
    if run is None:
        raise LeaseLostError(f"run {run_id}, token {fence}")
    return run


def _waiting_shards(at: datetime) -> QuerySet[Shard]:
    return Shard.objects.filter(
        Q(state=ShardState.WAITING) | Q(is_free(at), state=ShardState.LEASED),
        run__state=RunState.RESERVED,
        run__paused_at__isnull=True,
        run__campaign__state__in=WORKING_CAMPAIGNS,
        run__campaign__ends_at__gt=at,
    )


def waiting_shards(*, at: datetime) -> int:
    """How many shards wait for a worker."""
    return _waiting_shards(at).count()


def lease_shard(*, at: datetime, lease_s: int) -> ShardLease | None:
    """Lease the next shard that waits or has an expired lease; None when there is none."""
    shard = take(_waiting_shards(at).defer(*PACKED), at=at, lease_s=lease_s)
    return ShardLease(shard.pk, shard.run_id, shard.fence) if shard else None


def take(waiting: QuerySet[Unit], *, at: datetime, lease_s: int) -> Unit | None:
    """Lease the first of the units that wait and are not locked, in the order of their runs."""
    with transaction.atomic():
        free = waiting.select_for_update(no_key=True, skip_locked=True, of=("self",))
        unit = free.order_by("run_id", "number").first()
        if unit is not None:
            unit.state = ShardState.LEASED.value
            unit.fence += 1
            unit.lease_until_at = at + timedelta(seconds=lease_s)
            unit.save(update_fields=["state", "fence", "lease_until_at"])
    return unit


def hold_shard(*, shard_id: int, fence: int) -> Shard:
    """Lock a leased shard for the caller's transaction, with its run, campaign and tier loaded.

    Raises LeaseLostError.
    """
    held = Shard.objects.select_for_update(no_key=True, of=("self",)).filter(
        pk=shard_id, fence=fence, state=ShardState.LEASED.value
    )
    shard = held.select_related("run__campaign", "tier").defer(*PACKED).first()
    if shard is None:
        raise LeaseLostError(f"shard {shard_id}, token {fence}")
    return shard
