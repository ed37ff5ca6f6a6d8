"""Codes good once: made in an app, shown at tills, also too late, again, and by another."""

from typing import Any

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.properties.machine.ground import pick
from tests.properties.machine.tills import Tills
from tests.support.reference_model import Order
from tests.support.small_city import shows, which
from tests.support.till import redeem
from vouchers.services.redemption import RedeemRequest


class Showing(Tills):
    """What holders show instead of the printed code."""

    @precondition(lambda self: self.model.vouchers)
    @rule(voucher=which, by_holder=st.sampled_from([True, True, True, False]))
    def present(self, voucher: int, by_holder: bool) -> None:
        """A code is asked for: good for its minute, whatever was made before or is made after."""
        chosen = pick(self.in_hand_last(), voucher)
        shower = chosen.holder if by_holder else self.another(chosen)
        verdict = self.model.presenting_verdict(chosen, shower)
        hypothesis.event(f"present: {verdict}")
        with self.refused(verdict if verdict != "yes" else ""):
            self.make_code(chosen, shower)

    @precondition(lambda self: self.model.vouchers)
    @rule(voucher=which, times=st.integers(1, 3), capture=st.booleans())
    def show_at_once(self, voucher: int, times: int, capture: bool) -> None:
        """A code goes from the app to the till, or to several tills."""
        chosen = pick(self.in_hand_last(), voucher)
        if self.model.presenting_verdict(chosen, chosen.holder) == "yes":
            self.make_code(chosen, chosen.holder)
            self.show([(0, "nobody", "nanjing_road", 20_006, capture)] * times)

    @precondition(lambda self: self.model.codes)
    @rule(batch=st.lists(shows, min_size=1, max_size=3))
    def show(self, batch: list[tuple[Any, ...]]) -> None:
        """A batch of orders by codes, the same one several times among them."""
        sent = [self._shown(*picks) for picks in batch]
        for (request, wanted), answer in zip(
            sent, redeem(requests=[request for request, _ in sent]), strict=True
        ):
            self._compare(request, wanted, answer)

    def _shown(
        self, number: int, named: str, store: str, amount_fen: int, capture: bool
    ) -> tuple[RedeemRequest, Order]:
        code = pick(self.model.codes, number)
        voucher = code.voucher
        shopper = self.another(voucher) if named == "another" else voucher.holder
        no = self.number("order")
        wanted = Order(voucher, shopper, store, no, amount_fen, capture, code)
        return self._body(wanted, no, is_named=named != "nobody"), wanted
