"""Tranches and vouchers: as many as promised, and what each is worth. Of a voucher two bytes
of state and eight each of its holder's pseudonym and allocation are kept, so ten million fit."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from vouchers.verify.archive import Archive, Row
from vouchers.verify.arrows import AUTHORISED, ISSUED, REDEEMED, WITHDRAWN
from vouchers.verify.faults import Fault
from vouchers.verify.journal import Slot

SERIAL_BITS: Final = 20
SERIALS: Final = (1 << SERIAL_BITS) - 1
_STATES: Final = (ISSUED, AUTHORISED, REDEEMED, WITHDRAWN)
_STATE_OF_LIVE: Final = {AUTHORISED: 1, REDEEMED: 2}
"""The state of the live redemption that a used voucher must have."""


@dataclass
class Wallet:
    """The vouchers of one tranche by serial."""

    states: bytearray = field(default_factory=bytearray)
    live: bytearray = field(default_factory=bytearray)
    """The state of the live redemption of each; filled in as redemptions are read."""
    allocations: "array[int]" = field(default_factory=lambda: array("q"))
    holders: "array[int]" = field(default_factory=lambda: array("Q"))


@dataclass
class Stock:
    """All vouchers of the pack."""

    tranches: dict[int, Row] = field(default_factory=dict)
    wallets: dict[int, Wallet] = field(default_factory=dict)
    counts: Counter[tuple[int, int, int]] = field(default_factory=Counter)
    """By (tranche, allocation, state)."""
    waiting: list[tuple[int, list[tuple[int, int]], int]] = field(default_factory=list)
    """(allocation, split, count) of vouchers in shards that are not minted yet."""

    def split(self, tranche: int) -> list[tuple[int, int]]:
        """What each source pays of a face."""
        return [(source, fen) for source, fen in self.tranches[tranche]["split"]]

    def is_over(self, tranche: int) -> bool:
        """Whether the tranche has expired."""
        return bool(self.tranches[tranche]["state"] == "expired")

    def face_sums(self) -> dict[Slot, int]:
        """Sum of the faces of unused vouchers by slot, in fen."""
        sums: dict[Slot, int] = defaultdict(int)
        for (tranche, allocation, state), count in self.counts.items():
            if state == ISSUED and not self.is_over(tranche):
                for source, fen in self.split(tranche):
                    sums[source, allocation] += fen * count
        return sums

    def reserved(self) -> dict[Slot, int]:
        """Σ face of the vouchers that wait in shards."""
        sums: dict[Slot, int] = defaultdict(int)
        for allocation, split, count in self.waiting:
            for source, fen in split:
                sums[source, allocation] += fen * count
        return sums

    def counted(self) -> Iterator[tuple[int, list[tuple[int, int]], int]]:
        """(allocation, split, count) of vouchers that hold a place: not expired or withdrawn."""
        yield from self.waiting
        for (tranche, allocation, state), count in self.counts.items():
            if state == WITHDRAWN or (state == ISSUED and self.is_over(tranche)):
                continue
            yield allocation, self.split(tranche), count


def check_vouchers(archive: Archive, stock: Stock) -> Iterator[Fault]:
    """Every tranche holds as many vouchers as it states, without a gap, each counted in an
    allocation of its tier; the shares of a face are the face."""
    tiers = {row["id"]: row["tier"] for row in archive.rows("allocations")}
    for row in archive.rows("tranches"):
        stock.tranches[row["id"]] = row
        stock.wallets[row["id"]] = Wallet()
        if sum(fen for _, fen in row["split"]) != row["face_fen"]:
            yield archive.fault("its shares miss the face", "各方分摊之和不等于面额")
    for row in archive.rows("vouchers"):
        yield from _take(archive, stock, tiers, row)
    for number, (tranche, wallet) in enumerate(stock.wallets.items(), 1):
        promised = stock.tranches[tranche]["voucher_count"]
        if len(wallet.states) != promised:
            yield Fault(
                "tranches.jsonl",
                number,
                f"{len(wallet.states)} vouchers of {promised}",
                f"应有 {promised} 张券，实有 {len(wallet.states)} 张",
            )
    _read_shards(archive, stock)


def check_use(stock: Stock) -> Iterator[Fault]:
    """A voucher is used exactly when it has one live redemption. Call after all rows were read."""
    row = 0
    for wallet in stock.wallets.values():
        wanted = bytes(_STATE_OF_LIVE.get(state, 0) for state in range(256))
        if wallet.states.translate(wanted) != wallet.live:
            for serial, (state, live) in enumerate(zip(wallet.states, wallet.live, strict=True), 1):
                if _STATE_OF_LIVE.get(state, 0) != live:
                    yield Fault(
                        "vouchers.jsonl",
                        row + serial,
                        f"state {state}, but the live redemption says {live}",
                        f"状态 {state} 与有效核销 {live} 不符",
                    )
        row += len(wallet.states)


def _take(archive: Archive, stock: Stock, tiers: dict[int, int], row: Row) -> Iterator[Fault]:
    tranche, serial = row["id"] >> SERIAL_BITS, row["id"] & SERIALS
    allocation, state = row["allocation"], row["state"]
    wallet = stock.wallets.get(tranche)
    if wallet is None or serial != len(wallet.states) or state not in _STATES:
        yield archive.fault("is not a voucher of its tranche", "不属于其券批")
        return
    wallet.states.append(state)
    wallet.live.append(0)
    wallet.allocations.append(allocation)
    wallet.holders.append(int(row["resident"], 16))
    stock.counts[tranche, allocation, state] += 1
    if tiers.get(allocation) != stock.tranches[tranche]["tier"]:
        yield archive.fault("counts in an allocation of another tier", "配额组合属于其他券种")


def _read_shards(archive: Archive, stock: Stock) -> None:
    splits = {
        row["id"]: [(source, fen) for source, fen in row["split"]] for row in archive.rows("tiers")
    }
    reserved = {row["id"] for row in archive.rows("runs") if row["state"] == "reserved"}
    for row in archive.rows("shards"):
        if row["run"] in reserved and row["state"] != "done":
            for allocation, count in row["allocations"]:
                stock.waiting.append((allocation, splits[row["tier"]], count))
