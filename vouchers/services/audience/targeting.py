"""Finding a campaign's audience: one code previews, targets a run and explains a resident."""

import contextlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from vouchers.models import Campaign, Resident, Run, Targeting
from vouchers.models.issuing.targeting import INSERT_PART
from vouchers.rules.audience import filters as rules
from vouchers.rules.audience.filters import Block, Judged, Untargeted
from vouchers.rules.audience.targeting import explain as place_explained
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

SUPPRESSED_BELOW = 10
"""Counts of fewer people are not shown (k-anonymity)."""

ROUNDED_TO = 10
"""Shown counts are multiples of it, so that two previews with radii a metre apart seldom disclose
that one resident lives between them."""


@dataclass(frozen=True, slots=True)
class Explained:
    """Why a resident is targeted (`reason` None) or not (`reason` a code).

    Store and distance are those that decide: of the nearest covering store, or, outside, of the
    store whose circle's edge is nearest, `outside_m` beyond it. None where places were not judged.
    """

    reason: str | None
    point_kind: str | None = None
    store_id: int | None = None
    store_location_id: int | None = None
    distance_m: float | None = None
    outside_m: float | None = None
    ring: str | None = None


@dataclass(slots=True)
class _Tally:
    """Counts over all blocks."""

    examined: int = 0
    rings: Counter[str] = field(default_factory=Counter)
    districts: Counter[int] = field(default_factory=Counter)
    stores: Counter[int] = field(default_factory=Counter)
    untargeted: Counter[str] = field(default_factory=Counter)

    def add(self, context: TargetingContext, block: Block, judged: Judged) -> None:
        self.examined += len(block)
        self.untargeted += judged.untargeted()
        targeted = judged.reason == rules.TARGETED
        for position, count in _counts(judged.ring[targeted]):
            self.rings[context.ring_label(position)] += count
        self.districts.update(dict(_counts(block.district_id[targeted])))
        self.stores.update(dict(_counts(context.store_ids[judged.store[targeted]])))

    def add_beyond_reach(self, residents: int) -> None:
        """Those in blocks that no store reaches, whatever else is true of them."""
        if residents:
            self.examined += residents
            self.untargeted[Untargeted.OUTSIDE.code] += residents

    @property
    def targeted(self) -> int:
        return self.examined - self.untargeted.total()


def plan_targeting(*, run_id: int, fence: int, at: datetime, part_blocks: int = PART_BLOCKS) -> int:
    """Note down what a run is judged by and cut it into parts: QUEUED → TARGETING.

    Returns how many parts there are. Everyone stands in one: with their block of the newest
    snapshot, or, where they have changed since it was built, among those who are read by row.
    Raises LeaseLostError.
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


def preview(*, campaign: Campaign, at: datetime) -> dict[str, Any]:
    """The audience a campaign would have now: counts in all, per ring, district (adcode), store
    (id) and reason for not being targeted. Counts are rounded to tens, half up; of 1 to 9 people
    they are None."""
    with transaction.atomic():
        context = TargetingContext.of(campaign, at)
        sources = context.sources()
        tally = _Tally()
        for block in context.blocks(sources):
            tally.add(context, block, context.judge(block))
        tally.add_beyond_reach(sources.beyond_reach)
    return {
        "examined": _shown(tally.examined),
        "targeted": _shown(tally.targeted),
        "rings": _all_shown(tally.rings),
        "districts": _all_shown(tally.districts),
        "stores": _all_shown(tally.stores),
        "untargeted": _all_shown(tally.untargeted),
    }


def explain(*, campaign: Campaign, resident: Resident, at: datetime) -> Explained:
    """Why this resident would be targeted now, or why not."""
    with transaction.atomic():
        context = TargetingContext.of(campaign, at)
        block = context.only(resident.pk)
    judged = context.judge(block)
    reason = int(judged.reason[0])
    if reason == rules.TARGETED:
        store = int(judged.store[0])
        return Explained(
            reason=None,
            point_kind=rules.POINT_KINDS[judged.kind[0]],
            store_id=int(context.store_ids[store]),
            store_location_id=int(context.location_ids[store]),
            distance_m=float(judged.distance_m[0]),
            outside_m=0.0,
            ring=context.ring_label(int(judged.ring[0])),
        )
    if reason == Untargeted.OUTSIDE:
        return _outside(context, block)
    return Explained(reason=Untargeted(reason).code)


def _outside(context: TargetingContext, block: Block) -> Explained:
    """The accepted point that misses a circle by least."""
    missed = []
    for order, kind in enumerate(rules.POINT_KINDS):
        lon, lat = float(block.longitude_deg[order][0]), float(block.latitude_deg[order][0])
        if kind in context.kinds and not np.isnan(lon):
            said = place_explained(lon, lat, context.coverage.circles, context.coverage.rings)
            if said.fault is None and len(context.store_ids):
                missed.append((said.outside_m, order, said))
    if not missed:
        return Explained(reason=Untargeted.OUTSIDE.code)
    outside_m, order, said = min(missed, key=lambda item: item[:2])
    return Explained(
        reason=Untargeted.OUTSIDE.code,
        point_kind=rules.POINT_KINDS[order],
        store_id=int(context.store_ids[said.deciding_store]),
        store_location_id=int(context.location_ids[said.deciding_store]),
        distance_m=said.distance_m,
        outside_m=outside_m,
    )


def _counts(values: NDArray[Any]) -> list[tuple[int, int]]:
    found, counts = np.unique(values, return_counts=True)
    return list(zip(found.tolist(), counts.tolist(), strict=True))


def _shown(count: int) -> int | None:
    if 0 < count < SUPPRESSED_BELOW:
        return None
    return (count + ROUNDED_TO // 2) // ROUNDED_TO * ROUNDED_TO


def _all_shown(counts: Counter[Any]) -> dict[Any, int | None]:
    return {key: _shown(count) for key, count in sorted(counts.items())}
