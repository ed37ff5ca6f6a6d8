"""Whom a campaign would reach now, in counts that say nothing about one person."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from vouchers.models import Campaign
from vouchers.rules.audience import filters as rules
from vouchers.rules.audience.filters import Block, Judged, Untargeted
from vouchers.services.audience.residents import TargetingContext

SUPPRESSED_BELOW = 10
"""Counts of fewer people are not shown (k-anonymity)."""

ROUNDED_TO = 10
"""Shown counts are multiples of it, so that two previews with radii a metre apart seldom disclose
that one resident lives between them."""


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


def _counts(values: NDArray[Any]) -> list[tuple[int, int]]:
    found, counts = np.unique(values, return_counts=True)
    return list(zip(found.tolist(), counts.tolist(), strict=True))


def _shown(count: int) -> int | None:
    if 0 < count < SUPPRESSED_BELOW:
        return None
    return (count + ROUNDED_TO // 2) // ROUNDED_TO * ROUNDED_TO


def _all_shown(counts: Counter[Any]) -> dict[Any, int | None]:
    return {key: _shown(count) for key, count in sorted(counts.items())}
