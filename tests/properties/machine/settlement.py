"""A day is settled and paid; what merchants owe is kept back or collected."""

from datetime import timedelta

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from merchants.models import Merchant
from tests.properties.machine.ground import Ground, pick
from tests.support import cast
from tests.support.reference_model.things import day_of
from tests.support.small_city import MERCHANTS, which
from vouchers.models import FundingSource
from vouchers.models import Settlement as SettlementRow
from vouchers.services.settlement import collection, days


class Settlement(Ground):
    """How merchants get their money, and how it comes back from them."""

    @precondition(lambda self: self.model.to_settle())
    @rule(days_ago=st.sampled_from([0, 0, 0, 1]))
    def settle(self, days_ago: int) -> None:
        """A day is closed, twice: the second time nothing happens."""
        day = day_of(self.model.now) - timedelta(days=days_ago)
        made = self.model.settle(day, MERCHANTS)
        hypothesis.event(f"settle: {'some' if made else 'none'}")
        for _ in range(2):
            days.settle_day(campaign=self.campaign, business_day=day, at=self.model.now)

    @precondition(lambda self: self.model.unpaid())
    @rule(number=which)
    def pay(self, number: int) -> None:
        """A settlement is paid if the cash there is covers it and all before it."""
        waiting = self.model.unpaid()
        chosen = waiting[number % len(waiting)]
        row = SettlementRow.objects.order_by("id")[self.model.settlements.index(chosen)]
        short_fen = self.model.short_fen(chosen)
        hypothesis.event(f"pay: {'short' if short_fen else 'paid'}")
        with self.refused("cash_not_received" if short_fen else ""):
            assert days.pay(settlement=row, at=self.model.now)
            chosen.is_paid = True
            assert not days.pay(settlement=row, at=self.model.now)

    @precondition(lambda self: self.model.debtors(MERCHANTS))
    @rule(number=which, less_fen=st.sampled_from([0, 0, 1, 500, -1]))
    def collect(self, number: int, less_fen: int) -> None:
        """A merchant pays back what it owes, or a part; never more."""
        merchant, source, owed_fen = pick(self.model.debtors(MERCHANTS), number)
        amount_fen = owed_fen - less_fen if less_fen < owed_fen else owed_fen
        hypothesis.event("collect")
        with self.refused("more_than_owed" if amount_fen > owed_fen else ""):
            collection.collect(
                campaign=self.campaign,
                source=FundingSource.objects.get(campaign=self.campaign, code=source),
                merchant=Merchant.objects.get(code=merchant),
                amount_fen=amount_fen,
                document_no=self.number("collected"),
                request_id=self.number("collection"),
                by=cast.mei(),
                at=self.model.now,
            )
            assert self.model.collect(merchant, source, amount_fen, MERCHANTS)
