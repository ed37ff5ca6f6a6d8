"""A run's choice made again by rules of the audit's own: one member after the other.

The run stored what it chose from: the room of each quota cell, the day, the shards of earlier runs
that counted, the districts' populations and the small shops. With its seed, its audience and the
frozen terms that decides who gets what.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from vouchers.rules.proofs.audit.facts import Row
from vouchers.states import SelectionMethod

_WHOLE_BP: Final = 10_000
_SENIOR_AGE: Final = 60
_OLD_AGE: Final = 80


class Person(NamedTuple):
    """A member of the audience. District, need score and birth year are 0 where unknown, answers
    False."""

    resident_id: int
    distance_m: float
    store_id: int
    district_id: int
    need_score: int
    birth_year: int
    is_registered: bool = False
    has_residence_permit: bool = False
    tags: int = 0


class TierTaken(NamedTuple):
    """A tier, how many of it a resident may have, and the shares of its face in fen by source."""

    id: int
    per_resident: int
    shares: Mapping[int, int]


class CellRoom(NamedTuple):
    """A quota cell: the values of the dimensions it names, its source (None: all of them), and the
    fen and vouchers it had room for (None: any number)."""

    named: Mapping[str, object]
    source_id: int | None
    fen: int | None
    vouchers: int | None


@dataclass(frozen=True, slots=True)
class Choice:
    """A run's choice and what it was made from. `earlier` and `chosen` are vouchers by tier and
    resident; `day` is an ISO date; `tiers` come in order of service."""

    run_id: int
    seed: str
    method: str
    senior_share_bp: int
    small_shop_share_bp: int
    hold_out_bp: int
    hold_out_seed: str
    day: str
    common: Mapping[str, object]
    """The dimensions that every voucher of the run shares: round, channel and day."""
    tiers: Sequence[TierTaken]
    cells: Sequence[CellRoom]
    people: Sequence[Person]
    earlier: Mapping[tuple[int, int], int]
    chosen: Mapping[tuple[int, int], int]
    population: Mapping[int, int]
    small_shops: frozenset[int]
    need_weights: Mapping[str, int] = field(default_factory=dict)
    """Points by what they are for; without any the need score on file counts."""

    @property
    def asks_for_facts(self) -> bool:
        """Whether more of residents counts than the audience itself keeps."""
        return (
            self.method in {SelectionMethod.NEED, SelectionMethod.DISTRICTS}
            or self.senior_share_bp > 0
            or any("district_id" in cell.named for cell in self.cells)
        )


class Wanted(NamedTuple):
    """A person in the queue, and the vouchers of the tier they may still have."""

    person: Person
    vouchers: int


Queue = list[Wanted]
Cost = Sequence[tuple[int, int]]
"""(place of a limit, amount): a cell's fen is at twice its place, its count beside it."""


def differences(choice: Choice) -> Iterator[Row]:
    """Residents who have another number of a tier's vouchers than the run's method gives them."""
    expected = chosen_again(choice)
    for tier_id, resident_id in sorted({*expected, *choice.chosen}):
        key = tier_id, resident_id
        if expected[key] != choice.chosen.get(key, 0):
            yield {
                "run": choice.run_id,
                "tier": tier_id,
                "resident": resident_id,
                "vouchers": choice.chosen.get(key, 0),
                "expected": expected[key],
            }


def chosen_again(choice: Choice) -> Counter[tuple[int, int]]:
    """Vouchers by tier and resident: tier after tier, resident after resident, while every cell
    has room for one more."""
    line = sorted(choice.people, key=_order(choice))
    rooms = [room for cell in choice.cells for room in (cell.fen, cell.vouchers)]
    found: Counter[tuple[int, int]] = Counter()
    for tier in choice.tiers:
        costs = _Costs(choice, tier)
        queue = [Wanted(person, _wanted(choice, tier, person)) for person in line]
        if choice.population or choice.senior_share_bp or choice.small_shop_share_bp:
            seats = sum(_serve(queue, costs, list(rooms)).values())
            queue = _guaranteed_first(choice, _districts_first(choice, queue, seats), seats)
        for resident_id, count in _serve(queue, costs, rooms).items():
            found[tier.id, resident_id] = count
    return found


def _order(choice: Choice) -> Callable[[Person], tuple[float, int, int]]:
    def place(person: Person) -> tuple[float, int, int]:
        by_method: dict[str, float] = {
            SelectionMethod.NEAREST: person.distance_m,
            SelectionMethod.NEED: -_need(choice, person),
        }
        lot = _lot(f"{choice.seed}|{person.resident_id}")
        return by_method.get(choice.method, 0), lot, person.resident_id

    return place


