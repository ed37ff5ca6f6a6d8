"""Who comes first when an audience exceeds the vouchers. Pure, and decided by the run's seed alone.

Methods order an audience: nearest first, at random, by need, or so that districts get vouchers in
proportion to their population. Where shares are guaranteed to groups (seniors, residents reached by
small shops), as many of each group as its share of the vouchers come first. A hold-out is taken out
at random before, as a control group. Nothing here limits how many are served: everybody who is not
held out is in the order, so that no voucher is left while some eligible resident has none.

Every random decision is a lot: the first eight bytes of SHA-256 of a text, smallest first. So an
auditor can repeat it from the seed.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vouchers.money import WHOLE_BP, split_pro_rata
from vouchers.states import SelectionMethod

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Order = NDArray[np.intp]

SMALL_SHOP: Final = "small shop"
"""The category in the campaign of stores whose customers the small shops' share is for."""


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """An audience as columns. `need` is in points of the campaign's weights; `district_id` is 0
    where unknown."""

    resident_id: Ints
    distance_m: Floats
    need: Ints
    district_id: Ints

    def __len__(self) -> int:
        return self.resident_id.size


@dataclass(frozen=True, slots=True, eq=False)
class Guarantee:
    """A group of an audience (one flag a member) and its share of the vouchers, in ‱."""

    is_member: Flags
    share_bp: int


def lots(seed: str, resident_id: Ints) -> NDArray[np.uint64]:
    """A random number of each resident: SHA-256 of "seed|resident id"."""
    drawn = [_lot(f"{seed}|{resident}") for resident in resident_id.tolist()]
    return np.array(drawn, dtype=np.uint64)


def held_out(seed: str, resident_id: Ints, share_bp: int) -> Flags:
    """Who is kept without vouchers to compare the others with: by a lot of their own, so that
    neither the method nor other residents change it."""
    if not share_bp:
        return np.zeros(resident_id.size, dtype=np.bool_)
    return lots(f"{seed}|hold-out", resident_id) % np.uint64(WHOLE_BP) < np.uint64(share_bp)


def ordered(method: SelectionMethod, people: People, seed: str) -> Order:
    """Positions in the order of service; those that are equal by the method go by lot."""
    if method is SelectionMethod.NEAREST:
        return _by(people.distance_m, people.resident_id, seed)
    if method is SelectionMethod.NEED:
        return _by(-people.need, people.resident_id, seed)
    return np.lexsort((people.resident_id, lots(seed, people.resident_id)))


def _by(key: NDArray[np.float64] | Ints, resident_id: Ints, seed: str) -> Order:
    """Positions in ascending order; lots are drawn for equal ones only, since hashing takes
    longest."""
    order = np.lexsort((resident_id, key))
    sorted_key = key[order]
    equal = sorted_key[1:] == sorted_key[:-1]
    tied = np.flatnonzero(np.append(equal, False) | np.append(False, equal))
    if tied.size:
        lot = np.zeros(order.size, dtype=np.uint64)
        lot[tied] = lots(seed, resident_id[order[tied]])
        order = order[np.lexsort((resident_id[order], lot, sorted_key))]
    return order


def in_proportion(
    seats: int, population: Mapping[int, int], demand: Mapping[int, int]
) -> dict[int, int]:
    """Seats by district in proportion to population, by largest remainder (Hamilton), never more
    than the district's demand; what a district cannot use goes to the others in the same way.

    Of equal remainders the smaller id comes first. Districts without population get none here.
    """
    given = dict.fromkeys(demand, 0)
    while left := seats - sum(given.values()):
        unmet = [d for d in sorted(demand) if population.get(d, 0) > 0 and given[d] < demand[d]]
        if not unmet:
            break
        parts = split_pro_rata(left, [population[district] for district in unmet])
        for district, more in zip(unmet, parts, strict=True):
            given[district] = min(given[district] + more, demand[district])
    return given


def districts_first(
    order: Order, district_id: Ints, wanted: Ints, seats: int, population: Mapping[int, int]
) -> Order:
    """The same people, those first who are within their district's seats.

    A member takes as many seats as vouchers they are `wanted` for.
    """
    places = district_id[order]
    takes = wanted[order]
    demand = {int(d): int(takes[places == d].sum()) for d in np.unique(places)}
    allotted = in_proportion(seats, population, demand)
    is_first = np.zeros(order.size, dtype=np.bool_)
    for district, limit in allotted.items():
        is_first |= _first(places == district, takes, limit)
    return np.concatenate((order[is_first], order[~is_first]))


def groups_first(order: Order, wanted: Ints, seats: int, guarantees: Sequence[Guarantee]) -> Order:
    """The same people, those first who fill the guaranteed shares of `seats`, rounded up."""
    takes = wanted[order]
    is_first = np.zeros(order.size, dtype=np.bool_)
    for guarantee in guarantees:
        limit = -(-seats * guarantee.share_bp // WHOLE_BP)
        is_first |= _first(guarantee.is_member[order], takes, limit)
    return np.concatenate((order[is_first], order[~is_first]))


def _first(is_one: Flags, takes: Ints, limit: int) -> Flags:
    """The first of those flagged, until what they take reaches the limit."""
    taken = np.cumsum(np.where(is_one, takes, 0))
    before = taken - np.where(is_one, takes, 0)
    return is_one & (takes > 0) & (before < limit)


def _lot(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
