"""What one subject did before, within a window: the tallies that risk rules look at. Pure.

Tallies count redemptions that were accepted, also those undone later: who redeems and voids by
turns is noticed all the same. Numbers of tills and devices are compared folded.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import blake2b
from typing import Final, NamedTuple

from merchants.references import folded
from vouchers.rules.limits.limits import EPOCH, business_day
from vouchers.rules.limits.risk_rules import RuleSet
from vouchers.states import RiskKind, TallyKind

SUBJECT_BITS: Final = 63
WHOLE_CAMPAIGN: Final = 0


class TallyKey(NamedTuple):
    """One tally: kind, subject and window. Sorts in the locking order."""

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
    the threshold is compared with."""

    rules: RuleSet
    campaign_id: int
    zone: str
    at: datetime
    holder_id: int
    shopper_id: int
    store_id: int
    merchant_id: int
    terminal: str
    device: str
    is_in_store: bool
    counts_fen: int
    threshold_fen: int
    shown_at: Place | None

    @property
    def shown_by_proxy(self) -> bool:
        """Whether the person at the till is not the holder."""
        return self.shopper_id != self.holder_id

    @cached_property
    def day_no(self) -> int:
        """Days since 1970-01-01 in the campaign's zone."""
        return (business_day(self.at, self.zone) - EPOCH).days

    @cached_property
    def terminal_no(self) -> int:
        """A till of a store; orders that name none are of the store's one without a number."""
        return subject_no("terminal", self.store_id, folded(self.terminal))

    @cached_property
    def roaming_no(self) -> int:
        """A till's number within the merchant, in whichever store."""
        return subject_no("merchant terminal", self.merchant_id, folded(self.terminal))

    @cached_property
    def device_no(self) -> int:
        """The device that the order names."""
        return subject_no("device", folded(self.device))

    @cached_property
    def keys(self) -> list[TallyKey]:
        """The tallies that the rules in force look at, each once, in the locking order."""
        return sorted({key for rule in self.rules.rules for key in _KEYS[rule.kind](self)})

    @cached_property
    def device_holder(self) -> TallyKey:
        pair = subject_no("device holder", self.device_no, self.holder_id)
        return _key(self, TallyKind.DEVICE_HOLDER, pair, WHOLE_CAMPAIGN)

    @cached_property
    def holder_in_store(self) -> TallyKey:
        pair = subject_no("holder store", self.holder_id, self.store_id)
        return _key(self, TallyKind.HOLDER_STORE, pair, WHOLE_CAMPAIGN)

    @cached_property
    def terminal_shopper(self) -> TallyKey:
        pair = subject_no("terminal shopper", self.terminal_no, self.shopper_id)
        return _key(self, TallyKind.TERMINAL_SHOPPER_DAY, pair, self.day_no)

    @cached_property
    def terminal_store(self) -> TallyKey:
        pair = subject_no("terminal store", self.roaming_no, self.store_id)
        return _key(self, TallyKind.TERMINAL_STORE_DAY, pair, self.day_no)


class Seen(NamedTuple):
    """What a case is judged beside: its discount, the tallies before it, the places of stores."""

    discount_fen: int
    tallies: Mapping[TallyKey, Tally]
    places: Mapping[int, Place]

    def before(self, key: TallyKey) -> Tally:
        return self.tallies.get(key, NOTHING_SEEN)


def subject_no(*parts: object) -> int:
    """The number that a subject without one of its own is tallied under: 63 bits of a hash. Two of
    n subjects share a number with a chance of about n² / 2⁶⁴."""
    digest = blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest) & ((1 << SUBJECT_BITS) - 1)


def counted(case: RiskCase, seen: Seen) -> dict[TallyKey, Tally]:
    """The tallies as they stand after an accepted redemption."""
    after: dict[TallyKey, Tally] = {}
    for key in case.keys:
        before = seen.before(key)
        if key.kind in _COUNTED_WHEN and not _COUNTED_WHEN[key.kind](case, seen):
            continue
        last_at = case.at if before.last_at is None else max(before.last_at, case.at)
        place = case.store_id if last_at == case.at else before.last_store_id
        after[key] = Tally(before.redemptions + 1, before.fen + seen.discount_fen, last_at, place)
    return after


# The tallies, by subject and window


def _key(case: RiskCase, kind: TallyKind, subject_id: int, window_no: int) -> TallyKey:
    # Sixteen a redemption: `_value_` is an attribute, `value` a call.
    return TallyKey(kind._value_, case.campaign_id, subject_id, window_no)


def per_terminal_minute(case: RiskCase) -> TallyKey:
    minute = int(case.at.timestamp()) // 60
    return _key(case, TallyKind.TERMINAL_MINUTE, case.terminal_no, minute)


def per_merchant_day(case: RiskCase) -> TallyKey:
    return _key(case, TallyKind.MERCHANT_DAY, case.merchant_id, case.day_no)


def device_holders(case: RiskCase) -> TallyKey:
    return _key(case, TallyKind.DEVICE_HOLDERS, case.device_no, WHOLE_CAMPAIGN)


