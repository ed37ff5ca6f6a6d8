"""Capture (确认核销): what an authorisation is worth on the order as it was paid."""

from typing import NamedTuple

from merchants.errors import Refusal
from vouchers.rules.redemption.redeem import Decision, Order, Split, TrancheFacts, recompute
from vouchers.rules.redemption.undo import RedemptionFacts, Undoing, target_of, undoing
from vouchers.states import AccountKind


class Capturing(NamedTuple):
    """The final discount, and what was authorised beyond it."""

    decision: Decision
    # (source id, fen) in source order, zeros included; goes to `target`.
    rest: Split
    target: AccountKind

    @property
    def rest_fen(self) -> int:
        """Σ of the rest."""
        return sum(fen for _, fen in self.rest)


class CaptureVoiding(NamedTuple):
    """The final order earns no discount: the redemption is voided, for this reason."""

    reason: Refusal
    undoing: Undoing


def judge_final_order(
    redemption: RedemptionFacts, order: Order, tranche: TrancheFacts, authorised: Split
) -> Capturing | CaptureVoiding:
    """What becomes of an authorisation that may be captured.

    The discount is what the frozen terms give on the final order, at most what was `authorised`.
    Whether the voucher's window or the campaign ended meanwhile makes no difference.
    """
    decision = recompute(order, tranche, authorised)
    if isinstance(decision, Refusal):
        return CaptureVoiding(decision, undoing(redemption, order.at))
    final = dict(decision.split)
    rest = tuple((source_id, fen - final[source_id]) for source_id, fen in authorised)
    return Capturing(decision, rest, target_of(redemption))
