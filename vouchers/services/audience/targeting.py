"""Finding a run's audience: planned, cut into parts, judged."""

import contextlib
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from numpy.typing import NDArray

from vouchers.models import Run, Targeting
from vouchers.models.issuing.targeting import INSERT_PART
from vouchers.services.audience import parts
from vouchers.services.audience.residents import Sources, TargetingContext
from vouchers.services.issuing.leases import LeaseLostError, lock_run
from vouchers.services.sandbox import time_in
from vouchers.sql.pipeline import raw_connection
from vouchers.states import RunState

PART_BLOCKS: Final = 16
PART_RESIDENTS: Final = 131_072
LEASE_S: Final = 10
"""Bridges the moment between taking a part's lease and locking its row."""


def plan_targeting(*, run_id: int, fence: int, at: datetime, part_blocks: int = PART_BLOCKS) -> int:
    """Note down what a run is judged by and cut it into parts: QUEUED → TARGETING.

    Returns how many parts there are. Every resident is in one: with their block of the newest
    snapshot or, if they have changed since it was built, among those who are read by row. Raises
    LeaseLostError.
    """
    with transaction.atomic():
        run = lock_run(run_id=run_id, fence=fence, state=RunState.QUEUED)
        at = time_in(campaign_id=run.campaign_id, at=at)
        context = TargetingContext.of(run.campaign, at)
        sources = context.sources()
        Targeting.objects.create(
            run=run,
            at=at,
            snapshot_id=sources.snapshot_id,
            location_ids=context.location_ids.astype("<i8").tobytes(),
            radii_m=context.coverage.circles.radius_m.astype("<f8").tobytes(),
            beyond_reach=sources.beyond_reach,
        )
        count = _cut(run_id, sources, part_blocks)
        run.state = RunState.TARGETING.value
        run.lease_until_at = None
        run.save(update_fields=["state", "lease_until_at"])
    return count


def _cut(run_id: int, sources: Sources, part_blocks: int) -> int:
    """At least one part, so that some worker ends the run."""
    blocks = sources.block_numbers.astype("<i4")
    changed = sources.changed.astype("<i8")
    packed = [(piece.tobytes(), b"") for piece in _pieces(blocks, part_blocks)]
    packed += [(b"", piece.tobytes()) for piece in _pieces(changed, PART_RESIDENTS)]
    for number, (block_numbers, resident_ids) in enumerate(packed or [(b"", b"")], 1):
        INSERT_PART.send(
            raw_connection(),
            {
                "run_id": run_id,
                "number": number,
                "block_numbers": block_numbers,
                "resident_ids": resident_ids,
            },
        )
    return max(len(packed), 1)


def _pieces(values: NDArray[Any], size: int) -> list[NDArray[Any]]:
    return [values[start : start + size] for start in range(0, values.size, size)]


def target_run(
    *,
    run_id: int,
    fence: int,
    at: datetime,
    on_planned: Callable[[int], None] = lambda parts: None,
) -> Run:
    """Find and write a run's audience: QUEUED → TARGETED, unless other workers still judge parts.

    `on_planned` receives the number of parts once others may take some. Raises LeaseLostError when
    another worker has leased the run.
    """
    on_planned(plan_targeting(run_id=run_id, fence=fence, at=at))
    while lease := parts.lease_part(at=at, lease_s=LEASE_S, run_id=run_id):
        with contextlib.suppress(LeaseLostError):
            parts.target_part(part_id=lease.part_id, fence=lease.fence)
    return Run.objects.get(pk=run_id)
