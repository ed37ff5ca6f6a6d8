"""What of the subsidy follows a refund of the shopper's money, and what becomes of the voucher.

The shopper had paid order − discount out of their own pocket; refunds add up to that at most. How
much of the discount goes back to those who funded it (补贴退回) is the campaign's policy:

* `return`: one refund of everything while the voucher's window is open calls the whole discount
  back and gives the voucher back. After the window's end the voucher is lost, and the money free;
  so it is where its face would have to be promised anew and the quota cells have no room.
  Anything less than everything at once follows `pro_rata`.
* `pro_rata`: all refunds together call back discount × refunded ÷ paid, rounded down to the fen, so
  that what cannot be divided stays with the merchant until everything is refunded; then the whole
  discount is called back. The voucher stays used, and is withdrawn in the end.
* `forfeit`: only everything at once; the whole discount is called back and the voucher is lost.

Each clawback is shared by largest remainder over what is left of each source's share, so that no
source ever gets back more than it paid, and each has its whole share back in the end.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import NamedTuple

from merchants.errors import Refusal
from vouchers.money import split_pro_rata
from vouchers.rules.redemption.undo import already
from vouchers.states import AccountKind, RedemptionState, RefundPolicy, SettlementState


class Share(NamedTuple):
    """One source's part of a discount, and how far it has gone."""

    source_id: int
    share_fen: int
    # Called back by earlier refunds.
    clawed_fen: int = 0
    # Of the settlement with the redemption's line; None while no settlement has it.
    settlement: SettlementState | None = None

    @property
    def left_fen(self) -> int:
        """What can still be called back."""
        return self.share_fen - self.clawed_fen


@dataclass(frozen=True, slots=True)
class Refundable:
    """A redemption as locked for this decision, with its refunds so far."""

    state: int
    policy: str
    order_amount_fen: int
    discount_fen: int
    # The shopper's money that has gone back before.
    refunded_fen: int
    # In source order; they sum to the discount.
    shares: Sequence[Share]
    is_held: bool
    # The voucher's tranche lasts and its validity end has not come.
    is_window_open: bool
    # What the discount left of the face, by source, while that is still promised.
    rest: Sequence[tuple[int, int]] = ()
    # The quota cells can take what `promised_anew` says, read under their lock.
    has_quota_room: bool = True
    # A voucher given back can't be used any more.
    is_campaign_over: bool = False

    @property
    def paid_fen(self) -> int:
        """What the shopper paid."""
        return self.order_amount_fen - self.discount_fen

    @property
    def clawed_fen(self) -> int:
        """Σ of the clawbacks so far."""
        return sum(share.clawed_fen for share in self.shares)

    @property
    def is_settled(self) -> bool:
        """Whether a settlement has a line of it: then the merchant has, or will have, the money."""
        return any(share.settlement is not None for share in self.shares)


class VoucherFate(Enum):
    """What becomes of the voucher."""

    STAYS = "stays"  # used
    GIVEN_BACK = "given back"  # issued again
    WITHDRAWN = "withdrawn"  # lost


class ClawbackPart(NamedTuple):
    """What one source gets back: out of which account, and into which."""

    source_id: int
    amount_fen: int
    origin: AccountKind
    target: AccountKind


Fens = list[tuple[int, int]]
"""(source id, fen) in source order, without zeros."""


@dataclass(frozen=True, slots=True)
class Clawback:
    """What a refund does beside giving the shopper their money."""

    parts: tuple[ClawbackPart, ...]
    voucher: VoucherFate
    # With this refund the shopper has everything back, and the sources the whole discount.
    is_everything: bool
    # What the discount left of the face, by source, while that is still promised.
    rest: Sequence[tuple[int, int]] = ()
    # The voucher is given back and can be used again.
    voucher_usable: bool = False

    @property
    def fen(self) -> int:
        """Σ of the parts."""
        return sum(part.amount_fen for part in self.parts)

    def parts_to(self, target: AccountKind) -> Fens:
        """What goes into an account."""
        return [(part.source_id, part.amount_fen) for part in self.parts if part.target == target]

    def reissued(self) -> Fens:
        """What is promised anew: the voucher comes back while its old money is the merchant's."""
        is_back = self.voucher is VoucherFate.GIVEN_BACK
        return self.parts_to(AccountKind.RECOVERABLE) if is_back else []

    def released(self) -> Fens:
        """What a percentage had left of the face goes with a voucher that is lost."""
        is_lost = self.voucher is VoucherFate.WITHDRAWN
        return [(source_id, fen) for source_id, fen in self.rest if fen and is_lost]

    def freed(self) -> Fens:
        """All that is free again."""
        fens = Counter(dict(self.parts_to(AccountKind.FREE)))
        fens.update(dict(self.released()))
        return sorted(fens.items())


