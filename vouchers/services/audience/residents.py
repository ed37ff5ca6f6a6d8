"""A campaign's terms made ready for judging residents, and the residents read block by block."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from zoneinfo import ZoneInfo

import numpy as np
import psycopg
from numpy.typing import NDArray

from vouchers.models import Campaign, Geofence
from vouchers.models.audience import BLOCK_RESIDENTS, NEXT_BLOCK, READ_BLOCK, READ_CHOSEN
from vouchers.queries.audience import locations, radii_m
from vouchers.rules.audience.filters import AudienceFilter, Block, Coverage, Judged
from vouchers.rules.audience.store_cover import StoreCircles
from vouchers.rules.audience.targeting import NO_RING, Rings
from vouchers.sql.pipeline import raw_connection


@dataclass(frozen=True, slots=True, eq=False)
class TargetingContext:
    """A campaign's terms made ready for judging, and the parameters for reading residents."""

    coverage: Coverage
    kinds: tuple[str, ...]
    store_ids: NDArray[np.int64]
    location_ids: NDArray[np.int64]
    parameters: dict[str, Any]

    @classmethod
    def of(cls, campaign: Campaign, at: datetime) -> Self:
        """The participating open stores with their locations at `at`, and the other terms."""
        radius_of = radii_m(campaign, at)
        places = locations(radius_of, at)
        circles = StoreCircles.of(
            [place.longitude_deg for place in places],
            [place.latitude_deg for place in places],
            [radius_of[place.store_id] for place in places],
        )
        rings = Rings.of(campaign.rings.order_by("from_m").values_list("label", "from_m", "to_m"))
        fences = campaign.geofences.filter(kind=Geofence.Kind.INCLUDE_POLYGON)
        polygons = [fence.geometry for fence in fences if fence.geometry]
        return cls(
            coverage=Coverage.of(circles, rings, polygons),
            kinds=tuple(campaign.point_kinds),
            store_ids=np.array([place.store_id for place in places], dtype=np.int64),
            location_ids=np.array([place.pk for place in places], dtype=np.int64),
            parameters=_parameters(campaign, at),
        )

    def judge(self, block: Block) -> Judged:
        """Judge all residents of a block."""
        return self.coverage.judge(block, self.kinds)

    def ring_label(self, position: int) -> str:
        """Label of a ring by its position, empty outside all rings."""
        return "" if position == NO_RING else self.coverage.rings.rings[position].label

    def all_blocks(self) -> Iterator[Block]:
        """All residents, a block at a time, in order of id; inside the caller's transaction."""
        raw = raw_connection()
        # A generic plan would not know that the range of ids is narrow. Nor does the planner know
        # how many people are on file until they are analysed, some minutes after a load: a nested
        # loop, right for the handful it believes in, would then take hours.
        raw.execute(
            "SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL enable_nestloop = off"
        )
        after_id = 0
        while last_id := _last_of_block(raw, after_id):
            yield _read(raw, {**self.parameters, "after_id": after_id, "last_id": last_id})
            after_id = last_id

    def chosen(self, resident_ids: Collection[int], *, at: datetime) -> Block:
        """A block of these residents as they stand at `at`, which may be later than the terms
        were read."""
        chosen = {"resident_ids": sorted(resident_ids), "at": at}
        (block,) = READ_CHOSEN.send(raw_connection(), {**self.parameters, **chosen}).rows()
        return block

    def only(self, resident_id: int) -> Block:
        """A block of one resident."""
        bounds = {"after_id": resident_id - 1, "last_id": resident_id}
        return _read(raw_connection(), {**self.parameters, **bounds})


def _parameters(campaign: Campaign, at: datetime) -> dict[str, Any]:
    wanted = AudienceFilter.of(campaign.audience_filter)
    within = campaign.geofences.filter(kind=Geofence.Kind.WITHIN_DISTRICT)
    return {
        "campaign_id": campaign.pk,
        "at": at,
        "year": at.astimezone(ZoneInfo(campaign.zone)).year,
        "age_min": wanted.age_min,
        "age_max": wanted.age_max,
        "districts": list(wanted.districts) or None,
        "streets": list(wanted.streets) or None,
        "is_registered": wanted.is_registered,
        "has_residence_permit": wanted.has_residence_permit,
        "need_score_min": wanted.need_score_min,
        "tags_all": wanted.mask(wanted.tags_all),
        "tags_any": wanted.mask(wanted.tags_any),
        "within_districts": list(within.values_list("district_id", flat=True)) or None,
    }


def _last_of_block(raw: psycopg.Connection[Any], after_id: int) -> int | None:
    bounds = {"after_id": after_id, "residents": BLOCK_RESIDENTS}
    return NEXT_BLOCK.send(raw, bounds).rows()[0]


def _read(raw: psycopg.Connection[Any], parameters: dict[str, Any]) -> Block:
    (block,) = READ_BLOCK.send(raw, parameters).rows()
    return block