def _need(choice: Choice, person: Person) -> int:
    """The points of a person, added up name by name."""
    if not choice.need_weights:
        return person.need_score
    age = int(choice.day[:4]) - person.birth_year if person.birth_year else 0
    times = {
        "need_score": person.need_score,
        "age_60": int(age >= _SENIOR_AGE),
        "age_80": int(age >= _OLD_AGE),
        "is_registered": int(person.is_registered),
        "has_residence_permit": int(person.has_residence_permit),
    }
    return sum(
        points * (times[name] if name in times else person.tags >> int(name[len("tag_") :]) & 1)
        for name, points in choice.need_weights.items()
    )


def _wanted(choice: Choice, tier: TierTaken, person: Person) -> int:
    """None for the control group, and where cells of districts would not know them."""
    lot = _lot(f"{choice.hold_out_seed}|hold-out|{person.resident_id}")
    if lot % _WHOLE_BP < choice.hold_out_bp:
        return 0
    if not person.district_id and any("district_id" in cell.named for cell in choice.cells):
        return 0
    return max(tier.per_resident - choice.earlier.get((tier.id, person.resident_id), 0), 0)


class _Costs:
    """What a voucher of one tier takes from each limit, by the district and store of its holder."""

    def __init__(self, choice: Choice, tier: TierTaken) -> None:
        self._choice, self._tier = choice, tier
        self._known: dict[tuple[int, int], Cost] = {}

    def of(self, person: Person) -> Cost:
        place = person.district_id, person.store_id
        if place not in self._known:
            self._known[place] = list(self._taken(person))
        return self._known[place]

    def _taken(self, person: Person) -> Iterator[tuple[int, int]]:
        own = {
            "tier_id": self._tier.id,
            "district_id": person.district_id,
            "store_id": person.store_id,
        }
        own_values = {**self._choice.common, **own}
        shares = self._tier.shares
        for number, cell in enumerate(self._choice.cells):
            fen = sum(shares.values()) if cell.source_id is None else shares.get(cell.source_id, 0)
            if fen and all(own_values.get(name) == value for name, value in cell.named.items()):
                yield 2 * number, fen
                yield 2 * number + 1, 1


def _serve(queue: Queue, costs: _Costs, rooms: list[int | None]) -> Counter[int]:
    """Vouchers by resident; `rooms` is left with what remains."""
    served: Counter[int] = Counter()
    for person, count in queue:
        cost = costs.of(person)
        for _ in range(count):
            if any((room := rooms[limit]) is not None and room < much for limit, much in cost):
                break
            for limit, much in cost:
                room = rooms[limit]
                rooms[limit] = None if room is None else room - much
            served[person.resident_id] += 1
    return served


def _districts_first(choice: Choice, queue: Queue, seats: int) -> Queue:
    if not choice.population:
        return queue
    demand: Counter[int] = Counter()
    for person, count in queue:
        demand[person.district_id] += count
    seats_of = _in_proportion(seats, choice.population, demand)
    return _first(queue, [(_lives_in(district), most) for district, most in seats_of.items()])


def _lives_in(district_id: int) -> Callable[[Person], bool]:
    return lambda person: person.district_id == district_id


def _in_proportion(
    seats: int, population: Mapping[int, int], demand: Mapping[int, int]
) -> dict[int, int]:
    """Largest remainder, again and again while some district wants more than it was given."""
    given = dict.fromkeys(demand, 0)
    while left := seats - sum(given.values()):
        weights = {d: population.get(d, 0) for d in demand if given[d] < demand[d]}
        total = sum(weights.values())
        if not total:
            break
        parts = {d: left * weight // total for d, weight in weights.items()}
        rest = left - sum(parts.values())
        for d in sorted(weights, key=lambda d: (-(left * weights[d] % total), d))[:rest]:
            parts[d] += 1
        for d, part in parts.items():
            given[d] = min(given[d] + part, demand[d])
    return given


def _guaranteed_first(choice: Choice, queue: Queue, seats: int) -> Queue:
    latest_year = int(choice.day[:4]) - _SENIOR_AGE
    groups: list[tuple[Callable[[Person], bool], int]] = [
        (lambda person: 0 < person.birth_year <= latest_year, choice.senior_share_bp),
        (lambda person: person.store_id in choice.small_shops, choice.small_shop_share_bp),
    ]
    return _first(queue, [(is_of, -(-seats * bp // _WHOLE_BP)) for is_of, bp in groups])


def _first(queue: Queue, groups: Iterable[tuple[Callable[[Person], bool], int]]) -> Queue:
    """The same queue, those first who fill the groups' seats."""
    first: set[int] = set()
    for is_of, seats in groups:
        for person, count in queue:
            if seats <= 0:
                break
            if count and is_of(person):
                first.add(person.resident_id)
                seats -= count
    return sorted(queue, key=lambda wanted: wanted.person.resident_id not in first)


def _lot(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
