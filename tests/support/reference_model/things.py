"""The objects of the reference model: tiers, rounds, vouchers, codes, redemptions, refunds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction

from vouchers.states import RedemptionState, VoucherState

Money = Mapping[str, int]
"""Fen by source code."""

SHANGHAI = timedelta(hours=8)


def day_of(at: datetime) -> date:
    """The business day of an instant."""
    return (at + SHANGHAI).date()


def shared(amount_fen: int, weights: Money) -> dict[str, int]:
    """`amount_fen` in proportion to `weights`; the largest rests get the odd fen, the first of
    equal ones before the others."""
    whole = sum(weights.values())
    exact = {source: Fraction(amount_fen * weight, whole) for source, weight in weights.items()}
    parts = {source: share.numerator // share.denominator for source, share in exact.items()}
    by_rest = sorted(exact, key=lambda source: parts[source] - exact[source])
    for source in by_rest[: amount_fen - sum(parts.values())]:
        parts[source] += 1
    return parts


@dataclass(frozen=True, slots=True)
class Tier:
    """A tier: a fixed face above a threshold, or a percentage of at most the face."""

    code: str
    face_fen: int
    split: Money
    threshold_fen: int = 0
    percent: int | None = None

    def discount_fen(self, amount_fen: int) -> int:
        """What an order of this amount gets off."""
        if self.percent is None:
            return self.face_fen
        return min(amount_fen * self.percent // 100, self.face_fen)

    def refusal_of(self, amount_fen: int) -> str:
        """Why an order of this amount gets nothing off; empty when it does."""
        if amount_fen < self.threshold_fen:
            return "below_threshold"
        return "" if 0 < self.discount_fen(amount_fen) < amount_fen else "payable_too_small"


@dataclass(frozen=True, slots=True)
class Round:
    """A round whose vouchers are claimed: by who lives near, or on the spot by who stands near."""

    code: str
    opens_at: datetime
    closes_at: datetime
    on_spot: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """A channel's request: who asks for a voucher of which tier, and where they are."""

    resident: str
    tier: Tier
    lives_near: bool
    stands_near: bool
    is_known: bool = True


@dataclass(slots=True)
class Batch:
    """Vouchers with one end (a tranche)."""

    id: int
    tier: Tier
    since: datetime
    until: datetime
    round: str = ""
    is_expired: bool = False
    # What its validity is reckoned from, where that is not its beginning: the end of its round.
    lasts_from: datetime | None = None

    def is_open(self, now: datetime) -> bool:
        """Whether its vouchers can be used now."""
        return self.since <= now and not self.is_over(now)

    def is_over(self, now: datetime) -> bool:
        """Whether they can never be used again, as the clock stands."""
        return self.is_expired or now >= self.until


@dataclass(slots=True)
class Voucher:
    """A voucher in a resident's hand."""

    id: int
    holder: str
    batch: Batch
    state: VoucherState = VoucherState.ISSUED

    @property
    def is_in_hand(self) -> bool:
        """Whether its face is promised to its holder."""
        return self.state == VoucherState.ISSUED and not self.batch.is_expired

    @property
    def counts(self) -> bool:
        """Whether it holds a place in its quota."""
        return self.is_in_hand or self.state in (VoucherState.AUTHORISED, VoucherState.REDEEMED)


@dataclass(slots=True, eq=False)
class Code:
    """A code that shows a voucher at a till, once, until an instant."""

    digits: str
    voucher: Voucher
    until: datetime
    is_used: bool = False


@dataclass(slots=True, eq=False)
class Settlement:
    """What one source owes one merchant for a day, less what it keeps back."""

    merchant: str
    source: str
    day: date
    number: int
    lines: "dict[int, int]" = field(default_factory=dict)
    kept: "list[tuple[Refund, int]]" = field(default_factory=list)
    is_paid: bool = False

    @property
    def total_fen(self) -> int:
        return sum(self.lines.values()) - sum(fen for _, fen in self.kept)


@dataclass(slots=True, eq=False)
class Refund:
    """Money that went back to a shopper, and the subsidy that followed: at once out of what was
    payable, or, where it had been settled, as a debt of the merchant."""

    id: int
    use: "Use"
    day: date
    amount_fen: int
    parts: Money
    is_late: bool
    collected: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Use:
    """A redemption; `split` is each source's part of the discount."""

    id: int
    voucher: Voucher
    order_no: str
    store: str
    at: datetime
    amount_fen: int
    split: dict[str, int]
    state: RedemptionState = RedemptionState.CAPTURED
    capture_before: datetime | None = None
    is_held: bool = False
    # A risk rule holds its money as soon as it is owed.
    is_to_be_held: bool = False
    # What it added to the tally of its merchant's day, when it was accepted.
    tallied_fen: int = 0
    settlements: dict[str, Settlement] = field(default_factory=dict)
    refunds: list[Refund] = field(default_factory=list)

    @property
    def tier(self) -> Tier:
        return self.voucher.batch.tier

    @property
    def discount_fen(self) -> int:
        """What the order got off."""
        return sum(self.split.values())

    @property
    def left(self) -> dict[str, int]:
        """Each source's part that has not been called back."""
        return {
            source: fen - sum(refund.parts.get(source, 0) for refund in self.refunds)
            for source, fen in self.split.items()
        }

    @property
    def paid_fen(self) -> int:
        """What the shopper paid of the order."""
        return self.amount_fen - self.discount_fen

    @property
    def refunded_fen(self) -> int:
        """What the shopper has got back."""
        return sum(refund.amount_fen for refund in self.refunds)

    @property
    def is_live(self) -> bool:
        return self.state in (RedemptionState.AUTHORISED, RedemptionState.CAPTURED)

    @property
    def day(self) -> date:
        return day_of(self.at)


@dataclass(frozen=True, slots=True)
class Order:
    """A till's request: who shows which voucher where, on an order of what amount; to be captured
    at once, or only authorised; by a code made for that, or by the one that is printed."""

    voucher: Voucher
    shopper: str
    store: str
    order_no: str
    amount_fen: int
    capture: bool = True
    code: Code | None = None
