"""A risk rule on the subsidy of a merchant's day: what it notices, and what it does about it."""

from tests.support.reference_model.money import Books
from tests.support.reference_model.things import Order, Use, day_of


class Watching(Books):
    """What is noticed of redemptions, beside the exact limits."""

    def risk_refusal(self, order: Order) -> str:
        """The code with which a live rule refuses an order; empty when it does not."""
        watch = self.watch
        refuses = watch is not None and watch.is_live and watch.refuses
        return "risk_refused" if refuses and self._is_noticed(order) else ""

    def note_risk_refusal(self) -> None:
        """A rule has refused an order, and said what it noticed."""
        self.signals += 1

    def look_at(self, order: Order, made: Use) -> None:
        """The rule in force looks at a redemption that it lets through, and tallies it."""
        if self.watch is None:
            return
        if self._is_noticed(order):
            self.signals += 1
            made.is_to_be_held = self.watch.is_live
        made.tallied_fen = made.discount_fen

    def _is_noticed(self, order: Order) -> bool:
        """What was undone since it was accepted counts all the same; what was accepted while no
        rule looked does not."""
        if self.watch is None:
            return False
        merchant, today = self.merchants[order.store], day_of(self.now)
        before_fen = sum(
            use.tallied_fen
            for use in self.uses
            if (self.merchants[use.store], use.day) == (merchant, today)
        )
        discount_fen = order.voucher.batch.tier.discount_fen(order.amount_fen)
        return before_fen + discount_fen > self.watch.above_fen
