"""Who belongs to a campaign's audience, a block of residents at a time. Pure.

State, consent, exclusions and attributes arrive as one reason code a resident (`conditions`); the
places are judged here. A reason is always given and nothing fails open: a resident without a usable
accepted point is not targeted, whatever else is true of them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from merchants.geo import NO_AREA, LocalMetric, containing, contains, coordinate_faults
from vouchers.rules.audience.facts import POINT_KINDS as POINT_KINDS
from vouchers.rules.audience.facts import Facts
from vouchers.rules.audience.store_cover import MAX_RADIUS_M, NO_STORE, StoreCircles, StoreCover
from vouchers.rules.audience.targeting import NO_RING, Placed, Rings, explain, place

Floats = NDArray[np.float64]

NO_KIND: Final = -1
_LEAST_M_PER_DEGREE: Final = 110_500.0
"""A degree of latitude is nowhere shorter."""


class Untargeted(IntEnum):
    """Why a resident is not targeted: the first that applies. The names, lowered, are the codes."""

    SANDBOX = 1  # of the sandbox under a live campaign, or of the city under one of the sandbox
    NOT_ACTIVE = 2  # deceased or erased
    FROZEN = 3
    MERGED = 4  # counted as the resident they were merged into
    NO_CONSENT = 5
    EXCLUDED = 6
    FILTERED = 7  # the campaign's audience filter; an unknown attribute does not pass it
    OUTSIDE_DISTRICT = 8
    NO_POINT = 9
    BAD_COORDINATES = 10
    OUTSIDE = 11
    OUTSIDE_STREETS = 12  # within reach, but in none of the streets that the campaign stays within

    @property
    def code(self) -> str:
        """The stable code."""
        return self.name.lower()


TARGETED: Final = 0


class InvalidFilterError(ValueError):
    """An audience filter with an unknown key or value."""


@dataclass(frozen=True, slots=True)
class AudienceFilter:
    """Attributes a resident must have, all at once; None or empty means no condition.

    Ages are completed by the end of the calendar year. `tags_all` and `tags_any` are bit numbers. A
    visit is a voucher used, under any campaign, at a merchant that takes part; who never came
    passes neither `last_visit_days_min` nor `last_visit_days_max`.
    """

    age_min: int | None = None
    age_max: int | None = None
    districts: tuple[int, ...] = ()
    streets: tuple[str, ...] = ()
    is_registered: bool | None = None
    has_residence_permit: bool | None = None
    need_score_min: int | None = None
    tags_all: tuple[int, ...] = ()
    tags_any: tuple[int, ...] = ()
    is_first_time: bool | None = None
    last_visit_days_min: int | None = None
    last_visit_days_max: int | None = None

    @property
    def asks_visits(self) -> bool:
        """Whether it has to be known who came when."""
        asked = (self.is_first_time, self.last_visit_days_min, self.last_visit_days_max)
        return any(condition is not None for condition in asked)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """From a campaign's `audience_filter`; raises InvalidFilterError on anything unknown."""
        if unknown := sorted(document.keys() - cls.__dataclass_fields__.keys()):
            raise InvalidFilterError(f"Unknown audience filter: {unknown[0]}.")
        return cls(**{name: _checked(name, value) for name, value in document.items()})

    def mask(self, bits: Sequence[int]) -> int:
        """Bit numbers as a signed 64-bit column holds them."""
        whole = sum(1 << bit for bit in set(bits))
        return whole - (1 << 64) if whole >> 63 else whole


_BITS: Final = range(64)
_KINDS: Final[Mapping[str, type]] = {
    "age_min": int,
    "age_max": int,
    "need_score_min": int,
    "is_registered": bool,
    "has_residence_permit": bool,
    "is_first_time": bool,
    "last_visit_days_min": int,
    "last_visit_days_max": int,
}


