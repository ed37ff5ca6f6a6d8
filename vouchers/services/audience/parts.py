"""Parts of a targeting, shared by any number of workers: leased, judged, added up by the last.

Leases are those of shards (`services/issuing/leases`): a worker holds the part's lock while it
judges, the commit checks the fencing token, and a killed worker leaves neither members nor a lock.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
from django.db import transaction
from django.db.models import Q, QuerySet

from vouchers.models import Run, Targeting, TargetingPart
from vouchers.models.issuing.targeting import READ_CHANGED, READ_PART
from vouchers.rules.audience.filters import TARGETED, Block, Judged, Untargeted
from vouchers.services.audience.members import write_members
from vouchers.services.audience.residents import Sources, TargetingContext
from vouchers.services.audience.snapshots import plan_for_all
from vouchers.services.audience.stores import Stores
from vouchers.services.issuing.leases import WORKING_CAMPAIGNS, LeaseLostError, is_free, take
from vouchers.sql.pipeline import raw_connection
from vouchers.states import RunState, ShardState

PROGRESS_TARGETED_PCT: Final = 20
PACKED: Final = ("block_numbers", "resident_ids")


@dataclass(frozen=True, slots=True)
class PartLease:
    """A part to judge, for one worker."""

    part_id: int
    run_id: int
    fence: int


def waiting_parts(*, at: datetime) -> int:
    """How many parts wait for a worker."""
    return _waiting(at).count()


def lease_part(*, at: datetime, lease_s: int, run_id: int | None = None) -> PartLease | None:
    """Lease the next part that waits or has an expired lease, of one run or of any; None when there
    is none."""
    waiting = _waiting(at).defer(*PACKED)
    if run_id is not None:
        waiting = waiting.filter(run_id=run_id)
    part = take(waiting, at=at, lease_s=lease_s)
    return PartLease(part.pk, part.run_id, part.fence) if part else None


def target_part(*, part_id: int, fence: int) -> bool:
    """Judge a leased part and write its members; True when that ended the run's targeting.

    All in one transaction. Raises LeaseLostError when the part was leased to another worker or is
    done, or the run was cancelled.
    """
    with transaction.atomic():
        part = _hold(part_id, fence)
        context, block = _residents_of(part)
        judged = context.judge(block)
        write_members(part.run_id, context, block, judged)
        part.state, part.lease_until_at = ShardState.DONE.value, None
        part.counts = _counts(context, judged)
        part.save(update_fields=["state", "lease_until_at", "counts"])
        return _advance(part.run_id)


def _waiting(at: datetime) -> QuerySet[TargetingPart]:
    return TargetingPart.objects.filter(
        Q(state=ShardState.WAITING) | Q(is_free(at), state=ShardState.LEASED),
        run__state=RunState.TARGETING,
        run__paused_at__isnull=True,
        run__campaign__state__in=WORKING_CAMPAIGNS,
        run__campaign__ends_at__gt=at,
    )


def _hold(part_id: int, fence: int) -> TargetingPart:
    """Lock a leased part for the caller's transaction."""
    held = TargetingPart.objects.select_for_update(no_key=True, of=("self",)).filter(
        pk=part_id, fence=fence, state=ShardState.LEASED.value
    )
    part = held.select_related("run__campaign").defer(*PACKED).first()
    if part is None:
        raise LeaseLostError(f"part {part_id}, token {fence}")
    return part


def _residents_of(part: TargetingPart) -> tuple[TargetingContext, Block]:
    """All residents of a part in one block, to be judged as the run's targeting says."""
    plan_for_all()
    targeting = Targeting.objects.get(pk=part.run_id)
    terms = TargetingContext.of(part.run.campaign, targeting.at, Stores.planned(targeting))
    context = terms.with_set_aside(None)
    raw = raw_connection()
    (mine,) = READ_PART.send(raw, {"part_id": part.pk}).rows()
    if not mine.block_numbers.size:
        return context, Block.joined(list(context.by_row(mine.resident_ids)))
    changed = READ_CHANGED.send(raw, {"run_id": part.run_id}).rows()
    sources = Sources(
        snapshot_id=targeting.snapshot_id,
        block_numbers=mine.block_numbers,
        changed=np.sort(np.concatenate([np.empty(0, np.int64), *changed])),
        beyond_reach=0,
    )
    return context, Block.joined(list(context.by_block(sources, ())))


def _counts(context: TargetingContext, judged: Judged) -> dict[str, Any]:
    rings, residents = np.unique(judged.ring[judged.reason == TARGETED], return_counts=True)
    untargeted = judged.untargeted()
    return {
        "examined": judged.reason.size,
        "targeted": judged.reason.size - untargeted.total(),
        "rings": {
            context.ring_label(ring): count
            for ring, count in zip(rings.tolist(), residents.tolist(), strict=True)
        },
        "untargeted": dict(untargeted),
    }


def _advance(run_id: int) -> bool:
    """Move the run's progress on; with the last part done, add all up: TARGETING → TARGETED.

    Of two workers who end the last parts at once the second waits for the run's lock and then sees
    what the first has committed.
    """
    run = Run.objects.select_for_update(no_key=True).get(pk=run_id)
    if run.state != RunState.TARGETING:
        raise LeaseLostError(f"run {run_id} is {run.state}")
    parts = TargetingPart.objects.filter(run_id=run_id)
    done = parts.filter(state=ShardState.DONE).count()
    of = parts.count()
    run.progress_pct = PROGRESS_TARGETED_PCT * done // of
    if done == of:
        run.audience = _audience(run_id)
        run.state = RunState.TARGETED.value
    run.save(update_fields=["audience", "state", "progress_pct"])
    return done == of


def _audience(run_id: int) -> dict[str, Any]:
    examined = targeted = 0
    rings: Counter[str] = Counter()
    untargeted: Counter[str] = Counter()
    for counts in TargetingPart.objects.filter(run_id=run_id).values_list("counts", flat=True):
        examined += counts["examined"]
        targeted += counts["targeted"]
        rings.update(counts["rings"])
        untargeted.update(counts["untargeted"])
    if beyond_reach := Targeting.objects.values_list("beyond_reach", flat=True).get(pk=run_id):
        examined += beyond_reach
        untargeted[Untargeted.OUTSIDE.code] += beyond_reach
    return {
        "examined": examined,
        "targeted": targeted,
        "rings": dict(sorted(rings.items())),
        "untargeted": dict(sorted(untargeted.items())),
    }
