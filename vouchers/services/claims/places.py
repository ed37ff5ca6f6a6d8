"""Whether residents belong to a campaign's audience, and the place that says so."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from django.conf import settings

from vouchers.models.claims import SPOT
from vouchers.rules.audience.commitments import commitments
from vouchers.rules.audience.filters import POINT_KINDS, TARGETED, Block, Judged, Untargeted
from vouchers.services.audience.residents import TargetingContext
from vouchers.services.claims.requests import Position

SENT: Final = POINT_KINDS.index("recent")
"""In a block the row of points that stands for positions sent with claims."""


@dataclass(frozen=True, slots=True)
class Place:
    """The place that decided: kind, store and distance; `untargeted` is the code of why there is
    none."""

    untargeted: str | None
    bucket: int
    district_id: int
    kind: str = ""
    store_id: int = 0
    location_id: int = 0
    distance_m: float = 0.0
    ring: str = ""
    longitude_deg: float = 0.0
    latitude_deg: float = 0.0

    def commitment(self, tranche_id: int, resident_id: int) -> bytes:
        """What the place can be checked against later; tranches and runs are numbered apart, so
        a tranche stands here as a negative number."""
        place = (resident_id, self.longitude_deg, self.latitude_deg)
        (made,) = commitments(settings.HUIMIN_PII_KEY, -tranche_id, self.kind, [place])
        return made


def places_on_file(
    context: TargetingContext, resident_ids: Sequence[int], *, at: datetime
) -> list[Place]:
    """By resident, as a distribution run would judge them."""
    block = _repeated(context.chosen(set(resident_ids), at=at), resident_ids)
    return _places(context, block, context.coverage.judge(block, context.kinds), on_spot=False)


def places_sent(
    context: TargetingContext,
    resident_ids: Sequence[int],
    positions: Sequence[Position | None],
    *,
    at: datetime,
) -> list[Place]:
    """By resident, judged by the position each has sent and by no place on file; without one they
    are not targeted. Consent, exclusions and the audience filter hold as they do for runs."""
    block = _repeated(context.chosen(set(resident_ids), at=at), resident_ids)
    block.longitude_deg[:], block.latitude_deg[:] = np.nan, np.nan
    for number, position in enumerate(positions):
        if position is not None:
            block.longitude_deg[SENT, number] = position.longitude_deg
            block.latitude_deg[SENT, number] = position.latitude_deg
    judged = context.coverage.judge(block, (POINT_KINDS[SENT],))
    return _places(context, block, judged, on_spot=True)


def _repeated(block: Block, resident_ids: Sequence[int]) -> Block:
    """A row for each resident asked for, in the order asked, repetitions included."""
    rows = np.searchsorted(block.resident_id, np.array(resident_ids, dtype=np.int64))
    return block.take(rows)


def _places(
    context: TargetingContext, block: Block, judged: Judged, *, on_spot: bool
) -> list[Place]:
    return [_place(context, block, judged, number, on_spot) for number in range(len(block))]


def _place(
    context: TargetingContext, block: Block, judged: Judged, number: int, on_spot: bool
) -> Place:
    bucket, district_id = int(block.bucket[number]), int(block.district_id[number])
    reason = int(judged.reason[number])
    if reason != TARGETED:
        return Place(Untargeted(reason).code, bucket, district_id)
    kind, store = int(judged.kind[number]), int(judged.store[number])
    return Place(
        untargeted=None,
        bucket=bucket,
        district_id=district_id,
        kind=SPOT if on_spot else POINT_KINDS[kind],
        store_id=int(context.store_ids[store]),
        location_id=int(context.location_ids[store]),
        distance_m=float(judged.distance_m[number]),
        ring=context.ring_label(int(judged.ring[number])),
        longitude_deg=float(block.longitude_deg[kind, number]),
        latitude_deg=float(block.latitude_deg[kind, number]),
    )
