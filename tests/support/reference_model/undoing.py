"""Taking back: void, reverse, lapse, refund under each policy, holds."""

from itertools import count

from tests.support.reference_model.money import cells_of
from tests.support.reference_model.things import Money, Refund, Use, day_of, shared
from tests.support.reference_model.tills import Tills
from vouchers.states import RedemptionState, RefundPolicy, VoucherState

GONE = (RedemptionState.VOIDED, RedemptionState.REVERSED)


class Undoing(Tills):
    """Redemptions as they come to nothing, whole or in part."""

    _refund_numbers = count(1)

    def may_undo(self, use: Use) -> bool:
        """Whether it stands, today, unsettled and unrefunded."""
        is_untouched = not use.settlements and not use.refunds
        return use.is_live and is_untouched and day_of(self.now) <= use.day

    def void(self, use: Use) -> None:
        self.give_up(use, RedemptionState.VOIDED)

    def reverse(self, store: str, order_no: str) -> bool:
        """The order shall not have been: whatever stood on it, nothing may ever again. Whether
        that could be done."""
        use = self.use_on(store, order_no)
        if use and (store, order_no.upper()) not in self.tombstones:
            if not self.may_undo(use):
                return False
            self.give_up(use, RedemptionState.REVERSED)
        self.tombstones.add((store, order_no.upper()))
        return True

    def lapse(self) -> int:
        """Authorisations not captured in time are void; how many."""
        late = [
            use
            for use in self.in_state(RedemptionState.AUTHORISED)
            if use.capture_before and use.capture_before <= self.now
        ]
        for use in late:
            self.void(use)
        return len(late)

    # Refunds

    def refund_verdict(self, use: Use, amount_fen: int) -> str:
        """What a till hears that gives so much back: yes, or the code of the refusal."""
        if use.state != RedemptionState.CAPTURED:
            return "redemption_state"
        if use.refunded_fen + amount_fen > use.paid_fen:
            return "refund_too_large"
        is_whole = amount_fen == use.paid_fen
        if self.policy == RefundPolicy.FORFEIT and not is_whole:
            return "redemption_state"
        return "yes"

    def refund(self, use: Use, amount_fen: int) -> tuple[Refund, bool]:
        """The shopper gets some of their money back, the sources their part of the subsidy; and
        whether the voucher can be used again."""
        is_whole = amount_fen == use.paid_fen
        parts = self._called_back(use, amount_fen)
        made = Refund(
            id=next(self._refund_numbers),
            use=use,
            day=day_of(self.now),
            amount_fen=amount_fen,
            parts={source: fen for source, fen in parts.items() if fen},
            is_late=bool(use.settlements),
            collected=dict.fromkeys(parts, 0),
        )
        comes_back = is_whole and self._may_come_back(use, parts)
        use.refunds.append(made)
        if not any(use.left.values()):
            use.state, use.is_held = RedemptionState.REFUNDED, False
            use.voucher.state = VoucherState.ISSUED if comes_back else VoucherState.WITHDRAWN
        return made, comes_back and not self.is_over

    def _called_back(self, use: Use, amount_fen: int) -> Money:
        refunded_fen = use.refunded_fen + amount_fen
        left = use.left
        target_fen = use.discount_fen * refunded_fen // use.paid_fen
        clawback_fen = target_fen - (use.discount_fen - sum(left.values()))
        return shared(clawback_fen, left)

    def _may_come_back(self, use: Use, parts: Money) -> bool:
        """A whole refund in time returns the voucher; once it has been settled, its money is with
        the merchant, so that it must be promised anew."""
        batch = use.voucher.batch
        if self.policy != RefundPolicy.RETURN or not batch.is_open(self.now):
            return False
        return not use.settlements or self.has_room(parts, cells_of(batch), 0)

    # Holds

    def hold_verdict(self, use: Use) -> str:
        """Yes, or why its money can't be kept back."""
        if use.state != RedemptionState.CAPTURED:
            return "hold_not_captured"
        if use.settlements:
            return "already_settled"
        return "already_held" if use.is_held else "yes"
