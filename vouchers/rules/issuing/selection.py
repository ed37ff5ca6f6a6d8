"""Selection of an audience's residents when there are fewer vouchers than residents. Pure,
deterministic.

Residents stand in the order of `priority`: by the campaign's method, the equal ones by a lot of
the run's seed.

Tiers are served one after the other in ascending order of face (then of id): where tiers compete
for one cell, the cheaper ones go first and the money reaches the most people; a manager who wants
another division gives the tiers cells of their own. Within a tier the residents are served in turn,
each up to `per_resident` vouchers, as long as every cell they count in has room for one more
voucher. A resident whose cell is full is passed over and the next one tried, so that at the end no
eligible resident can be added.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from vouchers.rules.issuing.priority import (
    Guarantee,
    People,
    districts_first,
    groups_first,
    held_out,
    ordered,
)
from vouchers.rules.ledger.quotas import Cell, Cells, Price, Room, Slice
from vouchers.states import SelectionMethod

Ints = NDArray[np.int64]

_UNLIMITED: Final = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """How a campaign orders its audience, as its terms say. `population` by district is needed by
    the method that follows it, and empty for the others."""

    method: SelectionMethod = SelectionMethod.NEAREST
    hold_out_bp: int = 0
    hold_out_seed: str = ""
    population: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """An audience in order of service. Members of one group count in the same cells; `slices` are
    the groups' dimensions, but for the tier. Who is barred or held out is served nothing."""

    resident_id: Ints
    bucket: NDArray[np.int16]
    district_id: Ints
    group: NDArray[np.intp]
    slices: tuple[Slice, ...]
    barred: NDArray[np.bool_]
    held_out: NDArray[np.bool_]
    plan: Plan
    guarantees: tuple[Guarantee, ...] = ()

    def of_tier(self, tier_id: int) -> list[Slice]:
        """The slices of one tier's vouchers."""
        return [replace(item, tier_id=tier_id) for item in self.slices]


