"""A sample till: it writes down what it is about to do, does it, and catches up after a cut line.

The journal is what matters. An order is in it before it is sent, so that neither a cut line nor a
power cut lets the till forget what it may have done.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from docs.client.huimin import Client, Order, OutcomeUnknown, Redemption, Refused

Fate = Literal["sent", "taken offline", "given up", "done"]
"""What became of an order so far: sent without an answer, taken at the merchant's risk, to be
reversed, or settled between till and service."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An order in the journal."""

    order: Order
    fate: Fate
    redemption_id: int | None = None

    @property
    def key(self) -> str:
        """The order's idempotency key, the same whenever and however it is sent."""
        return f"{self.order.store}-{self.order.order_no}"


@dataclass(frozen=True, slots=True)
class Sale:
    """What the cashier reads: what to take, and a sentence where there is no discount."""

    payable_fen: int
    discount_fen: int = 0
    redemption_id: int | None = None
    because: str = ""


class Journal:
    """Entries in a file of JSON lines; the last one of an order counts."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, entry: Entry) -> None:
        """Keep an entry before anything is done about it."""
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(entry)) + "\n")

    def entries(self, fate: Fate) -> list[Entry]:
        """The orders with that fate, in the order they were taken."""
        latest = {entry.order.order_no: entry for entry in self._read()}
        return [entry for entry in latest.values() if entry.fate == fate]

    def _read(self) -> Iterator[Entry]:
        if self._path.exists():
            for line in self._path.read_text(encoding="utf-8").splitlines():
                values = json.loads(line)
                yield Entry(**{**values, "order": Order(**values["order"])})


class Till:
    """A till of one store. `takes_offline_fen`: the discount that the merchant gives at its own
    risk when the service can't be asked; 0, and the customer pays the full price."""

    def __init__(
        self, client: Client, journal: Journal, *, store: str, takes_offline_fen: int = 0
    ) -> None:
        self._client = client
        self._journal = journal
        self._store = store
        self._takes_offline_fen = takes_offline_fen

    def sell(self, *, order_no: str, amount_fen: int, voucher: str, resident: str) -> Sale:
        """Use a voucher on an order, and say what to take of the customer."""
        order = Order(
            voucher=voucher,
            store=self._store,
            order_no=order_no,
            order_amount_fen=amount_fen,
            resident=resident,
            # In every order, so that it is the same request if it has to be sent later.
            occurred_at=datetime.now(UTC).isoformat(),
        )
        entry = Entry(order, "sent")
        self._journal.write(entry)
        try:
            redemption = self._client.redeem(order, key=entry.key)
        except Refused as refused:
            self._journal.write(replace(entry, fate="done"))
            return Sale(amount_fen, because=refused.title_zh)
        except OutcomeUnknown:
            return self._without_answer(entry)
        return self._done(entry, redemption)

    def catch_up(self) -> list[Refused]:
        """Once the line is back: reverse what the customer paid in full, send what was taken
        offline. Returns the refusals of the latter, which the merchant bears. Raises
        OutcomeUnknown while the line is still cut; then call it again."""
        for entry in [*self._journal.entries("given up"), *self._journal.entries("sent")]:
            order = entry.order
            self._client.reverse(
                store=order.store, order_no=order.order_no, key=f"{entry.key}-reverse"
            )
            self._journal.write(replace(entry, fate="done"))
        offline = self._journal.entries("taken offline")
        if not offline:
            return []
        verdicts = self._client.redeem_all([(entry.key, entry.order) for entry in offline])
        for entry, verdict in zip(offline, verdicts, strict=True):
            if isinstance(verdict, Redemption):
                self._done(entry, verdict)
            elif verdict.is_final:
                self._journal.write(replace(entry, fate="done"))
        refusals = [verdict for verdict in verdicts if isinstance(verdict, Refused)]
        return [refused for refused in refusals if refused.is_final]

    def _without_answer(self, entry: Entry) -> Sale:
        fen = entry.order.order_amount_fen
        if not self._takes_offline_fen:
            self._journal.write(replace(entry, fate="given up"))
            return Sale(fen, because="暂时无法核销，请全额付款，券仍可下次使用。")
        self._journal.write(replace(entry, fate="taken offline"))
        return Sale(fen - self._takes_offline_fen, self._takes_offline_fen)

    def _done(self, entry: Entry, redemption: Redemption) -> Sale:
        self._journal.write(replace(entry, fate="done", redemption_id=redemption.id))
        return Sale(redemption.payable_fen, redemption.discount_fen, redemption.id)
