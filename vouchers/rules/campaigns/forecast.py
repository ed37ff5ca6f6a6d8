"""How a campaign's money burns down if so many of its vouchers are used. Pure and deterministic.

The campaign is played through 512 times. At each opening every tier is handed out, smallest face
first, to the people reached, as far as the quota cells and the sources have room; what of it is
not used comes back to the same cells when its validity ends, as it does in the engine, and is
there for later openings. Two things are uncertain and differ from one play to the next:

- the share used: p in the middle, logit(p) + 0.4 z in a play, so that 85 % means 75–92 % in nine
  plays of ten;
- the pace: u, the part of the validity gone by, counts as u^exp(0.25 z').

(z, z') are normal quantiles of a Kronecker sequence, ((i + ½)/512, {(i + ½)·0.618…}): spread more
evenly than random numbers would be, and the same in every program and on every machine. One z holds
for all tiers and openings of a play, since what keeps people from using vouchers keeps them all; so
the band is wide rather than narrow.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil, inf
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vouchers.rules.campaigns.rates import STEPS, Rate

Floats = NDArray[np.float64]

PLAYS: Final = 512
RATE_SPREAD: Final = 0.4
PACE_SPREAD: Final = 0.25
GOLDEN: Final = (5**0.5 - 1) / 2
LOW, MIDDLE, HIGH = 0.05, 0.5, 0.95
_TINY: Final = 1e-6
"""Of a voucher or a fen: what sums of floats may be off by."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A tier. `shares_fen` is what each source (by code) pays of the face, and adds up to it."""

    code: str
    face_fen: int
    shares_fen: Mapping[str, int]
    per_resident: int


@dataclass(frozen=True, slots=True)
class Cap:
    """What a quota cell or a source allows of the vouchers it names; None is any, or unlimited."""

    fen: int | None = None
    count: int | None = None
    tier: str | None = None
    round: int | None = None
    source: str | None = None

    def costs_fen(self, offer: Offer, opening: "Opening") -> int | None:
        """What a voucher takes of it; None where it does not count here."""
        if self.tier not in (None, offer.code) or self.round not in (None, opening.round):
            return None
        if self.source is None:
            return offer.face_fen
        return offer.shares_fen.get(self.source) or None


@dataclass(frozen=True, slots=True)
class Opening:
    """A day, counted from the campaign's first, on which vouchers are handed out. `asking` is the
    share of the people reached who take part, from 0 to 1."""

    day: int
    round: int | None = None
    asking: float = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """A campaign as its terms stand, and the people it reaches. `caps` has every source's."""

    people: int
    offers: Sequence[Offer]
    openings: Sequence[Opening]
    caps: Sequence[Cap]
    budget_fen: int
    validity_days: int
    days: int


@dataclass(frozen=True, slots=True)
class Between:
    """A day (from 0) by which something has happened in half, and in 95 %, of the plays; None: not
    before the end of the campaign."""

    p50: int | None
    p95: int | None


@dataclass(frozen=True, slots=True)
class TierForecast:
    """Vouchers issued and used of a tier, whole ones, as expected; what those used cost."""

    code: str
    issued: int
    used: int
    cost_fen: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """`left_fen` has for each day what has not been used by its end: in 5 %, half and 95 % of the
    plays, the least first. `used_fen` is expected, `likely_fen` its 5 % and 95 %. `used_a_day` are
    vouchers expected on each day. `handed_out`: nothing more can be issued; `used_up`: less than
    the smallest face is left."""

    tiers: tuple[TierForecast, ...]
    by_source: Mapping[str, int]
    left_fen: tuple[tuple[int, int, int], ...]
    likely_fen: tuple[int, int]
    used_a_day: tuple[float, ...]
    handed_out: Between
    used_up: Between

    @property
    def used_fen(self) -> int:
        """What is expected to be used in all."""
        return sum(tier.cost_fen for tier in self.tiers)

    @property
    def used(self) -> int:
        """The vouchers expected to be used in all."""
        return sum(tier.used for tier in self.tiers)


