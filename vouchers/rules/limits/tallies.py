"""What one subject did before, within a window: the tallies that risk rules look at. Pure.

Tallies count redemptions that were accepted, also those undone later: who redeems and voids by
turns is noticed all the same. Numbers of tills and devices are compared folded.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import blake2b
from typing import Final, NamedTuple, Self

from merchants.references import folded
from vouchers.rules.limits.limits import EPOCH, business_day
from vouchers.rules.limits.risk_rules import RuleSet
from vouchers.states import RiskKind, TallyKind

SUBJECT_BITS: Final = 63
WHOLE_CAMPAIGN: Final = 0


class TallyKey(NamedTuple):
    """One tally: kind, subject and window. Sorts in the writing order."""

    kind: int
    campaign_id: int
    subject_id: int
    window_no: int


class Tally(NamedTuple):
    """How many redemptions and how much subsidy (fen), and when and where the latest was."""

    redemptions: int = 0
    fen: int = 0
    last_at: datetime | None = None
    last_store_id: int | None = None


NOTHING_SEEN: Final = Tally()


class Place(NamedTuple):
    """A WGS-84 point."""

    longitude_deg: float
    latitude_deg: float


@dataclass(frozen=True, eq=False)
class RiskCase:
    """A redemption to look at; its discount is known only later. `counts_fen` is the amount that
    the threshold is compared with. `terminal` is the code of a till on file, or empty;
    `stray_terminal` the number of an order that no till of its store has."""

    rules: RuleSet
    campaign_id: int
    zone: str
    at: datetime
    holder_id: int
    shopper_id: int
    store_id: int
    merchant_id: int
    terminal: str
    stray_terminal: str
    device: str
    is_in_store: bool
    counts_fen: int
    threshold_fen: int
    shown_at: Place | None

    @property
    def is_on_own_device(self) -> bool:
        """Whether a device is named, and the person at the till is the holder. A declared proxy's
        is not the holder's: a volunteer serves five elders with one."""
        return bool(self.device) and self.shopper_id == self.holder_id

    @cached_property
    def day_no(self) -> int:
        """Days since 1970-01-01 in the campaign's zone."""
        return (business_day(self.at, self.zone) - EPOCH).days

    @cached_property
    def terminal_no(self) -> int:
        """A till of a store; orders that name none on file are of the store's one without a
        number."""
        return subject_no("terminal", self.store_id, folded(self.terminal))

    @cached_property
    def roaming_no(self) -> int:
        """A number that is no till's on file, within the merchant and in whichever store."""
        return subject_no("merchant terminal", self.merchant_id, folded(self.stray_terminal))

    @cached_property
    def device_no(self) -> int:
        """The device that the order names."""
        return subject_no("device", folded(self.device))

    @cached_property
    def keys(self) -> Mapping[TallyKind, TallyKey]:
        """The tallies that the rules in force look at, one of a kind, in the writing order."""
        kinds = sorted({kind for rule in self.rules.rules for kind in _LOOKED_AT[rule.kind]})
        return {
            # Fifteen a redemption: `_value_` is an attribute, `value` a call.
            kind: TallyKey(kind._value_, self.campaign_id, *named)
            for kind in kinds
            if (named := _NAMED[kind](self)) is not None
        }


class Seen(NamedTuple):
    """What a case is judged beside: its tallies before it, its discount, the places of stores."""

    tallies: Mapping[TallyKind, Tally]
    discount_fen: int
    places: Mapping[int, Place]

    @classmethod
    def of(
        cls,
        case: RiskCase,
        discount_fen: int,
        tallies: Mapping[TallyKey, Tally],
        places: Mapping[int, Place],
    ) -> Self:
        """The facts for one case, out of the tallies of all."""
        own = {kind: tallies.get(key, NOTHING_SEEN) for kind, key in case.keys.items()}
        return cls(own, discount_fen, places)

    def before(self, kind: TallyKind) -> Tally:
        """Its tally of a kind; nothing was seen of one that it has not."""
        return self.tallies.get(kind, NOTHING_SEEN)

    def is_first(self, pair: TallyKind) -> bool:
        """Whether the two of a pair have not met before."""
        return self.before(pair).redemptions == 0


