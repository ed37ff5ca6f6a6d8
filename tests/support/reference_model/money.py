"""Where every fen is, and what room is left: summed anew from the things each time it is asked."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

from tests.support.reference_model.things import (
    Batch,
    Code,
    Money,
    Refund,
    Round,
    Settlement,
    Tier,
    Use,
    Voucher,
)
from vouchers.states import AccountKind, RedemptionState, RefundPolicy


@dataclass(frozen=True, slots=True)
class Cap:
    """A cap in fen and in vouchers, or what is left of one; None does not limit."""

    fen: int | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """A risk rule in force: it notices a redemption with which the subsidy of its merchant's day
    exceeds a figure; live it refuses it or holds its money, else it only says so."""

    above_fen: int
    is_live: bool
    refuses: bool


class Waiting(NamedTuple):
    """A voucher reserved for a resident, to be minted with its shard."""

    shard_id: int
    tier: Tier
    holder: str
    round: str


def of_source(source: str, fen: int) -> Money:
    return {source: fen} if fen else {}


@dataclass
class Books:
    """Everything that has happened in the city, and the sums that follow from it."""

    now: datetime
    ends_at: datetime
    appropriated: dict[str, int]
    tiers: tuple[Tier, ...]
    caps: dict[str, Cap]
    policy: RefundPolicy = RefundPolicy.RETURN
    validity: timedelta = timedelta(days=2)
    is_running: bool = True
    is_over: bool = False
    # Merchants by store.
    merchants: Mapping[str, str] = field(default_factory=dict)
    # The printed code alone is refused.
    asks_for_presence: bool = False
    watch: Watch | None = None
    signals: int = 0
    rounds: tuple[Round, ...] = ()
    # Batches of claimed vouchers, by round and tier; some before their first voucher.
    claimed: dict[tuple[str, str], Batch] = field(default_factory=dict)
    waiting: list[Waiting] = field(default_factory=list)
    vouchers: list[Voucher] = field(default_factory=list)
    codes: list[Code] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    had: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    joined_at: dict[str, datetime] = field(default_factory=dict)
    tombstones: set[tuple[str, str]] = field(default_factory=set)
    settlements: list[Settlement] = field(default_factory=list)
    received: Counter[str] = field(default_factory=Counter)
    repaid: Counter[str] = field(default_factory=Counter)
    closed: set[tuple[str, date]] = field(default_factory=set)

    def balances(self) -> dict[str, dict[AccountKind, int]]:
        """Fen by source and account."""
        found = {source: dict.fromkeys(AccountKind, 0) for source in self.appropriated}
        for _, kind, split in self.held():
            for source, fen in split.items():
                found[source][kind] += fen
        for source, fen in self.appropriated.items():
            found[source][AccountKind.REPAID] = self.repaid[source]
            found[source][AccountKind.FREE] = fen - sum(found[source].values())
            found[source][AccountKind.APPROPRIATED] = -fen
        return found

    def free_fen(self, source: str) -> int:
        return self.balances()[source][AccountKind.FREE]

    def held(self) -> Iterator[tuple[set[str], AccountKind, Money]]:
        """Every piece of money that is not free: in which cells it counts, and where it is."""
        for item in self.waiting:
            yield {item.tier.code, item.round}, AccountKind.RESERVED, item.tier.split
        for voucher in self.vouchers:
            if voucher.is_in_hand:
                yield cells_of(voucher.batch), AccountKind.OUTSTANDING, voucher.batch.tier.split
        for use in self.uses:
            cells = cells_of(use.voucher.batch)
            for kind, split in self._of_use(use):
                yield cells, kind, split

    def _of_use(self, use: Use) -> Iterator[tuple[AccountKind, Money]]:
        if use.is_live and not use.voucher.batch.is_expired:
            face = use.tier.split
            yield AccountKind.OUTSTANDING, {s: face[s] - use.split[s] for s in face}
        if use.state == RedemptionState.AUTHORISED:
            yield AccountKind.AUTHORISED, use.split
        elif use.state in (RedemptionState.CAPTURED, RedemptionState.REFUNDED):
            for source, left_fen in use.left.items():
                yield self._owed_kind(use, source), of_source(source, left_fen)
            for refund in use.refunds:
                if refund.is_late:
                    yield AccountKind.RECOVERABLE, self.still_out(refund)

    @staticmethod
    def _owed_kind(use: Use, source: str) -> AccountKind:
        if source in use.settlements:
            is_paid = use.settlements[source].is_paid
            return AccountKind.SETTLED if is_paid else AccountKind.PAYABLE
        return AccountKind.RISK_HELD if use.is_held else AccountKind.PAYABLE

    def still_out(self, refund: Refund) -> Money:
        """What of a late refund has neither been kept back from a payout nor collected."""
        return {
            source: fen - self._kept(refund, source, only_paid=True) - refund.collected[source]
            for source, fen in refund.parts.items()
        }

    def owed(self, refund: Refund, source: str) -> int:
        """What may still be kept back or collected: what is kept back already waits for its
        payout."""
        kept_fen = self._kept(refund, source, only_paid=False)
        return refund.parts.get(source, 0) - kept_fen - refund.collected[source]

    def _kept(self, refund: Refund, source: str, *, only_paid: bool) -> int:
        return sum(
            fen
            for settlement in self.settlements
            if settlement.source == source and (settlement.is_paid or not only_paid)
            for kept, fen in settlement.kept
            if kept is refund
        )

    def room(self) -> dict[str, Cap]:
        """Fen and vouchers left in each cell, by the code of its source, tier or round."""
        balances = self.balances()
        left = {source: Cap(balances[source][AccountKind.FREE]) for source in balances}
        fens, counts = self._in_cells()
        for code, cap in self.caps.items():
            left[code] = Cap(
                None if cap.fen is None else cap.fen - fens[code],
                None if cap.count is None else cap.count - counts[code],
            )
        return left

    def _in_cells(self) -> tuple[Counter[str], Counter[str]]:
        """Fen and vouchers that count in each cell."""
        fens: Counter[str] = Counter()
        counts: Counter[str] = Counter()
        for cells, _, split in self.held():
            for code in cells:
                fens[code] += sum(split.values())
        for item in self.waiting:
            counts.update({item.tier.code, item.round})
        for voucher in self.vouchers:
            if voucher.counts:
                counts.update(cells_of(voucher.batch))
        return fens, counts

    def fits(self, tier: Tier, count: int, round_code: str = "") -> bool:
        """Whether so many more vouchers of a tier can be issued (in a round)."""
        return self.has_room(
            {source: fen * count for source, fen in tier.split.items()},
            {tier.code, round_code},
            count,
        )

    def has_room(self, split: Money, cells: Iterable[str], count: int) -> bool:
        """Whether so much free money, and so many places, can be taken by vouchers of cells."""
        room = self.room()
        if any((room[source].fen or 0) < fen for source, fen in split.items()):
            return False
        caps = [room[code] for code in cells if code in self.caps]
        fits_fen = all(cap.fen is None or cap.fen >= sum(split.values()) for cap in caps)
        return fits_fen and all(cap.count is None or cap.count >= count for cap in caps)


def cells_of(batch: Batch) -> set[str]:
    """Codes of the capped slices that a batch's vouchers count in, besides their sources."""
    return {batch.tier.code, batch.round}