def _checked(name: str, value: Any) -> Any:
    if value is None:
        return AudienceFilter.__dataclass_fields__[name].default
    if name in _KINDS:
        if type(value) is not _KINDS[name]:
            raise InvalidFilterError(f"Audience filter {name} must be a {_KINDS[name].__name__}.")
        return value
    kind = str if name == "streets" else int
    if not isinstance(value, list | tuple) or any(type(item) is not kind for item in value):
        raise InvalidFilterError(f"Audience filter {name} must be a list of {kind.__name__}.")
    if name.startswith("tags") and any(bit not in _BITS for bit in value):
        raise InvalidFilterError(f"Audience filter {name} must hold bit numbers from 0 to 63.")
    return tuple(value)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Residents in any order, with the reason that needs no place (`conditions`) or TARGETED."""

    facts: Facts
    reason: NDArray[np.int8]

    def __len__(self) -> int:
        return self.reason.size

    @property
    def resident_id(self) -> NDArray[np.int64]:
        """Ids, each once."""
        return self.facts.resident_id

    @property
    def bucket(self) -> NDArray[np.int16]:
        """Buckets of the residents."""
        return self.facts.bucket

    @property
    def district_id(self) -> NDArray[np.int32]:
        """Districts of residence, 0 where unknown; KeyError where they were not read."""
        return self.facts.attributes["district_id"]

    @property
    def longitude_deg(self) -> Floats:
        """A row for each of POINT_KINDS, NaN where there is no point."""
        return self.facts.longitude_deg

    @property
    def latitude_deg(self) -> Floats:
        """A row for each of POINT_KINDS, NaN where there is no point."""
        return self.facts.latitude_deg

    def take(self, rows: NDArray[Any]) -> "Block":
        """Copies of these rows, by position or by a mask."""
        return Block(self.facts.take(rows), self.reason[rows])

    @classmethod
    def joined(cls, blocks: "Sequence[Block]") -> "Block":
        """One after another; without any attribute that some of them lack."""
        facts = Facts.joined([block.facts for block in blocks])
        return cls(facts, np.concatenate([np.empty(0, np.int8), *(it.reason for it in blocks)]))


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Per resident of a block the reason or TARGETED and, where targeted, on what evidence.

    `kind` is a position in POINT_KINDS; `store` and `ring` are positions among the stores and the
    rings (NO_RING outside all of them).
    """

    reason: NDArray[np.int8]
    kind: NDArray[np.int8]
    store: NDArray[np.int32]
    distance_m: Floats
    ring: NDArray[np.int8]

    def untargeted(self) -> Counter[str]:
        """How many are not targeted, by code."""
        counts = np.bincount(self.reason, minlength=len(Untargeted) + 1).tolist()
        return Counter({why.code: counts[why] for why in Untargeted if counts[why]})


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """The area of a campaign: the stores' circles and the insides of polygons, of both what lies
    in one of `streets`, where there are any."""

    circles: StoreCircles
    cover: StoreCover
    rings: Rings
    polygons: tuple[Mapping[str, Any], ...] = ()
    streets: tuple[Mapping[str, Any], ...] = ()
    _wide: StoreCover | None = None

    @classmethod
    def of(
        cls,
        circles: StoreCircles,
        rings: Rings,
        polygons: Sequence[Mapping[str, Any]] = (),
        streets: Sequence[Mapping[str, Any]] = (),
    ) -> Self:
        """Index the circles; polygons need a second index, to name the nearest store."""
        wide = None
        if polygons:
            widest = np.full(len(circles), MAX_RADIUS_M)
            wide = StoreCover.build(circles.longitude_deg, circles.latitude_deg, widest)
        cover = StoreCover.of(circles)
        return cls(circles, cover, rings, tuple(polygons), tuple(streets), wide)

    def judge(self, block: Block, kinds: Sequence[str]) -> Judged:
        """Judge all points of each resident together: the nearest covering store over the accepted
        kinds decides, ties go to the earlier of POINT_KINDS."""
        size = len(block)
        found = Judged(
            reason=block.reason.copy(),
            kind=np.full(size, NO_KIND, dtype=np.int8),
            store=np.full(size, NO_STORE, dtype=np.int32),
            distance_m=np.full(size, np.inf),
            ring=np.full(size, NO_RING, dtype=np.int8),
        )
        accepted = [POINT_KINDS.index(name) for name in POINT_KINDS if name in kinds]
        is_astray = np.zeros(size, dtype=np.bool_)
        for places in (
            (self._in_circles, self._in_polygons) if self.polygons else (self._in_circles,)
        ):
            wanted = (found.reason == TARGETED) & (found.store == NO_STORE)
            for kind in accepted:
                lon, lat = block.longitude_deg[kind], block.latitude_deg[kind]
                at = np.flatnonzero(wanted & (coordinate_faults(lon, lat) == 0))
                lon, lat = lon[at], lat[at]
                nearest = places(lon, lat)
                is_astray[at[self._leave_out_other_streets(nearest, lon, lat)]] = True
                _keep_nearer(found, at, kind, nearest)
        _give_reasons(found, block, accepted, is_astray)
        return found

    def place(self, lon: Floats, lat: Floats) -> Placed:
        """The store that would decide on each WGS-84 point, and its ring."""
        found = self._in_circles(lon, lat)
        if self.polygons:
            beside = np.flatnonzero(found.nearest.store_index == NO_STORE)
            inside = self._in_polygons(lon[beside], lat[beside])
            found.nearest.store_index[beside] = inside.nearest.store_index
            found.nearest.distance_m[beside] = inside.nearest.distance_m
            found.ring[beside] = inside.ring
        self._leave_out_other_streets(found, lon, lat)
        return found

    def only_store(self, lon: Floats, lat: Floats) -> NDArray[np.int32]:
        """Of each point the one store whose circle holds it, NO_STORE where there are none or more,
        or a polygon reaches it anyway."""
        circles = self.circles
        metric = LocalMetric.at(circles.longitude_deg, circles.latitude_deg)
        order = np.argsort(lat)
        sorted_lat, sorted_lon = lat[order], lon[order]
        holders = np.zeros(lat.size, dtype=np.int32)
        store = np.full(lat.size, NO_STORE, dtype=np.int32)
        for number in range(len(circles)):
            at_lon, at_lat = circles.longitude_deg[number], circles.latitude_deg[number]
            high = circles.radius_m[number] / _LEAST_M_PER_DEGREE
            wide = high / np.cos(np.radians(abs(at_lat) + high))
            first, last = np.searchsorted(sorted_lat, [at_lat - high, at_lat + high])
            near = first + np.flatnonzero(np.abs(sorted_lon[first:last] - at_lon) <= wide)
            metres = metric.distance_m(np.asarray(number), sorted_lon[near], sorted_lat[near])
            held = order[near[metres <= circles.radius_m[number]]]
            holders[held] += 1
            store[held] = number
        store[holders != 1] = NO_STORE
        for polygon in self.polygons:
            store[contains(polygon, lon, lat)] = NO_STORE
        return store

    def _leave_out_other_streets(
        self, placed: Placed, lon: Floats, lat: Floats
    ) -> NDArray[np.intp]:
        """Take the store from points that lie in none of the streets; returns which."""
        if not self.streets:
            return np.empty(0, dtype=np.intp)
        reached = np.flatnonzero(placed.nearest.store_index != NO_STORE)
        is_astray = containing(self.streets, lon[reached], lat[reached]) == NO_AREA
        astray = np.asarray(reached[is_astray])
        placed.nearest.store_index[astray] = NO_STORE
        placed.nearest.distance_m[astray] = np.inf
        placed.ring[astray] = NO_RING
        return astray

    def _in_circles(self, lon: Floats, lat: Floats) -> Placed:
        return place(self.cover, self.rings, lon, lat)

    def _in_polygons(self, lon: Floats, lat: Floats) -> Placed:
        """Points inside a polygon, with the nearest store of all, however far it is."""
        placed = place(self._wide or self.cover, self.rings, lon, lat)
        store, distance_m = placed.nearest.store_index, placed.nearest.distance_m
        inside = np.zeros(lon.size, dtype=np.bool_)
        for polygon in self.polygons:
            inside |= contains(polygon, lon, lat)
        store[~inside], distance_m[~inside] = NO_STORE, np.inf
        for far in np.flatnonzero(inside & (store == NO_STORE)):
            said = explain(float(lon[far]), float(lat[far]), self.circles, self.rings)
            store[far], distance_m[far] = said.nearest_store, said.nearest_m
        return Placed(placed.nearest, self.rings.positions(distance_m))