def line_up(
    *,
    people: People,
    bucket: NDArray[np.int16],
    store_id: Ints,
    seed: str,
    cells: Cells,
    round_id: int | None,
    day: date,
    channel: str | None = None,
    plan: Plan | None = None,
    guarantees: Sequence[Guarantee] = (),
) -> Line:
    """Put an audience in order and sort it into groups; `guarantees` flag `people` as they come.

    Where some cell names a district, a resident whose district is unknown (0) is barred: the cell
    they count in is unknown.
    """
    plan = plan or Plan()
    order = ordered(plan.method, people, seed)
    asked = cells.dimensions
    district_id = people.district_id
    columns = (("district_id", district_id), ("store_id", store_id))
    names = [name for name, _ in columns if name in asked]
    places = np.array([column[order] for name, column in columns if name in asked], dtype=np.int64)
    if names:
        found, group = np.unique(places, axis=1, return_inverse=True)
        combinations = found.T.tolist()
    else:
        group, combinations = np.zeros(order.size, dtype=np.intp), [[]]
    whole = cells.narrowed(Slice(0, round_id, channel=channel, day=day))
    return Line(
        resident_id=people.resident_id[order],
        bucket=bucket[order],
        district_id=district_id[order],
        group=group.reshape(-1),
        slices=tuple(
            replace(whole, **dict(zip(names, places, strict=True))) for places in combinations
        ),
        barred=(district_id[order] == 0) & ("district_id" in asked),
        held_out=held_out(plan.hold_out_seed, people.resident_id[order], plan.hold_out_bp),
        plan=plan,
        guarantees=tuple(Guarantee(each.is_member[order], each.share_bp) for each in guarantees),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """Vouchers of one tier: a position in the line for each; per member whether they got one; and
    why the others got none."""

    member: NDArray[np.intp]
    is_served: NDArray[np.bool_]
    passed_over: Mapping[str, int]


def choose(
    line: Line, *, cells: Cells, slices: Sequence[Slice], price: Price, wanted: Ints, room: Ints
) -> tuple[Chosen, Ints]:
    """Serve one tier: each member up to `wanted` vouchers; returns the room left as well."""
    asked = wanted
    wanted = np.where(line.barred | line.held_out, 0, wanted)
    costs = Costs.of(cells, slices, price)
    order = _by_turns(line, wanted, costs, room)
    turns = np.repeat(order, wanted[order])
    served, room = fill(line.group[turns], costs, room)
    member = turns[served]
    is_served = np.zeros(wanted.size, dtype=np.bool_)
    is_served[member] = True
    reasons = {
        "hold_out": line.held_out,
        "district_unknown": line.barred & ~line.held_out,
        "already_served": ~line.barred & ~line.held_out & (asked == 0),
        "quota": ~is_served & (wanted > 0),
    }
    counts = {reason: int(np.count_nonzero(who)) for reason, who in reasons.items()}
    passed_over = {reason: count for reason, count in counts.items() if count}
    return Chosen(member, is_served, passed_over), room


def _by_turns(line: Line, wanted: Ints, costs: "Costs", room: Ints) -> NDArray[np.intp]:
    """The line's order, with those first to whom districts' populations or guaranteed shares give
    some of the vouchers; how many there are is found by serving the line as it is."""
    order = np.arange(line.group.size)
    if not line.plan.population and not line.guarantees:
        return order
    served, _room = fill(line.group[np.repeat(order, wanted)], costs, room)
    seats = int(np.count_nonzero(served))
    if line.plan.population:
        order = districts_first(order, line.district_id, wanted, seats, line.plan.population)
    return groups_first(order, wanted, seats, line.guarantees)


@dataclass(frozen=True, slots=True, eq=False)
class Costs:
    """What a voucher of each group takes from each limit, as triples group, limit, amount."""

    group_count: int
    group: NDArray[np.intp]
    limit: NDArray[np.intp]
    amount: Ints

    @classmethod
    def of(cls, cells: Cells, slices: Sequence[Slice], price: Price) -> Self:
        """Groups are `slices` in order; limits are the fen of each cell, then the count of each."""
        place = {cell.id: number for number, cell in enumerate(cells.all)}
        triples = [
            (group, limit, amount)
            for group, item in enumerate(slices)
            for cell, each in cells.costs(item, price)
            for limit, amount in (
                (place[cell.id], each.fen),
                (len(place) + place[cell.id], each.count),
            )
        ]
        group, limit, amount = np.array(triples, dtype=np.int64).reshape(-1, 3).T
        return cls(len(slices), group, limit, amount)

    def total(self, groups: NDArray[np.intp], limit_count: int) -> Ints:
        """What one voucher for each entry of `groups` takes from every limit."""
        wanted = np.zeros(limit_count, dtype=np.int64)
        vouchers = np.bincount(groups, minlength=self.group_count)
        np.add.at(wanted, self.limit, vouchers[self.group] * self.amount)
        return wanted

    def can_take_one(self, room: Ints) -> NDArray[np.bool_]:
        """Per group whether every limit has room for one more voucher."""
        able = np.ones(self.group_count, dtype=np.bool_)
        able[self.group[self.amount > room[self.limit]]] = False
        return able


def limits(cells: Sequence[Cell], rooms: Mapping[int, Room]) -> Ints:
    """The room of every limit, in the order of `Costs.of`."""
    both = [rooms[cell.id].fen for cell in cells] + [rooms[cell.id].count for cell in cells]
    return np.array([_UNLIMITED if room is None else room for room in both], dtype=np.int64)


def fill(groups: NDArray[np.intp], costs: Costs, room: Ints) -> tuple[NDArray[np.bool_], Ints]:
    """Serve vouchers wanted, one an entry and in this order, while there is room.

    Returns which entries are served, and the room left. The result is that of trying the entries
    one by one; stretches that fit whole are taken whole, the others are halved.
    """
    served = np.zeros(groups.size, dtype=np.bool_)
    room = room.copy()
    stretches = [np.arange(groups.size)]
    while stretches:
        stretch = stretches.pop()
        stretch = stretch[costs.can_take_one(room)[groups[stretch]]]
        wanted = costs.total(groups[stretch], room.size)
        if (wanted <= room).all():
            room -= np.where(room == _UNLIMITED, 0, wanted)
            served[stretch] = True
        else:
            middle = stretch.size // 2
            stretches += [stretch[middle:], stretch[:middle]]
    return served, room