class _Room:
    """What a cap still allows, in each play."""

    def __init__(self, cap: Cap) -> None:
        self.fen = np.full(PLAYS, inf if cap.fen is None else float(cap.fen))
        self.count = np.full(PLAYS, inf if cap.count is None else float(cap.count))

    def vouchers(self, each_fen: int) -> Floats:
        return np.asarray(np.maximum(np.minimum(self.count, self.fen / each_fen), 0.0))

    def take(self, count: Floats, each_fen: int) -> None:
        self.fen -= count * each_fen
        self.count -= count


@dataclass(frozen=True, slots=True, eq=False)
class _Batch:
    """Vouchers of one tier and opening."""

    offer: Offer
    day: int
    until: int
    count: Floats
    rooms: Sequence[tuple[_Room, int]]


def forecast(plan: Plan, rates: Mapping[str, Rate]) -> Forecast:
    """Play the campaign through; `rates` has one for every tier's code."""
    share_z, pace_z = _plays()
    used_share = {code: _shifted(rate.used, share_z) for code, rate in rates.items()}
    pace = np.exp(PACE_SPREAD * pace_z)
    curves = {code: _curve(rate, plan.validity_days, pace) for code, rate in rates.items()}
    batches, handed_out = _issue(plan, used_share)
    used = {offer.code: np.zeros(PLAYS) for offer in plan.offers}
    issued = {offer.code: np.zeros(PLAYS) for offer in plan.offers}
    burnt_fen = np.zeros((plan.days, PLAYS))
    counted = np.zeros(plan.days)
    for batch in batches:
        code, lasts = batch.offer.code, batch.until - batch.day
        taken = batch.count * used_share[code] * curves[code][:lasts]
        burnt_fen[batch.day : batch.until] += batch.offer.face_fen * taken
        burnt_fen[batch.until :] += batch.offer.face_fen * taken[-1]
        counted[batch.day : batch.until] += np.diff(taken.mean(axis=1), prepend=0.0)
        issued[code] += batch.count
        used[code] += taken[-1]
    tiers = tuple(
        TierForecast(
            code=offer.code,
            issued=_whole(issued[offer.code]),
            used=_whole(used[offer.code]),
            cost_fen=_whole(used[offer.code]) * offer.face_fen,
        )
        for offer in plan.offers
    )
    low, middle, high = np.quantile(burnt_fen, (LOW, MIDDLE, HIGH), axis=1)
    return Forecast(
        tiers=tiers,
        by_source=_by_source(plan.offers, {tier.code: tier.used for tier in tiers}),
        left_fen=tuple(
            (
                plan.budget_fen - _fen(most),
                plan.budget_fen - _fen(half),
                plan.budget_fen - _fen(few),
            )
            for few, half, most in zip(low, middle, high, strict=True)
        ),
        likely_fen=(_fen(low[-1]), _fen(high[-1])) if plan.days else (0, 0),
        used_a_day=tuple(counted.tolist()),
        handed_out=_between(handed_out),
        used_up=_between(_used_up(plan, burnt_fen)),
    )


