"""What a till may do and hears: redeem, authorise, capture; by what codes, within what limits."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

from tests.support.reference_model.things import (
    SHANGHAI,
    Code,
    Order,
    Use,
    Voucher,
    day_of,
    shared,
)
from tests.support.reference_model.watching import Watching
from vouchers.states import LimitKind, RedemptionState, VoucherState

LIMITS = {LimitKind.RESIDENT_DAY: 3, LimitKind.RESIDENT_CAMPAIGN: 6, LimitKind.STORE_MINUTE: 4}
AUTHORISED_FOR = timedelta(minutes=15)
PRESENTED_FOR = timedelta(seconds=60)

Window = tuple[LimitKind, str, object]
"""A cap's kind, its subject, and when."""


class Tills(Watching):
    """Redemptions as they come about."""

    def presenting_verdict(self, voucher: Voucher, shower: str) -> str:
        """What an app hears that wants a code: yes, or the code of the refusal."""
        if shower != voucher.holder:
            return "voucher_not_usable"
        if not self.is_running:
            return "campaign_not_running"
        return self._of_voucher(voucher) or "yes"

    def present(self, voucher: Voucher, digits: str) -> Code:
        """A code is made; the ones before it stay as good as they are."""
        code = Code(digits, voucher, min(self.now + PRESENTED_FOR, voucher.batch.until))
        self.codes.append(code)
        return code

    def verdict(self, order: Order, shut: Mapping[str, str]) -> str:
        """What a till hears: yes, or the code of the refusal. `shut` says it of whole stores."""
        code = order.code
        if code and (code.is_used or self.now >= code.until):
            return "voucher_not_usable"
        if order.shopper != order.voucher.holder:
            return "voucher_not_usable"
        if self.asks_for_presence and code is None:
            return "presence_required"
        has_joined = self.now >= self.joined_at.get(order.store, self.now + SHANGHAI)
        if order.store in shut and not has_joined:
            return shut[order.store]
        if not self.is_running:
            return "campaign_not_running"
        return (
            self._of_voucher(order.voucher)
            or self._of_order(order)
            or self._of_limits(order)
            or self.risk_refusal(order)
            or "yes"
        )

    def _of_voucher(self, voucher: Voucher) -> str:
        batch = voucher.batch
        if voucher.state == VoucherState.WITHDRAWN:
            return "voucher_withdrawn"
        if voucher.state != VoucherState.ISSUED:
            return "voucher_redeemed"
        if self.now < batch.since:
            return "voucher_not_yet_valid"
        return "" if batch.is_open(self.now) else "voucher_expired"

    def _of_order(self, order: Order) -> str:
        claim = self.claim(order.store, order.order_no)
        if claim is not None:
            return "order_reversed" if claim == "reversed" else "order_already_used"
        return order.voucher.batch.tier.refusal_of(order.amount_fen)

    def claim(self, store: str, order_no: str) -> str | None:
        """Whether an order has been used, or reversed; upper and lower case are one order."""
        if (store, order_no.upper()) in self.tombstones:
            return "reversed"
        return "used" if self.use_on(store, order_no) else None

    def use_on(self, store: str, order_no: str) -> Use | None:
        """The redemption that holds an order: one that stands, or stood until it was refunded."""
        gone = (RedemptionState.VOIDED, RedemptionState.REVERSED)
        for use in self.uses:
            if (use.store, use.order_no.upper()) == (
                store,
                order_no.upper(),
            ) and use.state not in gone:
                return use
        return None

    def _of_limits(self, order: Order) -> str:
        used = self.counters()[0]
        full = [
            key[0].name
            for key in self._windows(order.shopper, order.store, self.now)
            if used[key] >= LIMITS[key[0]]
        ]
        return f"{full[0].split('_')[0].lower()}_limit" if full else ""

    def counters(self) -> tuple[Counter[Window], Counter[Window]]:
        """Redemptions that stand and their subsidy, by cap, subject and window."""
        counts: Counter[Window] = Counter()
        fens: Counter[Window] = Counter()
        for use in self.live():
            for window in self._windows(use.voucher.holder, use.store, use.at):
                counts[window] += 1
                fens[window] += sum(use.left.values())
        return counts, fens

    @staticmethod
    def _windows(holder: str, store: str, at: datetime) -> list[Window]:
        return [
            (LimitKind.RESIDENT_DAY, holder, day_of(at)),
            (LimitKind.RESIDENT_CAMPAIGN, holder, None),
            (LimitKind.STORE_MINUTE, store, at.replace(second=0, microsecond=0)),
        ]

    def live(self) -> list[Use]:
        """Redemptions that stand."""
        return [use for use in self.uses if use.is_live]

    def in_state(self, state: RedemptionState) -> list[Use]:
        return [use for use in self.uses if use.state == state]

    def states(self) -> dict[int, int]:
        """Voucher states by id."""
        return {voucher.id: voucher.state.value for voucher in self.vouchers}

    def use(self, order: Order, redemption_id: int) -> Use:
        """The order was redeemed, or authorised."""
        tier = order.voucher.batch.tier
        made = Use(
            id=redemption_id,
            voucher=order.voucher,
            order_no=order.order_no,
            store=order.store,
            at=self.now,
            amount_fen=order.amount_fen,
            split=shared(tier.discount_fen(order.amount_fen), tier.split),
        )
        self.look_at(order, made)
        made.is_held = made.is_to_be_held and order.capture
        if order.code:
            order.code.is_used = True
        if not order.capture:
            made.state = RedemptionState.AUTHORISED
            made.capture_before = self.now + AUTHORISED_FOR
        used = VoucherState.REDEEMED if order.capture else VoucherState.AUTHORISED
        made.voucher.state = used
        self.uses.append(made)
        return made

    def may_capture(self, use: Use) -> bool:
        """Whether it is still only authorised, and its time is not over."""
        is_authorised = use.state == RedemptionState.AUTHORISED
        return is_authorised and use.capture_before is not None and self.now < use.capture_before

    def capture(self, use: Use, amount_fen: int) -> bool:
        """The final order is given; whether anything of the subsidy stays."""
        if use.tier.refusal_of(amount_fen):
            self.give_up(use, RedemptionState.VOIDED)
            return False
        discount_fen = min(use.discount_fen, use.tier.discount_fen(amount_fen))
        use.split = shared(discount_fen, use.split)
        use.amount_fen = amount_fen
        use.state, use.is_held = RedemptionState.CAPTURED, use.is_to_be_held
        use.voucher.state = VoucherState.REDEEMED
        return True

    @staticmethod
    def give_up(use: Use, state: RedemptionState) -> None:
        """The redemption is undone; its voucher is in its holder's hand again."""
        use.state, use.voucher.state, use.is_held = state, VoucherState.ISSUED, False
