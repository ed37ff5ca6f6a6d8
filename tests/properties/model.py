"""The engine as a few lists in memory: what must be true of its books, worked out from scratch.

Nothing is added up as it goes along. Every figure is summed anew from the things themselves, so
that the model can only be wrong in ways the engine is not.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction

from vouchers.states import AccountKind, CapKind, VoucherState

Money = Mapping[str, int]
"""Fen by source code."""

SHANGHAI = timedelta(hours=8)
LIMITS = {CapKind.RESIDENT_DAY: 3, CapKind.RESIDENT_CAMPAIGN: 5, CapKind.STORE_MINUTE: 4}
HELD = (AccountKind.RESERVED, AccountKind.OUTSTANDING, AccountKind.PAYABLE, AccountKind.SETTLED)


@dataclass(frozen=True, slots=True)
class Tier:
    """A tier: a fixed face above a threshold, or a percentage of at most the face."""

    code: str
    face_fen: int
    split: Money
    threshold_fen: int = 0
    percent: int | None = None
    cap_count: int | None = None
    cap_fen: int | None = None

    def discount_fen(self, amount_fen: int) -> int:
        """What an order of this amount gets off."""
        if self.percent is None:
            return self.face_fen
        return min(amount_fen * self.percent // 100, self.face_fen)

    def part(self, amount_fen: int) -> Money:
        """`amount_fen` in the proportions of the face; of equal remainders the first is served."""
        exact = {s: Fraction(amount_fen * fen, self.face_fen) for s, fen in self.split.items()}
        parts = {source: share.numerator // share.denominator for source, share in exact.items()}
        by_rest = sorted(exact, key=lambda source: parts[source] - exact[source])
        for source in by_rest[: amount_fen - sum(parts.values())]:
            parts[source] += 1
        return parts


@dataclass(slots=True)
class Batch:
    """Vouchers with one end (a tranche)."""

    id: int
    tier: Tier
    until: datetime
    is_expired: bool = False


@dataclass(slots=True)
class Voucher:
    """A voucher in somebody's hand."""

    id: int
    holder: str
    batch: Batch
    is_used: bool = False

    @property
    def counts(self) -> bool:
        """Whether it holds a place in its quota: expired unused ones don't."""
        return self.is_used or not self.batch.is_expired


@dataclass(slots=True)
class Use:
    """A redemption."""

    id: int
    voucher: Voucher
    order_no: str
    store: str
    at: datetime
    discount_fen: int
    is_undone: bool = False
    settled: str = ""

    @property
    def split(self) -> Money:
        return self.voucher.batch.tier.part(self.discount_fen)

    @property
    def day(self) -> date:
        return (self.at + SHANGHAI).date()


@dataclass(frozen=True, slots=True)
class Order:
    """A till's request: who shows which voucher where, on an order of what amount."""

    voucher: Voucher
    shopper: str
    store: str
    order_no: str
    amount_fen: int


