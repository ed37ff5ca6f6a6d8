"""The engine beside its model: what may happen in the city, and what must hold after each step."""

from typing import Any

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import initialize

from tests.properties.machine.crashes import Crashes
from tests.support.small_city import TIERS, fresh_model, good_claims
from vouchers.states import RefundPolicy, RiskSetting, RiskVerdict


class Machine(Crashes):
    """Everything that may happen: one savepoint an example, rolled back at its end."""

    @initialize(
        policy=st.sampled_from(RefundPolicy),
        hours=st.sampled_from([1, 20, 200]),
        past=st.sampled_from(["none", "redeemed", "settled", "paid"]),
        watch=st.sampled_from([None, None, RiskVerdict.HOLD, RiskVerdict.REFUSE]),
        claimed=st.lists(good_claims, max_size=2),
    )
    def begin(
        self,
        policy: RefundPolicy,
        hours: int,
        past: str,
        watch: RiskVerdict | None,
        claimed: list[tuple[Any, ...]],
    ) -> None:
        """The campaign's policy is drawn, what a risk rule does there, and what has happened: some
        have claimed, Alice and Carol have two vouchers of each tier, have used some, and the day
        may have been settled and paid."""
        hypothesis.event(f"begin: {policy}, {past}, {watch}")
        self.model = fresh_model(policy)
        self.campaign = self.cities[policy]
        self.campaign.refresh_from_db()
        if watch:
            self.watch(RiskSetting.LIVE, watch, 4_500)
        for name in ("alice", "carol"):
            for tier in TIERS:
                self.hand(name, tier, 2, hours)
        if claimed:
            self.claim(claimed)
        if past != "none":
            self._begin_later(past)

    def _begin_later(self, past: str) -> None:
        for voucher in self.model.vouchers[1::2]:
            self.redeem_one(self.plain_order(voucher))
        if past == "redeemed":
            return
        self.settle(0)
        if past == "settled":
            return
        for code in self.model.appropriated:
            self.receive_cash(code, 6_000)
        for _ in self.model.unpaid():
            self.pay(0)


__all__ = ["Machine"]
