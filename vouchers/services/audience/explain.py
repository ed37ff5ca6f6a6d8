"""Why one resident is targeted, or not: by the code that targets a run."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db import transaction

from vouchers.models import Campaign, Resident
from vouchers.rules.audience import filters as rules
from vouchers.rules.audience.filters import Block, Untargeted
from vouchers.rules.audience.targeting import explain as place_explained
from vouchers.services.audience.residents import TargetingContext


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
