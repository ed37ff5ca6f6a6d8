"""Finding a campaign's audience: one code previews, targets a run and explains a resident."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from numpy.typing import NDArray

from vouchers.models import Campaign, Resident, Run
from vouchers.models.audience import WRITE_MEMBERS
from vouchers.rules.audience import filters as rules
from vouchers.rules.audience.commitments import commitments
from vouchers.rules.audience.filters import Block, Judged, Untargeted
from vouchers.rules.audience.targeting import NO_RING
from vouchers.rules.audience.targeting import explain as place_explained
from vouchers.services.audience.residents import TargetingContext
from vouchers.services.issuing.leases import lock_run
from vouchers.services.sandbox import time_in
from vouchers.sql.copying import HEADER, TRAILER, binary_rows
from vouchers.states import RunState

SUPPRESSED_BELOW = 10
"""Counts of fewer people are not shown (k-anonymity)."""

ROUNDED_TO = 10
"""Shown counts are multiples of it, so that two previews with radii a metre apart seldom disclose
that one resident lives between them."""

PROGRESS_TARGETED_PCT = 20


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

    @property
    def targeted(self) -> int:
        return self.examined - self.untargeted.total()


def target_run(*, run_id: int, fence: int, at: datetime) -> Run:
    """Find and write a run's audience: QUEUED → TARGETED, all in one transaction.

    A killed worker leaves no rows. Raises LeaseLostError when another worker has leased the run.
    """
    with transaction.atomic():
        run = lock_run(run_id=run_id, fence=fence, state=RunState.QUEUED)
        at = time_in(campaign_id=run.campaign_id, at=at)
        context = TargetingContext.of(run.campaign, at)
        tally = _Tally()
        for block in context.all_blocks():
            judged = context.judge(block)
            tally.add(context, block, judged)
            _write_members(run_id, context, block, judged)
        run.audience = {
            "examined": tally.examined,
            "targeted": tally.targeted,
            "rings": dict(sorted(tally.rings.items())),
            "untargeted": dict(sorted(tally.untargeted.items())),
        }
        run.state = RunState.TARGETED.value
        run.progress_pct = PROGRESS_TARGETED_PCT
        run.lease_until_at = None
        run.save(update_fields=["audience", "state", "progress_pct", "lease_until_at"])
    return run


def preview(*, campaign: Campaign, at: datetime) -> dict[str, Any]:
    """The audience a campaign would have now: counts in all, per ring, district (adcode), store
    (id) and reason for not being targeted. Counts are rounded to tens, half up; of 1 to 9 people
    they are None."""
    with transaction.atomic():
        context = TargetingContext.of(campaign, at)
        tally = _Tally()
        for block in context.all_blocks():
            tally.add(context, block, context.judge(block))
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


def _write_members(run_id: int, context: TargetingContext, block: Block, judged: Judged) -> None:
    """COPY a block's targeted residents; point kind and ring have one width in each part."""
    targeted = judged.reason == rules.TARGETED
    with connection.cursor() as cursor, cursor.copy(WRITE_MEMBERS) as copy:
        copy.write(HEADER)
        for kind, name in enumerate(rules.POINT_KINDS):
            for ring in range(NO_RING, len(context.coverage.rings.rings)):
                at = np.flatnonzero(targeted & (judged.kind == kind) & (judged.ring == ring))
                label = context.ring_label(ring)
                if at.size:
                    copy.write(_member_rows(run_id, context, block, judged, at, name, label))
        copy.write(TRAILER)


def _member_rows(
    run_id: int,
    context: TargetingContext,
    block: Block,
    judged: Judged,
    at: NDArray[np.intp],
    kind: str,
    ring: str,
) -> bytes:
    row = rules.POINT_KINDS.index(kind)
    resident_id = block.resident_id[at]
    points = zip(
        resident_id.tolist(),
        block.longitude_deg[row][at].tolist(),
        block.latitude_deg[row][at].tolist(),
        strict=True,
    )
    committed = b"".join(commitments(settings.HUIMIN_PII_KEY, run_id, kind, points))
    return binary_rows(
        [
            np.full(at.size, run_id, dtype=np.int64),
            block.bucket[at],
            resident_id,
            _text(kind, at.size),
            context.location_ids[judged.store[at]],
            judged.distance_m[at],
            _text(ring, at.size),
            np.frombuffer(committed, dtype="V32"),
        ]
    )


def _text(value: str, size: int) -> NDArray[Any]:
    """A column of one text; `V` because numpy has no byte strings of width 0."""
    encoded = value.encode()
    return np.full(size, np.void(encoded), dtype=f"V{len(encoded)}")


def _counts(values: NDArray[Any]) -> list[tuple[int, int]]:
    found, counts = np.unique(values, return_counts=True)
    return list(zip(found.tolist(), counts.tolist(), strict=True))


def _shown(count: int) -> int | None:
    if 0 < count < SUPPRESSED_BELOW:
        return None
    return (count + ROUNDED_TO // 2) // ROUNDED_TO * ROUNDED_TO


def _all_shown(counts: Counter[Any]) -> dict[Any, int | None]:
    return {key: _shown(count) for key, count in sorted(counts.items())}