def _issue(plan: Plan, used_share: Mapping[str, Floats]) -> tuple[list[_Batch], Floats]:
    """What is handed out at each opening, and the first day on which nothing was left to hand out,
    infinite where there always was."""
    rooms = [(cap, _Room(cap)) for cap in plan.caps]
    # A round whose own cell is full does not stop the next one.
    lasting = [(cap, room) for cap, room in rooms if cap.round is None]
    batches: list[_Batch] = []
    waiting: list[_Batch] = []
    empty_at = np.full(PLAYS, inf)
    for opening in sorted(plan.openings, key=lambda it: (it.day, it.round or 0)):
        if not 0 <= opening.day < plan.days:
            continue
        ended = [it for it in waiting if it.day + plan.validity_days <= opening.day]
        waiting = [it for it in waiting if it not in ended]
        for batch in ended:
            for room, each_fen in batch.rooms:
                room.take(-batch.count * (1 - used_share[batch.offer.code]), each_fen)
        is_short = np.full(PLAYS, bool(plan.offers))
        until = min(opening.day + plan.validity_days, plan.days)
        for offer in plan.offers:
            taking = _counting(rooms, offer, opening)
            count = np.full(PLAYS, plan.people * opening.asking * offer.per_resident)
            for room, each_fen in taking:
                count = np.minimum(count, room.vouchers(each_fen))
            for room, each_fen in taking:
                room.take(count, each_fen)
            batches.append(_Batch(offer, opening.day, until, count, taking))
            waiting.append(batches[-1])
        for offer in plan.offers:
            left = [
                room.vouchers(each_fen) for room, each_fen in _counting(lasting, offer, opening)
            ]
            is_short &= np.min(left, axis=0, initial=inf) < 1 - _TINY
        empty_at = np.where(is_short & np.isinf(empty_at), float(opening.day), empty_at)
    return batches, empty_at


def _counting(
    rooms: Iterable[tuple[Cap, _Room]], offer: Offer, opening: Opening
) -> list[tuple[_Room, int]]:
    """The rooms that a voucher takes of, and how much."""
    costs = ((room, cap.costs_fen(offer, opening)) for cap, room in rooms)
    return [(room, each_fen) for room, each_fen in costs if each_fen is not None]


def _used_up(plan: Plan, burnt_fen: Floats) -> Floats:
    """The first day by whose end less than the smallest face is left, infinite without one."""
    least_fen = min((offer.face_fen for offer in plan.offers), default=0)
    is_gone = plan.budget_fen - burnt_fen < least_fen - _TINY
    first = np.argmax(is_gone, axis=0).astype(np.float64)
    return np.where(is_gone.any(axis=0), first, inf)


@cache
def _plays() -> tuple[Floats, Floats]:
    """Two normal quantiles for each play."""
    normal = NormalDist()
    at = [play + 0.5 for play in range(PLAYS)]
    share = np.array([normal.inv_cdf(i / PLAYS) for i in at])
    pace = np.array([normal.inv_cdf(i * GOLDEN % 1) for i in at])
    return share, pace


def _shifted(share: float, z: Floats) -> Floats:
    """The share used in each play: the greater, the greater `share` is."""
    if share <= 0 or share >= 1:
        return np.full(PLAYS, min(max(share, 0.0), 1.0))
    odds = share / (1 - share) * np.exp(RATE_SPREAD * z)
    return np.asarray(odds / (1 + odds))


def _curve(rate: Rate, validity_days: int, pace: Floats) -> Floats:
    """By day since issue and play, the part used by its end of all that will be."""
    gone = (np.arange(1, validity_days + 1) / validity_days)[:, None] ** pace
    return np.asarray(np.interp(gone, np.arange(STEPS + 1) / STEPS, (0.0, *rate.curve)))


def _between(days: Floats) -> Between:
    ordered = np.sort(days)
    half, most = (float(ordered[ceil(share * PLAYS) - 1]) for share in (MIDDLE, HIGH))
    return Between(*(None if day == inf else int(day) for day in (half, most)))


def _by_source(offers: Iterable[Offer], used: Mapping[str, int]) -> dict[str, int]:
    total: dict[str, int] = {}
    for offer in offers:
        for source, share_fen in offer.shares_fen.items():
            total[source] = total.get(source, 0) + used[offer.code] * share_fen
    return dict(sorted(total.items()))


def _whole(count: Floats) -> int:
    """Expected vouchers, rounded down: half a voucher more could be more than there is money."""
    return int(float(count.mean()) + _TINY)


def _fen(amount: float) -> int:
    return int(amount + 0.5)