def judge_refund(redemption: Refundable, amount_fen: int) -> Clawback | Refusal:
    """What a refund of `amount_fen` (≥ 1) of the shopper's money does, or why there is none.

    Refuses `redemption_state` for what is not captured (any more) and for part of an order under
    `forfeit`, and `refund_too_large` beyond what the shopper paid.
    """
    if redemption.state != RedemptionState.CAPTURED:
        return already("refund", redemption.state)
    left_fen = redemption.paid_fen - redemption.refunded_fen
    if amount_fen > left_fen:
        return Refusal("refund_too_large", facts={"left_fen": left_fen, "amount_fen": amount_fen})
    if redemption.policy == RefundPolicy.FORFEIT and amount_fen < redemption.paid_fen:
        return Refusal("redemption_state", "refund_whole_only")
    fate = _fate(redemption, amount_fen)
    is_back = fate is VoucherFate.GIVEN_BACK
    target = AccountKind.OUTSTANDING if is_back else AccountKind.FREE
    return Clawback(
        parts=_parts(redemption, amount_fen, target),
        voucher=fate,
        is_everything=amount_fen == left_fen,
        rest=redemption.rest,
        voucher_usable=is_back and not redemption.is_campaign_over,
    )


def promised_anew(redemption: Refundable, amount_fen: int) -> Fens:
    """What a refund would take of the quota cells again, had they room: the face of a voucher that
    comes back while its old money is the merchant's. Empty for any other refund."""
    decision = judge_refund(replace(redemption, has_quota_room=True), amount_fen)
    return [] if isinstance(decision, Refusal) else decision.reissued()


def claw_back_rest(redemption: Refundable) -> Clawback:
    """Calling back what refunds have left of a held redemption, because it may not be paid: the
    rest is free. What went back before is free or promised to others already, so the voucher is
    lost."""
    left = [(share.source_id, share.left_fen) for share in redemption.shares]
    return Clawback(
        parts=tuple(
            ClawbackPart(source_id, fen, AccountKind.RISK_HELD, AccountKind.FREE)
            for source_id, fen in left
            if fen
        ),
        voucher=VoucherFate.WITHDRAWN,
        is_everything=True,
        rest=redemption.rest,
    )


def clawback_fen(*, discount_fen: int, refunded_fen: int, paid_fen: int) -> int:
    """What must have been called back once `refunded_fen` of `paid_fen` (≥ 1) is refunded: the
    proportion of the discount, rounded down; the whole discount when everything is refunded."""
    return discount_fen * refunded_fen // paid_fen


def share_clawback(total_fen: int, shares: Sequence[Share]) -> list[tuple[int, int]]:
    """(source id, fen) of `total_fen`, by largest remainder over what is left of each share.

    No part is more than what is left, and all that is left gives each source all it has left.
    """
    left = [share.left_fen for share in shares]
    parts = split_pro_rata(total_fen, left) if total_fen else [0] * len(left)
    return [(share.source_id, fen) for share, fen in zip(shares, parts, strict=True)]


def _fate(redemption: Refundable, amount_fen: int) -> VoucherFate:
    if redemption.refunded_fen + amount_fen < redemption.paid_fen:
        return VoucherFate.STAYS
    may_return = redemption.policy == RefundPolicy.RETURN and redemption.is_window_open
    is_at_once = amount_fen == redemption.paid_fen
    has_money = redemption.has_quota_room or not redemption.is_settled
    is_back = may_return and is_at_once and has_money
    return VoucherFate.GIVEN_BACK if is_back else VoucherFate.WITHDRAWN


def _parts(
    redemption: Refundable, amount_fen: int, target: AccountKind
) -> tuple[ClawbackPart, ...]:
    """The parts of this refund; what a settlement has taken is owed by the merchant instead."""
    total_fen = (
        clawback_fen(
            discount_fen=redemption.discount_fen,
            refunded_fen=redemption.refunded_fen + amount_fen,
            paid_fen=redemption.paid_fen,
        )
        - redemption.clawed_fen
    )
    target = AccountKind.RECOVERABLE if redemption.is_settled else target
    settlements = {share.source_id: share.settlement for share in redemption.shares}
    return tuple(
        ClawbackPart(source_id, fen, _origin(redemption.is_held, settlements[source_id]), target)
        for source_id, fen in share_clawback(total_fen, redemption.shares)
        if fen
    )


def _origin(is_held: bool, settlement: SettlementState | None) -> AccountKind:
    if settlement is SettlementState.PAID:
        return AccountKind.SETTLED
    return AccountKind.RISK_HELD if is_held else AccountKind.PAYABLE


def number_used(refund_no: str) -> Refusal:
    """The refusal of a refund under a number that the merchant has used for another."""
    return Refusal("redemption_state", "refund_no_used", {"refund_no": refund_no})
