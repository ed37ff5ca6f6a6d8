"""The engine beside its model: what may happen in the city, and what must hold after each step."""

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import initialize

from tests.properties.machine.crashes import Crashes
from tests.support.small_city import TIERS
from vouchers.states import RefundPolicy


class Machine(Crashes):
    """Everything that may happen: one savepoint an example, rolled back at its end."""

    @initialize(
        policy=st.sampled_from(RefundPolicy),
        hours=st.sampled_from([1, 20, 200]),
        past=st.sampled_from(["none", "redeemed", "settled", "paid"]),
    )
    def begin(self, policy: RefundPolicy, hours: int, past: str) -> None:
        """The campaign's policy is drawn, and what has happened already: Alice and Carol have two
        vouchers of each tier, have used some, and the day may have been settled and paid."""
        hypothesis.event(f"begin: {policy}, {past}")
        self.model.policy = policy
        self.campaign = self.cities[policy]
        self.campaign.refresh_from_db()
        for name in ("alice", "carol"):
            for tier in TIERS:
                self.hand(name, tier, 2, hours)
        if past == "none":
            return
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
