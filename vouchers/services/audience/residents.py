"""A campaign's terms made ready for judging residents, and the residents read block by block."""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Final, Self
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from merchants.errors import Refused
from merchants.geo import InvalidGeometryError
from vouchers.models import Campaign, Geofence
from vouchers.models.audience.facts import POINTS, READ_CHOSEN, READ_SET_ASIDE, ROWS_A_READ
from vouchers.models.audience.snapshots import (
    FIND_CHANGED,
    FIND_OF_SANDBOX,
    READ_EXTENTS,
    READ_IDS,
    READ_PACKED,
    Extents,
)
from vouchers.models.audience.visits import READ_VISITS, READ_VISITS_OF
from vouchers.queries.campaigns.terms import terms_of
from vouchers.rules.audience.conditions import Conditions, is_among
from vouchers.rules.audience.facts import Facts
from vouchers.rules.audience.filters import (
    POINT_KINDS,
    AudienceFilter,
    Block,
    Coverage,
    InvalidFilterError,
    Judged,
)
from vouchers.rules.audience.reach import Reach
from vouchers.rules.audience.store_cover import InvalidCircleError, StoreCircles
from vouchers.rules.audience.targeting import NO_RING, InvalidRingsError, Rings
from vouchers.rules.campaigns.soundness import unreachable
from vouchers.services.audience.snapshots import latest_snapshot, plan_for_all
from vouchers.services.audience.stores import Stores
from vouchers.sql.pipeline import raw_connection

UNUSABLE: Final = (
    InvalidCircleError,
    InvalidRingsError,
    InvalidFilterError,
    InvalidGeometryError,
)
"""What terms that no one has checked yet may raise."""
DISTRICTS: Final = frozenset({"district_id"})
BLOCKS_A_READ: Final = 2


@dataclass(frozen=True, slots=True, eq=False)
class Sources:
    """Where everyone whom a campaign may know of stands at one moment, the city's residents or the
    sandbox's: each in a block or among those read by row.

    `block_numbers` are those of the snapshot that some store can reach. `changed` are the ids,
    ascending, of those who have no entry in a block, or none that counts. `beyond_reach` residents
    stand in the other blocks.
    """

    snapshot_id: int | None
    block_numbers: NDArray[np.int32]
    changed: NDArray[np.int64]
    beyond_reach: int