def _keep_nearer(found: Judged, at: NDArray[np.intp], kind: int, placed: Placed) -> None:
    """Take over what is nearer than what was found for an earlier kind."""
    nearer = np.flatnonzero(placed.nearest.distance_m < found.distance_m[at])
    at = at[nearer]
    found.kind[at] = kind
    found.store[at] = placed.nearest.store_index[nearer]
    found.distance_m[at] = placed.nearest.distance_m[nearer]
    found.ring[at] = placed.ring[nearer]


def _give_reasons(
    found: Judged, block: Block, accepted: Sequence[int], is_astray: NDArray[np.bool_]
) -> None:
    unplaced = np.flatnonzero((found.reason == TARGETED) & (found.store == NO_STORE))
    which = np.ix_(np.array(accepted, dtype=np.intp), unplaced)
    lon, lat = block.longitude_deg[which], block.latitude_deg[which]
    is_absent = (np.isnan(lon) | np.isnan(lat)).all(axis=0)
    is_bad = (coordinate_faults(lon, lat) != 0).all(axis=0)
    found.reason[unplaced] = Untargeted.OUTSIDE
    found.reason[unplaced[is_bad]] = Untargeted.BAD_COORDINATES
    found.reason[unplaced[is_absent]] = Untargeted.NO_POINT
    found.reason[unplaced[is_astray[unplaced]]] = Untargeted.OUTSIDE_STREETS
