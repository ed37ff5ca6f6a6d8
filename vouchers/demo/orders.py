"""Honest orders of plausible size, and those that are undone: a cashier's mistake put right at the
same till, or goods that only another store of the group had left."""

import time
from datetime import datetime
from typing import Final

from vouchers.demo.attacks import ACCEPTED
from vouchers.demo.scene import Card, Scene
from vouchers.demo.till import Till

UNDONE_SHARE: Final = 0.01
MISTAKE_SHARE: Final = 0.1
"""Of what is undone: put right at once in the same store, which the rule against split orders looks
at; a day has only a handful of those."""

DELIVERED_SHARE: Final = 0.15
MEDIAN_BASKET: Final = 1.25
BASKET_SPREAD: Final = 0.35
"""Baskets are lognormal, in multiples of the voucher's threshold."""

LIMIT_RETRIES: Final = 5


class GoodOrder:
    """An honest order: it is accepted, and sometimes undone and made anew."""

    def __init__(self, scene: Scene, card: Card, number: int) -> None:
        rng = scene.rng
        basket = max(1.0, MEDIAN_BASKET * rng.lognormvariate(0, BASKET_SPREAD))
        self._order = {
            "voucher": card.code,
            "resident": card.resident_no,
            "order_no": f"{scene.run}-{number:06d}",
            "order_amount_fen": int(card.threshold_fen * basket),
            "order_kind": "delivered" if rng.random() < DELIVERED_SHARE else "in_store",
            "receipt_no": f"R{number:08d}",
        }
        self._scene = scene
        self._is_undone = rng.random() < UNDONE_SHARE
        self._is_mistake = rng.random() < MISTAKE_SHARE
        self.outcome = ""
        self.voided: int | None = None

    def play(self, till: Till) -> None:
        """Redeem; where it is undone, void and redeem again on a new order."""
        number = str(self._order["order_no"])
        self._redeem(till, number)
        if self._is_undone and self.outcome == ACCEPTED:
            redemption_id = till.answers[-1].body["id"]
            undone = till.void(redemption_id, f"{number}-void")
            if undone.code != ACCEPTED:
                self.outcome = f"void: {undone.code}"
                return
            self.voided = redemption_id
            other = self._scene.another(till.key)
            self._redeem(till if self._is_mistake else self._scene.till(other), f"{number}-2")

    def _redeem(self, till: Till, number: str) -> None:
        """Redeem; a store at its limit is tried again when its minute is over, under a new key."""
        order = {**self._order, "order_no": number}
        for attempt in range(LIMIT_RETRIES):
            answer = till.redeem(order, f"{number}-{attempt}")
            self.outcome = answer.code
            if self.outcome != "store_limit":
                return
            time.sleep(_seconds_until(answer.body["facts"]["next_at"]))


def _seconds_until(instant: str) -> float:
    return max(0.0, datetime.fromisoformat(instant).timestamp() - time.time())