def per_store_day(case: RiskCase) -> TallyKey:
    return _key(case, TallyKind.STORE_DAY, case.store_id, case.day_no)


def hugging(case: RiskCase) -> TallyKey:
    return _key(case, TallyKind.STORE_HUGGING_DAY, case.store_id, case.day_no)


def shopper(case: RiskCase) -> TallyKey:
    return _key(case, TallyKind.SHOPPER, case.shopper_id, WHOLE_CAMPAIGN)


def terminal_day(case: RiskCase) -> TallyKey:
    return _key(case, TallyKind.TERMINAL_DAY, case.terminal_no, case.day_no)


def terminal_shoppers(case: RiskCase) -> TallyKey:
    return _key(case, TallyKind.TERMINAL_SHOPPERS_DAY, case.terminal_no, case.day_no)


def terminal_stores(case: RiskCase) -> TallyKey:
    return _key(case, TallyKind.TERMINAL_STORES_DAY, case.roaming_no, case.day_no)


def redemptions_of(campaign_id: int, store_id: int) -> TallyKey:
    """The tally of a store's redemptions, over the whole campaign."""
    return TallyKey(TallyKind.STORE.value, campaign_id, store_id, WHOLE_CAMPAIGN)


def refunds_of(campaign_id: int, store_id: int) -> TallyKey:
    """The tally of a store's redemptions that had a refund, over the whole campaign."""
    return TallyKey(TallyKind.STORE_REFUNDS.value, campaign_id, store_id, WHOLE_CAMPAIGN)


def device_keys(case: RiskCase) -> tuple[TallyKey, ...]:
    """A declared proxy's device is not the holder's: a volunteer serves five elders with one."""
    if not case.device or case.shown_by_proxy:
        return ()
    return case.device_holder, device_holders(case)


def _terminal_stores_keys(case: RiskCase) -> tuple[TallyKey, ...]:
    return (case.terminal_store, terminal_stores(case)) if case.terminal else ()


Keys = Callable[[RiskCase], tuple[TallyKey, ...]]
_KEYS: Final[Mapping[RiskKind, Keys]] = {
    RiskKind.TERMINAL_MINUTE: lambda case: (per_terminal_minute(case),),
    RiskKind.MERCHANT_DAY: lambda case: (per_merchant_day(case),),
    RiskKind.DEVICE_SHARED: device_keys,
    RiskKind.STORE_DISTANCE: lambda case: (),
    RiskKind.IMPOSSIBLE_TRAVEL: lambda case: (shopper(case),) if case.is_in_store else (),
    RiskKind.THRESHOLD_HUGGING: lambda case: (per_store_day(case), hugging(case)),
    RiskKind.SPLIT_ORDERS: lambda case: (case.holder_in_store,),
    RiskKind.NIGHT_HOURS: lambda case: (),
    RiskKind.FEW_PEOPLE: lambda case: (
        terminal_day(case),
        case.terminal_shopper,
        terminal_shoppers(case),
    ),
    RiskKind.TERMINAL_ROAMING: _terminal_stores_keys,
    RiskKind.REFUND_RATE: lambda case: (
        redemptions_of(case.campaign_id, case.store_id),
        refunds_of(case.campaign_id, case.store_id),
    ),
}

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

Condition = Callable[[RiskCase, Seen], bool]
_COUNTED_WHEN: Final[Mapping[int, Condition]] = {
    # Of pairs, the first time counts, and is all that is asked of a pair: these are numbers of
    # different people and stores.
    TallyKind.DEVICE_HOLDER: lambda case, seen: seen.before(case.device_holder).redemptions == 0,
    TallyKind.TERMINAL_SHOPPER_DAY: lambda case, seen: (
        seen.before(case.terminal_shopper).redemptions == 0
    ),
    TallyKind.TERMINAL_STORE_DAY: lambda case, seen: (
        seen.before(case.terminal_store).redemptions == 0
    ),
    TallyKind.DEVICE_HOLDERS: lambda case, seen: seen.before(case.device_holder).redemptions == 0,
    TallyKind.TERMINAL_SHOPPERS_DAY: lambda case, seen: (
        seen.before(case.terminal_shopper).redemptions == 0
    ),
    TallyKind.TERMINAL_STORES_DAY: lambda case, seen: (
        seen.before(case.terminal_store).redemptions == 0
    ),
    TallyKind.STORE_HUGGING_DAY: lambda case, seen: hugs(case, _within(case)),
    # Counted by refunds.
    TallyKind.STORE_REFUNDS: lambda case, seen: False,
}


def hugs(case: RiskCase, within_percent: int) -> bool:
    """At the threshold or above it by at most so many per cent; without a threshold none is."""
    above_fen = case.counts_fen - case.threshold_fen
    return case.threshold_fen > 0 and 0 <= above_fen * 100 <= case.threshold_fen * within_percent


def _within(case: RiskCase) -> int:
    kind = RiskKind.THRESHOLD_HUGGING
    return next(rule for rule in case.rules.rules if rule.kind is kind).parameters["within_percent"]
