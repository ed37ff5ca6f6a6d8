"""What may be answered of one resident's vouchers, one act after the other. Pure.

It knows a tier with a fixed face and a threshold, and the refund policy `return`; no clock but that
of presented codes. It takes no rule from the engine.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

from tests.support.mixed_load.log import YES, Entry, Kind
from vouchers.states import RedemptionState, VoucherState

FACE_FEN: Final = 2_000
THRESHOLD_FEN: Final = 10_000
PRESENTED_FOR_S: Final = 60.0

LIVE = (RedemptionState.AUTHORISED, RedemptionState.CAPTURED)
STATE = "redemption_state"
OrderNo = tuple[str, str]
"""A store and a number in it."""


class Use(NamedTuple):
    """A redemption. Amounts are fen."""

    voucher: str
    order: OrderNo
    state: RedemptionState
    order_fen: int
    refunded_fen: int = 0
    clawed_fen: int = 0

    @property
    def paid_fen(self) -> int:
        """What the shopper paid."""
        return self.order_fen - FACE_FEN

    @property
    def is_undoable(self) -> bool:
        """Whether it stands, and nothing was refunded."""
        return self.state in LIVE and not self.refunded_fen


class Shown(NamedTuple):
    """A presented code."""

    voucher: str
    at_s: float
    is_spent: bool = False


@dataclass(frozen=True)
class Standing:
    """How things stand between two acts: vouchers by code, redemptions by number, presented codes,
    and orders that are reversed for ever."""

    vouchers: Mapping[str, VoucherState] = field(default_factory=dict)
    uses: Mapping[int, Use] = field(default_factory=dict)
    shown: Mapping[str, Shown] = field(default_factory=dict)
    reversed: frozenset[OrderNo] = frozenset()
    has_claimed: bool = False

    def __hash__(self) -> int:
        parts = (self.vouchers, self.uses, self.shown)
        return hash((*(frozenset(part.items()) for part in parts), self.reversed))

    def after(self, entry: Entry) -> "Standing | None":
        """What the act leaves; None when it could not have been answered so."""
        return _STEPS[entry.kind](self, entry)

    def _use_on(self, order: OrderNo) -> tuple[int, Use] | None:
        """The redemption that an order is used by: one that stands, or stood until refunded."""
        holding = (*LIVE, RedemptionState.REFUNDED)
        for number, use in self.uses.items():
            if use.order == order and use.state in holding:
                return number, use
        return None

    def _with(self, number: int, use: Use, voucher: VoucherState, **more: Any) -> "Standing":
        return replace(
            self,
            uses={**self.uses, number: use},
            vouchers={**self.vouchers, use.voucher: voucher},
            **more,
        )

    # Each act

    def _asked(self, entry: Entry) -> "Standing | None":
        is_good = entry.code in self._verdicts(entry) and (
            not entry.is_yes or _is(entry, discount_fen=FACE_FEN)
        )
        return self if is_good else None

    def _verdicts(self, entry: Entry) -> set[str]:
        """What may be answered to a voucher on an order."""
        code, found = entry.sent["voucher"], set()
        if "resident" not in entry.sent:
            shown = self.shown.get(code)
            if shown is None:
                return set()  # it has not been made
            if shown.is_spent:
                return {"voucher_not_usable"}
            if entry.ended_s - shown.at_s >= PRESENTED_FOR_S:
                found.add("voucher_not_usable")
            code = shown.voucher
        return {*found, self._verdict(code, _order(entry), entry.sent["order_amount_fen"])}

    def _verdict(self, voucher: str, order: OrderNo, amount_fen: int) -> str:
        refusal = self._refusal_of(voucher)
        if refusal:
            return refusal
        if order in self.reversed:
            return "order_reversed"
        if self._use_on(order):
            return "order_already_used"
        return YES if amount_fen >= THRESHOLD_FEN else "below_threshold"

    def _refusal_of(self, voucher: str) -> str:
        """Why it can't be used; empty when it can."""
        state = self.vouchers.get(voucher)
        if state is None:
            return "not there yet"  # which is never answered
        if state is VoucherState.ISSUED:
            return ""
        return "voucher_withdrawn" if state is VoucherState.WITHDRAWN else "voucher_redeemed"

    def _used(self, entry: Entry) -> "Standing | None":
        if entry.code not in self._verdicts(entry):
            return None
        if not entry.is_yes:
            return self
        code, number = entry.sent["voucher"], entry.answer["id"]
        shown = self.shown.get(code)
        voucher = shown.voucher if shown else code
        is_final = entry.kind is Kind.REDEEM
        state = RedemptionState.CAPTURED if is_final else RedemptionState.AUTHORISED
        order_fen = entry.sent["order_amount_fen"]
        if number in self.uses or not _is(
            entry,
            state=state.name.lower(),
            voucher=voucher,
            discount_fen=FACE_FEN,
            payable_fen=order_fen - FACE_FEN,
        ):
            return None
        codes = {**self.shown, code: shown._replace(is_spent=True)} if shown else self.shown
        use = Use(voucher, _order(entry), state, order_fen)
        held = VoucherState.REDEEMED if is_final else VoucherState.AUTHORISED
        return self._with(number, use, held, shown=codes)

    def _captured(self, entry: Entry) -> "Standing | None":
        number = entry.sent["redemption"]
        use = self.uses.get(number)
        if use is None:
            return None
        if use.state is not RedemptionState.AUTHORISED:
            return self if entry.code == STATE else None
        amount_fen = entry.sent["order_amount_fen"]
        if amount_fen < THRESHOLD_FEN:
            voided = use._replace(state=RedemptionState.VOIDED)
            is_so = _is(entry, state="voided", returned_fen=FACE_FEN)
            return self._with(number, voided, VoucherState.ISSUED) if is_so else None
        captured = use._replace(state=RedemptionState.CAPTURED, order_fen=amount_fen)
        is_so = _is(entry, state="captured", discount_fen=FACE_FEN)
        return self._with(number, captured, VoucherState.REDEEMED) if is_so else None

    def _voided(self, entry: Entry) -> "Standing | None":
        number = entry.sent["redemption"]
        use = self.uses.get(number)
        if use is None:
            return None
        return self._undone(entry, number, use, RedemptionState.VOIDED)

    def _reversed(self, entry: Entry) -> "Standing | None":
        order = _order(entry)
        found = None if order in self.reversed else self._use_on(order)
        if found is None:
            is_so = _is(entry, id=None, returned_fen=0)
            return replace(self, reversed=self.reversed | {order}) if is_so else None
        return self._undone(entry, *found, RedemptionState.REVERSED)

    def _undone(
        self, entry: Entry, number: int, use: Use, state: RedemptionState
    ) -> "Standing | None":
        if not use.is_undoable or _is_after_midnight(entry):
            return self if entry.code == STATE else None
        if not _is(entry, id=number, returned_fen=FACE_FEN, voucher_usable=True):
            return None
        gone = {use.order} if state is RedemptionState.REVERSED else set()
        left = use._replace(state=state)
        return self._with(number, left, VoucherState.ISSUED, reversed=self.reversed | gone)

    def _refunded(self, entry: Entry) -> "Standing | None":
        number, amount_fen = entry.sent["redemption"], entry.sent["amount_fen"]
        use = self.uses.get(number)
        if use is None:
            return None
        if use.state is not RedemptionState.CAPTURED:
            return self if entry.code == STATE else None
        refunded_fen = use.refunded_fen + amount_fen
        if refunded_fen > use.paid_fen:
            return self if entry.code == "refund_too_large" else None
        is_over, is_at_once = refunded_fen == use.paid_fen, amount_fen == use.paid_fen
        clawed_fen = FACE_FEN * refunded_fen // use.paid_fen
        state = RedemptionState.REFUNDED if is_over else RedemptionState.CAPTURED
        fate = VoucherState.ISSUED if is_at_once else VoucherState.WITHDRAWN
        is_so = _is(
            entry,
            id=number,
            state=state.name.lower(),
            clawback_fen=clawed_fen - use.clawed_fen,
            voucher_usable=is_at_once,
        )
        left = use._replace(state=state, refunded_fen=refunded_fen, clawed_fen=clawed_fen)
        return (
            self._with(number, left, fate if is_over else VoucherState.REDEEMED) if is_so else None
        )

    def _presented(self, entry: Entry) -> "Standing | None":
        voucher = entry.sent["voucher"]
        if not entry.is_yes:
            return self if entry.code == self._refusal_of(voucher) else None
        code = entry.answer["code"]
        if self._refusal_of(voucher) or code in self.shown:
            return None
        return replace(self, shown={**self.shown, code: Shown(voucher, entry.began_s)})

    def _claimed(self, entry: Entry) -> "Standing | None":
        """Whether units were left is a matter of all residents together."""
        if entry.code == "resident_limit":
            return self if self.has_claimed else None
        if not entry.is_yes:
            return self if entry.code == "sold_out" else None
        if self.has_claimed:
            return None
        voucher = entry.answer["voucher"]
        held = {**self.vouchers, voucher: VoucherState.ISSUED}
        return replace(self, vouchers=held, has_claimed=True)


def _order(entry: Entry) -> OrderNo:
    return entry.sent["store"], entry.sent["order_no"]


def _is_after_midnight(entry: Entry) -> bool:
    """Whether it was refused because its business day is over, as may happen in mid-load."""
    return entry.code == STATE and str(entry.answer["rule"]).endswith("_cut_off")


def _is(entry: Entry, **figures: object) -> bool:
    """Whether it was answered yes, with these figures."""
    return entry.is_yes and all(entry.answer[name] == value for name, value in figures.items())


_STEPS: Mapping[Kind, Callable[[Standing, Entry], Standing | None]] = {
    Kind.QUOTE: Standing._asked,
    Kind.REDEEM: Standing._used,
    Kind.AUTHORISE: Standing._used,
    Kind.CAPTURE: Standing._captured,
    Kind.VOID: Standing._voided,
    Kind.REVERSE: Standing._reversed,
    Kind.REFUND: Standing._refunded,
    Kind.PRESENT: Standing._presented,
    Kind.CLAIM: Standing._claimed,
}