def subject_no(*parts: object) -> int:
    """The number that a subject without one of its own is tallied under: 63 bits of a hash. Two of
    n subjects share a number with a chance of about n² / 2⁶⁴."""
    digest = blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest) & ((1 << SUBJECT_BITS) - 1)


def counted(case: RiskCase, seen: Seen) -> dict[TallyKey, Tally]:
    """The tallies as they stand after an accepted redemption."""
    left_out = _not_counted(case, seen)
    return {
        key: _one_more(seen.before(kind), case, seen.discount_fen)
        for kind, key in case.keys.items()
        if kind not in left_out
    }


def _one_more(before: Tally, case: RiskCase, discount_fen: int) -> Tally:
    last_at = case.at if before.last_at is None else max(before.last_at, case.at)
    place = case.store_id if last_at == case.at else before.last_store_id
    return Tally(before.redemptions + 1, before.fen + discount_fen, last_at, place)


def _not_counted(case: RiskCase, seen: Seen) -> set[TallyKind]:
    left_out = {TallyKind.STORE_REFUNDS}  # which refunds count
    for pair, number in _PAIRS.items():
        if pair in case.keys and not seen.is_first(pair):
            left_out |= {pair, number}
    if TallyKind.STORE_HUGGING_DAY in case.keys and not hugs(case, _within(case)):
        left_out.add(TallyKind.STORE_HUGGING_DAY)
    return left_out


def redemptions_of(campaign_id: int, store_id: int) -> TallyKey:
    """The tally of a store's redemptions, over the whole campaign."""
    return TallyKey(TallyKind.STORE.value, campaign_id, store_id, WHOLE_CAMPAIGN)


def refunds_of(campaign_id: int, store_id: int) -> TallyKey:
    """The tally of a store's redemptions that had a refund, over the whole campaign."""
    return TallyKey(TallyKind.STORE_REFUNDS.value, campaign_id, store_id, WHOLE_CAMPAIGN)


_LOOKED_AT: Final[Mapping[RiskKind, tuple[TallyKind, ...]]] = {
    RiskKind.TERMINAL_MINUTE: (TallyKind.TERMINAL_MINUTE,),
    RiskKind.MERCHANT_DAY: (TallyKind.MERCHANT_DAY,),
    RiskKind.DEVICE_SHARED: (TallyKind.DEVICE_HOLDER, TallyKind.DEVICE_HOLDERS),
    RiskKind.STORE_DISTANCE: (),
    RiskKind.IMPOSSIBLE_TRAVEL: (TallyKind.SHOPPER,),
    RiskKind.THRESHOLD_HUGGING: (TallyKind.STORE_DAY, TallyKind.STORE_HUGGING_DAY),
    RiskKind.SPLIT_ORDERS: (TallyKind.HOLDER_STORE,),
    RiskKind.NIGHT_HOURS: (),
    RiskKind.FEW_PEOPLE: (
        TallyKind.TERMINAL_DAY,
        TallyKind.TERMINAL_SHOPPER_DAY,
        TallyKind.TERMINAL_SHOPPERS_DAY,
    ),
    RiskKind.TERMINAL_ROAMING: (TallyKind.TERMINAL_STORE_DAY, TallyKind.TERMINAL_STORES_DAY),
    RiskKind.REFUND_RATE: (TallyKind.STORE, TallyKind.STORE_REFUNDS),
}

Named = tuple[int, int] | None
"""Subject and window; None for a case that has no such tally."""


def _of_terminal_day(case: RiskCase) -> Named:
    return case.terminal_no, case.day_no


def _of_store_day(case: RiskCase) -> Named:
    return case.store_id, case.day_no


def _of_store(case: RiskCase) -> Named:
    return case.store_id, WHOLE_CAMPAIGN


