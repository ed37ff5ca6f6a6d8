"""What attacks draw from: people's wallets, terminals of all kinds, and the tally of answers."""

import random
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx

from vouchers.demo.group import TillKey
from vouchers.demo.till import Till


@dataclass(frozen=True, slots=True)
class Card:
    """A voucher as its holder shows it."""

    code: str
    resident_no: str
    face_fen: int
    threshold_fen: int


@dataclass(slots=True)
class Tally:
    """How one kind of attack went."""

    tried: int = 0
    refused: int = 0
    surprises: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Scene:
    """What attacks draw from: people's wallets, terminals of all kinds, the campaign's limits.

    Safe for threads. `tills` are all that were ever opened, with their answers.
    """

    run: str
    client: httpx.Client
    rng: random.Random
    wallets: Iterator[Sequence[Card]]
    expired: Sequence[Card]
    keys: Sequence[TillKey]
    rival: TillKey
    stolen: TillKey
    stranger: TillKey
    per_minute: int
    per_day: int
    tallies: dict[str, Tally] = field(default_factory=dict)
    tills: list[Till] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def till(self, key: TillKey) -> Till:
        """A till that calls as a terminal."""
        till = Till(key, self.client)
        self.tills.append(till)
        return till

    def another(self, key: TillKey) -> TillKey:
        """A terminal of the group in another store, or if there is none, another one."""
        elsewhere = [other for other in self.keys if other.store_no != key.store_no]
        return self.rng.choice(elsewhere or [other for other in self.keys if other != key])

    def wallet(self) -> Sequence[Card]:
        """All vouchers of a person who has no other part in the day."""
        with self._lock:
            return next(self.wallets)

    def card(self) -> Card:
        """One voucher of such a person."""
        return self.wallet()[0]

    def number(self) -> str:
        """A new order number, which is also a new idempotency key."""
        with self._lock:
            return f"{self.run}-A{next(self._numbers):05d}"

    def note(self, kind: str, wanted: str, got: str, *, or_else: str = "") -> None:
        """Write down one attempt and whether it was answered as it had to be: by `wanted`, or just
        as well by `or_else`."""
        with self._lock:
            tally = self.tallies.setdefault(kind, Tally())
            tally.tried += 1
            if got in (wanted, or_else):
                tally.refused += 1
            else:
                tally.surprises.append(f"{wanted} expected, {got} answered")

    def order(self, card: Card, **changes: Any) -> dict[str, Any]:
        """A good order for a voucher, with changes."""
        return {
            "voucher": card.code,
            "resident": card.resident_no,
            "order_no": self.number(),
            "order_amount_fen": card.threshold_fen + self.rng.randrange(5_000, 20_000),
            **changes,
        }