@dataclass
class Model:
    """The city as it should be."""

    now: datetime
    appropriated: dict[str, int]
    tiers: tuple[Tier, ...]
    is_running: bool = True
    waiting: list[tuple[int, Tier, str]] = field(default_factory=list)
    vouchers: list[Voucher] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    had: Counter[tuple[str, str]] = field(default_factory=Counter)
    closed: set[date] = field(default_factory=set)

    # What must be so

    def balances(self) -> dict[str, dict[AccountKind, int]]:
        """Fen by source and account."""
        found = {source: dict.fromkeys(AccountKind, 0) for source in self.appropriated}
        for kind, split in self._held():
            for source, fen in split.items():
                found[source][kind] += fen
        for source, fen in self.appropriated.items():
            found[source][AccountKind.APPROPRIATED] = -fen
            found[source][AccountKind.FREE] = fen - sum(found[source][kind] for kind in HELD)
        return found

    def _held(self) -> Iterator[tuple[AccountKind, Money]]:
        """Every piece of money that is not free, where it is."""
        for _, tier, _ in self.waiting:
            yield AccountKind.RESERVED, tier.split
        for voucher in self.vouchers:
            if not voucher.is_used and not voucher.batch.is_expired:
                yield AccountKind.OUTSTANDING, voucher.batch.tier.split
        for use in self.live():
            yield AccountKind.SETTLED if use.settled == "paid" else AccountKind.PAYABLE, use.split
            if not use.voucher.batch.is_expired:
                face = use.voucher.batch.tier.split
                yield AccountKind.OUTSTANDING, {s: face[s] - use.split[s] for s in face}

    def room(self) -> dict[str, tuple[int | None, int | None]]:
        """Fen and vouchers left in each cell, by the code of its source or tier."""
        balances = self.balances()
        left: dict[str, tuple[int | None, int | None]] = {
            source: (balances[source][AccountKind.FREE], None) for source in balances
        }
        for tier in self.tiers:
            count = sum(it is tier for _, it, _ in self.waiting)
            count += sum(v.counts for v in self.vouchers if v.batch.tier is tier)
            fen = sum(
                sum(split.values())
                for kind, split in self._held_of(tier)
                if kind is not AccountKind.FREE
            )
            left[tier.code] = (
                None if tier.cap_fen is None else tier.cap_fen - fen,
                None if tier.cap_count is None else tier.cap_count - count,
            )
        return left

    def _held_of(self, tier: Tier) -> Iterator[tuple[AccountKind, Money]]:
        only = Model(self.now, dict.fromkeys(self.appropriated, 0), (tier,))
        only.waiting = [item for item in self.waiting if item[1] is tier]
        only.vouchers = [v for v in self.vouchers if v.batch.tier is tier]
        only.uses = [use for use in self.uses if use.voucher.batch.tier is tier]
        return only._held()

    def fits(self, tier: Tier, count: int) -> bool:
        """Whether so many more vouchers of a tier can be issued."""
        room = self.room()
        fen, places = room[tier.code]
        return (
            all((room[source][0] or 0) >= share * count for source, share in tier.split.items())
            and (fen is None or fen >= tier.face_fen * count)
            and (places is None or places >= count)
        )

    def counters(self) -> Counter[tuple[CapKind, str, object]]:
        """Redemptions that stand, by cap, subject and window."""
        found: Counter[tuple[CapKind, str, object]] = Counter()
        for use in self.live():
            found.update(self._windows(use.voucher.holder, use.store, use.at))
        return found

    @staticmethod
    def _windows(holder: str, store: str, at: datetime) -> list[tuple[CapKind, str, object]]:
        return [
            (CapKind.RESIDENT_DAY, holder, (at + SHANGHAI).date()),
            (CapKind.RESIDENT_CAMPAIGN, holder, None),
            (CapKind.STORE_MINUTE, store, at.replace(second=0, microsecond=0)),
        ]

    def live(self) -> list[Use]:
        """Redemptions that stand."""
        return [use for use in self.uses if not use.is_undone]

    def states(self) -> dict[int, int]:
        """Voucher states by id."""
        used, unused = VoucherState.REDEEMED.value, VoucherState.ISSUED.value
        return {voucher.id: used if voucher.is_used else unused for voucher in self.vouchers}

    # What may happen

    def verdict(self, order: Order, shut: Mapping[str, str]) -> str:
        """What a till hears: yes, or the code of the refusal. `shut` says it of whole stores."""
        if order.shopper != order.voucher.holder:
            return "voucher_not_usable"
        if order.store in shut:
            return shut[order.store]
        if not self.is_running:
            return "campaign_not_running"
        return self._of_voucher(order) or self._of_money(order) or self._of_limits(order) or "yes"

    def _of_voucher(self, order: Order) -> str:
        batch = order.voucher.batch
        if order.voucher.is_used:
            return "voucher_redeemed"
        if self.now >= batch.until or batch.is_expired:
            return "voucher_expired"
        taken = {(use.store, use.order_no) for use in self.live()}
        return "order_already_used" if (order.store, order.order_no) in taken else ""

    @staticmethod
    def _of_money(order: Order) -> str:
        tier = order.voucher.batch.tier
        if order.amount_fen < tier.threshold_fen:
            return "below_threshold"
        fits = 0 < tier.discount_fen(order.amount_fen) < order.amount_fen
        return "" if fits else "payable_too_small"

    def _of_limits(self, order: Order) -> str:
        used = self.counters()
        full = [
            key[0].name
            for key in self._windows(order.shopper, order.store, self.now)
            if used[key] >= LIMITS[key[0]]
        ]
        return f"{full[0].split('_')[0].lower()}_limit" if full else ""

    def use(self, order: Order, redemption_id: int) -> Use:
        """The order was redeemed."""
        order.voucher.is_used = True
        discount_fen = order.voucher.batch.tier.discount_fen(order.amount_fen)
        made = Use(
            redemption_id, order.voucher, order.order_no, order.store, self.now, discount_fen
        )
        self.uses.append(made)
        return made

    def undo_verdict(self, use: Use) -> str:
        """What a till hears that wants it void: yes, or the code of the refusal."""
        today = (self.now + SHANGHAI).date()
        return "redemption_state" if use.is_undone or use.settled or today > use.day else "yes"

    def undo(self, use: Use) -> None:
        """The redemption was voided."""
        use.is_undone, use.voucher.is_used = True, False

    def batches(self) -> list[Batch]:
        """Every batch there is, in order of id."""
        found = {voucher.batch.id: voucher.batch for voucher in self.vouchers}
        return [found[id_] for id_ in sorted(found)]

    def expire(self, batch: Batch) -> int | None:
        """A batch expires if it is due, once; how many unused vouchers that ends."""
        if batch.is_expired or self.now < batch.until:
            return None
        batch.is_expired = True
        return sum(v.batch is batch and not v.is_used for v in self.vouchers)

    def expire_due(self) -> int:
        """Whatever is due expires."""
        return sum(self.expire(batch) or 0 for batch in self.batches())

    def settle(self, day: date) -> list[Use]:
        """A day is settled, once; what it takes."""
        taken = [use for use in self.live() if not use.settled and use.day <= day]
        if day in self.closed or not taken:
            return []
        self.closed.add(day)
        for use in taken:
            use.settled = "ready"
        return taken

    def pay(self, uses: Iterable[Use]) -> None:
        """What was settled is paid."""
        for use in uses:
            use.settled = "paid"
