"""Where a forecast's vouchers and money would go: by store, and by district against its people.

Everything is shared out by the counts of a preview, which are of ten people or more, in tens. What
is made of them says no more than they do; a share of which either side is fewer than ten people is
left out, with the reason. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from vouchers.money import split_pro_rata
from vouchers.rules.audience.squares import LEAST

Counts = Mapping[int, int | None]
"""People in tens by key; None for fewer than ten, and no key for none at all."""


class Missing(StrEnum):
    """Why there is no figure."""

    FEW = "few"
    NO_CENSUS = "no_census"
    NOT_ON_FILE = "not_on_file"
    NO_STORE = "no_store"


Figure = float | Missing


@dataclass(frozen=True, slots=True)
class StoreLoad:
    """Vouchers expected at a store in all, on an average day and on the busiest one; and by how
    many people it is the one that decides."""

    store_id: int
    people: int
    used: int
    a_day: float
    busiest: float


@dataclass(frozen=True, slots=True)
class DistrictShare:
    """A district of residence (0 unknown). `people` is None for fewer than ten. Shares from 0 to 1:
    `reached` of the census, seniors, registered households of those where that is on file, and what
    small shops take of the vouchers used in the district's stores. Money in fen, `each_fen` for
    every resident of the census."""

    adcode: int
    people: int | None
    census: int | None
    reached: Figure
    money_fen: int | Missing
    each_fen: Figure
    seniors: Figure
    registered: Figure
    unregistered: Figure
    small_shops: Figure


@dataclass(frozen=True, slots=True)
class Groups:
    """People reached by district: all, seniors, with and without a registered household."""

    everyone: Counts
    seniors: Counts
    registered: Counts
    unregistered: Counts


@dataclass(frozen=True, slots=True)
class StorePlace:
    """The district a store states, and whether it takes part as a small shop."""

    district_id: int | None
    is_small: bool


def store_loads(by_store: Counts, used: int, used_a_day: Sequence[float]) -> list[StoreLoad]:
    """All vouchers at the stores that decide for the people, in proportion to them; the busiest
    store first. Stores with fewer than ten people are given none. The sum is `used`."""
    people = {store_id: count for store_id, count in by_store.items() if count}
    if not people:
        return []
    parts = split_pro_rata(used, list(people.values()))
    days = sum(1 for count in used_a_day if count > 0)
    whole = sum(used_a_day)
    most = max(used_a_day, default=0.0) / whole if whole else 0.0
    loads = [
        StoreLoad(store_id, count, part, part / days if days else 0.0, part * most)
        for (store_id, count), part in zip(people.items(), parts, strict=True)
    ]
    return sorted(loads, key=lambda load: (-load.used, load.store_id))


def district_shares(
    groups: Groups,
    census: Mapping[int, int | None],
    used_fen: int,
    loads: Sequence[StoreLoad],
    places: Mapping[int, StorePlace],
) -> list[DistrictShare]:
    """A row for every district that has people reached, or a census; the money in proportion to the
    people reached, its sum `used_fen` where anyone is counted."""
    known = {adcode: people for adcode, people in groups.everyone.items() if people}
    parts = split_pro_rata(used_fen, list(known.values())) if known else []
    money_fen = dict(zip(known, parts, strict=True))
    return [
        _row(adcode, groups, census.get(adcode), money_fen, _small(adcode, loads, places))
        for adcode in sorted(groups.everyone.keys() | census.keys())
    ]


def _row(
    adcode: int,
    groups: Groups,
    census: int | None,
    money_fen: Mapping[int, int],
    small_shops: Figure,
) -> DistrictShare:
    people = groups.everyone.get(adcode, 0)
    spent_fen: int | Missing = Missing.FEW if people is None else money_fen.get(adcode, 0)
    told = [groups.registered.get(adcode, 0), groups.unregistered.get(adcode, 0)]
    return DistrictShare(
        adcode=adcode,
        people=people,
        census=census,
        reached=_of_census(people, census),
        money_fen=spent_fen,
        each_fen=_of_census(None if spent_fen is Missing.FEW else int(spent_fen), census),
        seniors=_share(groups.seniors.get(adcode, 0), people),
        registered=_answer(told[0], told),
        unregistered=_answer(told[1], told),
        small_shops=small_shops,
    )


def _of_census(amount: int | None, census: int | None) -> Figure:
    if not census:
        return Missing.NO_CENSUS
    return Missing.FEW if amount is None else amount / census


def _share(part: int | None, whole: int | None) -> Figure:
    """The share of rounded counts; FEW where the part, or the rest, is fewer than ten people."""
    if part is None or whole is None or 0 < whole - part < LEAST:
        return Missing.FEW
    return min(part / whole, 1.0) if whole else Missing.NOT_ON_FILE


def _answer(part: int | None, told: Sequence[int | None]) -> Figure:
    """The share among those whose answer is on file."""
    known = [count for count in told if count is not None]
    return _share(part, sum(known)) if len(known) == len(told) else Missing.FEW


def _small(adcode: int, loads: Sequence[StoreLoad], places: Mapping[int, StorePlace]) -> Figure:
    here = [
        (load.used, places[load.store_id].is_small)
        for load in loads
        if load.store_id in places and places[load.store_id].district_id == adcode
    ]
    whole = sum(used for used, _is_small in here)
    return sum(used for used, is_small in here if is_small) / whole if whole else Missing.NO_STORE
