"""Who may claim a voucher, and which claims of a batch the quotas still have room for. Pure."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, Protocol, TypeVar

from merchants.errors import Refusal
from vouchers.rules.ledger.quotas import Need, Room, short
from vouchers.rules.limits.limits import (
    NOTHING_USED,
    CounterKey,
    LimitRule,
    Used,
    judge_limits,
    local_time,
)
from vouchers.rules.redemption.switches import judge_running
from vouchers.states import ResidentState

TIER_SEPARATOR: Final = "/"
OFFER_UNKNOWN: Final = Refusal("not_found", "offer_unknown")
RESIDENT_UNKNOWN: Final = Refusal("not_found", "resident_unknown")
SOLD_OUT: Final = Refusal("sold_out")
LimitKeys = Sequence[tuple[CounterKey, LimitRule]]
"""The counters a claim counts in: of its device, and of the links of the resident."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A tier in one round of a campaign, as far as it decides about a claim."""

    is_test: bool
    campaign_state: str
    zone: str
    starts_at: datetime
    ends_at: datetime
    opens_at: datetime
    closes_at: datetime
    per_resident: int
    # When a paused campaign runs on by the clock.
    paused_until_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Claimant:
    """Who claims: `untargeted` is the code of why they do not belong to the audience, None when
    they do; `claimed` how many of the offer they have, with all who are the same person."""

    state: str
    untargeted: str | None
    claimed: int


Timed = TypeVar("Timed", bound="HasPeriod")


class HasPeriod(Protocol):
    """Anything with the period of a round."""

    @property
    def opens_at(self) -> datetime: ...

    @property
    def closes_at(self) -> datetime: ...


def of_round(offers: Iterable[Timed], at: datetime) -> Timed | None:
    """Of a tier's rounds the one that is open at `at`, else the next to open, else the last."""
    known = sorted(offers, key=lambda offer: offer.opens_at)
    not_over = [offer for offer in known if at < offer.closes_at]
    return next(iter(not_over or known[-1:]), None)


def judge_offer(offer: Offer | None, *, at: datetime, caller_is_test: bool) -> Refusal | None:
    """Whether anything can be claimed at `at`, by any resident. Never stored under a key: the same
    request may succeed later."""
    if offer is None or offer.is_test != caller_is_test:
        return OFFER_UNKNOWN
    if at >= min(offer.closes_at, offer.ends_at):
        closed_at = local_time(min(offer.closes_at, offer.ends_at), offer.zone)
        return Refusal("campaign_not_running", "round_over", {"closed_at": closed_at})
    opens_at = max(offer.opens_at, offer.starts_at)
    if at < opens_at:
        facts = {"opens_at": local_time(opens_at, offer.zone)}
        return Refusal("campaign_not_running", "round_not_open", facts)
    return judge_running(offer.campaign_state, offer.paused_until_at, at=at, zone=offer.zone)


def judge_claimant(offer: Offer, claimant: Claimant) -> Refusal | None:
    """Whether this resident may have another voucher of an offer that is open."""
    if claimant.state != ResidentState.ACTIVE:
        return Refusal("resident_not_active")
    if claimant.untargeted is not None:
        return Refusal("not_targeted", claimant.untargeted)
    return over_limit(offer) if claimant.claimed >= offer.per_resident else None


def over_limit(offer: Offer) -> Refusal:
    """The refusal of one voucher more than a person may have in the round."""
    return Refusal("resident_limit", "resident_round", {"limit": offer.per_resident})


@dataclass(frozen=True, slots=True)
class Candidate:
    """A claim that nothing but limits and quotas can refuse: of which person (by any key), how many
    more of the offer that person may have, what the voucher takes of each cell it counts in, and
    the counters of its links."""

    person: Hashable
    allowed: int
    needs: Mapping[int, Need]
    face_fen: int = 0
    limit_keys: LimitKeys = ()
    zone: str = ""


class Admission(NamedTuple):
    """By candidate None if it is let in, else why not: the cell that is short, OVER_LIMIT, or the
    refusal of a limit on its links; and by cell what those let in take together."""

    verdicts: Sequence[int | Refusal | None]
    taken: Mapping[int, Need]


OVER_LIMIT: Final = -1


def admit(
    candidates: Iterable[Candidate],
    rooms: Mapping[int, Room] | None = None,
    used: Mapping[CounterKey, Used] | None = None,
) -> Admission:
    """Go through candidates in order of arrival and let in each for which limits and cells have
    room left; without `rooms` the cells are taken to have enough."""
    left, counters = dict(rooms or {}), dict(used or {})
    had: Counter[Hashable] = Counter()
    taken: dict[int, Need] = {}
    verdicts: list[int | Refusal | None] = []
    for candidate in candidates:
        if had[candidate.person] >= candidate.allowed:
            verdicts.append(OVER_LIMIT)
            continue
        over = judge_limits(candidate.limit_keys, counters, candidate.face_fen, zone=candidate.zone)
        if over is not None:
            verdicts.append(over)
            continue
        full = short(left, candidate.needs) if rooms is not None else []
        verdicts.append(full[0] if full else None)
        if full:
            continue
        had[candidate.person] += 1
        for key, _ in candidate.limit_keys:
            before = counters.get(key, NOTHING_USED)
            counters[key] = Used(before.redemptions + 1, before.fen + candidate.face_fen)
        for cell_id, need in candidate.needs.items():
            if rooms is not None:
                left[cell_id] = left[cell_id].less(need)
            so_far = taken.get(cell_id, Need(0, 0))
            taken[cell_id] = Need(so_far.fen + need.fen, so_far.count + need.count)
    return Admission(verdicts, taken)