def _device_holder(case: RiskCase) -> Named:
    if not case.is_on_own_device:
        return None
    return subject_no("device holder", case.device_no, case.holder_id), WHOLE_CAMPAIGN


def _holder_in_store(case: RiskCase) -> Named:
    return subject_no("holder store", case.holder_id, case.store_id), WHOLE_CAMPAIGN


def _terminal_shopper(case: RiskCase) -> Named:
    return subject_no("terminal shopper", case.terminal_no, case.shopper_id), case.day_no


def _terminal_store(case: RiskCase) -> Named:
    if not case.stray_terminal:
        return None
    return subject_no("terminal store", case.roaming_no, case.store_id), case.day_no


_NAMED: Final[Mapping[TallyKind, Callable[[RiskCase], Named]]] = {
    TallyKind.TERMINAL_MINUTE: lambda case: (case.terminal_no, int(case.at.timestamp()) // 60),
    TallyKind.MERCHANT_DAY: lambda case: (case.merchant_id, case.day_no),
    TallyKind.DEVICE_HOLDER: _device_holder,
    TallyKind.DEVICE_HOLDERS: lambda case: (
        (case.device_no, WHOLE_CAMPAIGN) if case.is_on_own_device else None
    ),
    TallyKind.STORE_DAY: _of_store_day,
    TallyKind.STORE_HUGGING_DAY: _of_store_day,
    TallyKind.HOLDER_STORE: _holder_in_store,
    TallyKind.SHOPPER: lambda case: (case.shopper_id, WHOLE_CAMPAIGN) if case.is_in_store else None,
    TallyKind.TERMINAL_DAY: _of_terminal_day,
    TallyKind.TERMINAL_SHOPPER_DAY: _terminal_shopper,
    TallyKind.TERMINAL_SHOPPERS_DAY: _of_terminal_day,
    TallyKind.TERMINAL_STORE_DAY: _terminal_store,
    TallyKind.TERMINAL_STORES_DAY: lambda case: (
        (case.roaming_no, case.day_no) if case.stray_terminal else None
    ),
    TallyKind.STORE: _of_store,
    TallyKind.STORE_REFUNDS: _of_store,
}

_PAIRS: Final[Mapping[TallyKind, TallyKind]] = {
    TallyKind.DEVICE_HOLDER: TallyKind.DEVICE_HOLDERS,
    TallyKind.TERMINAL_SHOPPER_DAY: TallyKind.TERMINAL_SHOPPERS_DAY,
    TallyKind.TERMINAL_STORE_DAY: TallyKind.TERMINAL_STORES_DAY,
}
"""Of pairs, the first time counts, and is all that is asked of a pair: beside each the number of
different people or stores that grows with it."""

LOCKED: Final = frozenset(TallyKind) - {
    # Read and written under the lock of what they are counted beside.
    TallyKind.DEVICE_HOLDER,  # of DEVICE_HOLDERS
    TallyKind.STORE_HUGGING_DAY,  # of STORE_DAY
    TallyKind.TERMINAL_DAY,  # of TERMINAL_SHOPPERS_DAY
    TallyKind.TERMINAL_SHOPPER_DAY,  # of TERMINAL_SHOPPERS_DAY
    TallyKind.TERMINAL_STORE_DAY,  # of TERMINAL_STORES_DAY
    TallyKind.STORE_REFUNDS,  # of STORE
}
"""The kinds that are locked themselves. A rule that looks at one of the others looks at the one
named beside it too, of the same subject."""


def hugs(case: RiskCase, within_percent: int) -> bool:
    """Whether an amount is at the threshold, or above it by at most so many per cent; never without
    a threshold."""
    above_fen = case.counts_fen - case.threshold_fen
    return case.threshold_fen > 0 and 0 <= above_fen * 100 <= case.threshold_fen * within_percent


def _within(case: RiskCase) -> int:
    kind = RiskKind.THRESHOLD_HUGGING
    return next(rule for rule in case.rules.rules if rule.kind is kind).parameters["within_percent"]