@dataclass(frozen=True, slots=True, eq=False)
class TargetingContext:
    """A campaign's terms made ready for judging."""

    campaign_id: int
    coverage: Coverage
    kinds: tuple[str, ...]
    store_ids: NDArray[np.int64]
    location_ids: NDArray[np.int64]
    conditions: Conditions

    @classmethod
    def of(cls, campaign: Campaign, at: datetime, stores: Stores | None = None) -> Self:
        """The terms as at `at`: the stores given, or else the participating open ones. Refuses
        `terms_invalid` for a draft by which no one can be judged."""
        try:
            return cls._of(campaign, at, stores)
        except UNUSABLE as error:
            for fault in unreachable(terms_of(campaign)):
                raise Refused(fault.code, fault.rule, **fault.facts) from error
            raise

    @classmethod
    def _of(cls, campaign: Campaign, at: datetime, stores: Stores | None) -> Self:
        stores = stores or Stores.taking_part(campaign, at)
        rings = tuple(campaign.rings.order_by("from_m").values_list("label", "from_m", "to_m"))
        circles = stores.circles
        return cls(
            campaign_id=campaign.pk,
            coverage=_coverage(
                circles.longitude_deg.tobytes(),
                circles.latitude_deg.tobytes(),
                circles.radius_m.tobytes(),
                rings,
                _areas(campaign, Geofence.Kind.INCLUDE_POLYGON),
                _areas(campaign, Geofence.Kind.WITHIN_STREET),
            ),
            kinds=tuple(campaign.point_kinds),
            store_ids=stores.store_ids,
            location_ids=stores.location_ids,
            conditions=_conditions(campaign, at),
        )

    def judge(self, block: Block) -> Judged:
        """Judge all residents of a block."""
        return self.coverage.judge(block, self.kinds)

    def ring_label(self, position: int) -> str:
        """Label of a ring by its position, empty outside all rings."""
        return "" if position == NO_RING else self.coverage.rings.rings[position].label

    def sources(self) -> Sources:
        """Where everyone stands now, inside the caller's transaction, which has to be the one that
        reads them or to note the snapshot down: else its blocks may be deleted."""
        plan_for_all()
        raw = raw_connection()
        if self.conditions.is_test:
            (own,) = FIND_OF_SANDBOX.send(raw, {}).rows()
            return Sources(None, np.empty(0, np.int32), own, 0)
        snapshot = latest_snapshot()
        since = {"as_of": snapshot and snapshot.as_of, "xid": snapshot and snapshot.xid}
        (changed,) = FIND_CHANGED.send(raw, since).rows()
        if snapshot is None:
            return Sources(None, np.empty(0, np.int32), changed, 0)
        extents = READ_EXTENTS.send(raw, {"snapshot_id": snapshot.id}).rows()
        number = np.array([extent.number for extent in extents], dtype=np.int32)
        counts = np.array([extent.resident_count for extent in extents], dtype=np.int64)
        is_reached = self._reaches(extents)
        beyond_reach = int(counts[~is_reached].sum())
        if changed.size and beyond_reach:
            unread = {"snapshot_id": snapshot.id, "numbers": number[~is_reached].tolist()}
            for ids in READ_IDS.send(raw, unread).rows():
                beyond_reach -= int(is_among(ids, changed).sum())
        return Sources(snapshot.id, number[is_reached], changed, beyond_reach)

    def blocks(self, sources: Sources, attributes: Collection[str] = DISTRICTS) -> Iterator[Block]:
        """All residents of the sources but those beyond reach, a block at a time, inside the
        caller's transaction; with the columns named in `attributes` and those that decide."""
        context = self.with_set_aside(None)
        yield from context.by_row(sources.changed)
        yield from context.by_block(sources, attributes)

    def all_blocks(self, attributes: Collection[str] = DISTRICTS) -> Iterator[Block]:
        """`blocks` of everyone as they stand now."""
        return self.blocks(self.sources(), attributes)

    def chosen(self, resident_ids: Collection[int], *, at: datetime) -> Block:
        """A block of these residents, in order of id, as they stand at `at`, which may be later
        than the terms were read."""
        context = replace(self, conditions=replace(self.conditions, at=at))
        ids = sorted(resident_ids)
        return context.with_set_aside(ids)._read(ids)

    def only(self, resident_id: int) -> Block:
        """A block of one resident."""
        return self.chosen([resident_id], at=self.conditions.at)

    def by_row(self, resident_ids: NDArray[np.int64]) -> Iterator[Block]:
        """These residents, read by row."""
        for start in range(0, resident_ids.size, ROWS_A_READ):
            yield self._read(resident_ids[start : start + ROWS_A_READ].tolist())

    def by_block(self, sources: Sources, attributes: Collection[str]) -> Iterator[Block]:
        """The blocks of the sources, less those who are read by row."""
        asked = self.conditions.attributes | set(attributes)
        parameters = {
            "snapshot_id": sources.snapshot_id,
            "at": self.conditions.at,
            "columns": [
                *asked,
                *(point for point in POINTS if point.partition("_")[0] in self.kinds),
            ],
        }
        for start in range(0, sources.block_numbers.size, BLOCKS_A_READ):
            numbers = sources.block_numbers[start : start + BLOCKS_A_READ].tolist()
            for packed in READ_PACKED.send(
                raw_connection(), {**parameters, "numbers": numbers}
            ).rows():
                facts = packed.facts(asked)
                if sources.changed.size:
                    facts = facts.take(~is_among(facts.resident_id, sources.changed))
                yield self._block(facts)

    def with_set_aside(self, resident_ids: Collection[int] | None) -> "TargetingContext":
        """The same, knowing who of these residents, or of all, is merged or excluded now, and who
        came when where that is asked for."""
        asked = {"campaign_id": self.campaign_id, "at": self.conditions.at}
        (aside,) = READ_SET_ASIDE.send(
            raw_connection(), {**asked, "resident_ids": resident_ids}
        ).rows()
        conditions = replace(self.conditions, merged=aside.merged, excluded=aside.excluded)
        if conditions.wanted.asks_visits:
            read = READ_VISITS if resident_ids is None else READ_VISITS_OF
            (visits,) = read.send(raw_connection(), {**asked, "resident_ids": resident_ids}).rows()
            conditions = replace(conditions, visits=visits)
        return replace(self, conditions=conditions)

    def _reaches(self, extents: Sequence[Extents]) -> NDArray[np.bool_]:
        """Which blocks have a point of an accepted kind where it can count."""
        reach = Reach.of(self.coverage.circles, self.coverage.polygons)
        boxes = np.array([extent.boxes for extent in extents]).reshape(-1, len(POINT_KINDS), 4)
        rows = [POINT_KINDS.index(kind) for kind in POINT_KINDS if kind in self.kinds]
        touches = [reach.touches(boxes[:, row]) for row in rows]
        return np.any(touches, axis=0) if touches else np.zeros(len(extents), dtype=np.bool_)

    def _read(self, resident_ids: list[int]) -> Block:
        chosen = {"resident_ids": resident_ids}
        (facts,) = READ_CHOSEN.send(raw_connection(), chosen).rows()
        return self._block(facts)

    def _block(self, facts: Facts) -> Block:
        return Block(facts, self.conditions.reasons(facts))


@lru_cache(maxsize=4)
def _coverage(
    longitude_deg: bytes,
    latitude_deg: bytes,
    radius_m: bytes,
    rings: tuple[tuple[str, float, float], ...],
    polygons: tuple[str, ...],
    streets: tuple[str, ...],
) -> Coverage:
    """Indexing the stores takes 0.1 s for 500, and every part of a run judges by the same."""
    circles = StoreCircles.of(*map(np.frombuffer, (longitude_deg, latitude_deg, radius_m)))
    areas = ([json.loads(area) for area in of_kind] for of_kind in (polygons, streets))
    return Coverage.of(circles, Rings.of(rings), *areas)


def _areas(campaign: Campaign, kind: Geofence.Kind) -> tuple[str, ...]:
    """The geometries of one kind, as texts that can be compared."""
    fences = campaign.geofences.filter(kind=kind).order_by("id")
    return tuple(json.dumps(fence.geometry) for fence in fences)


def _conditions(campaign: Campaign, at: datetime) -> Conditions:
    within = campaign.geofences.filter(kind=Geofence.Kind.WITHIN_DISTRICT)
    return Conditions(
        wanted=AudienceFilter.of(campaign.audience_filter),
        year=at.astimezone(ZoneInfo(campaign.zone)).year,
        at=at,
        is_test=campaign.is_test,
        within_districts=tuple(within.values_list("district_id", flat=True)),
    )
