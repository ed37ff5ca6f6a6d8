"""Taking back: void, reverse (before and after the original), refund, lapse."""

from functools import partial

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.properties.machine.ground import pick
from tests.properties.machine.tills import Tills
from tests.support.reference_model import Use
from tests.support.small_city import STORES, which
from tests.support.till import decoded, refunded, reversed_, till_of, voided
from vouchers.models import Redemption
from vouchers.services.redemption import lapse_due
from vouchers.states import RedemptionState


class Undoing(Tills):
    """Rules of the machine that undo redemptions, whole or in part."""

    @precondition(lambda self: self.model.live())
    @rule()
    def void_the_last(self) -> None:
        self.void(self.model.uses.index(self.model.live()[-1]), False)

    @precondition(lambda self: self.model.uses)
    @rule(number=which, by_rival=st.sampled_from([False, False, False, True]))
    def void(self, number: int, by_rival: bool) -> None:
        """Void any redemption made so far; another merchant's till gets `not_found`."""
        use = self.model.uses[number % len(self.model.uses)]
        store = "rival_shop" if by_rival and use.store != "rival_shop" else use.store
        send = partial(
            voided, caller=till_of(self.stores[store]), at=self.model.now, key=self.number("void")
        )
        answer = send(Redemption(pk=use.id))
        status, body = decoded(answer)
        if store != use.store:
            assert body["code"] == "not_found"
            return
        may = self.model.may_undo(use)
        hypothesis.event(f"void: {use.state.name if may else 'refused'}")
        if may:
            self.model.void(use)
            is_over = self.model.is_over or use.voucher.batch.is_over(self.model.now)
            assert (status, body["returned_fen"]) == (200, use.discount_fen)
            assert body["voucher_usable"] == (not is_over)
        else:
            assert body["code"] == "redemption_state"
        self.note(answer, partial(send, Redemption(pk=use.id)), None)

    @precondition(lambda self: self.model.uses)
    @rule(number=which)
    def reverse_the_original(self, number: int) -> None:
        """By its order's number; whatever state it is in."""
        use = pick(self.model.uses, number)
        self._reverse(use.store, use.order_no)

    @rule(store=st.sampled_from(STORES[:2]))
    def reverse_before_the_original(self, store: str) -> None:
        """An order that has not arrived yet: it is refused when it does."""
        no = self.number("late")
        self._reverse(store, no)
        self.redeem_one(self.plain_order(self.model.vouchers[-1], store, no))

    def _reverse(self, store: str, order_no: str) -> None:
        send = partial(
            reversed_,
            self.stores[store],
            caller=till_of(self.stores[store]),
            at=self.model.now,
            key=self.number("reverse"),
        )
        answer = send(order_no)
        status, body = decoded(answer)
        before = self.model.use_on(store, order_no)
        stood = before if before and before.is_live else None
        done = self.model.reverse(store, order_no)
        hypothesis.event(f"reverse: {'refused' if not done else 'live' if stood else 'nothing'}")
        if done:
            assert (status, body["state"]) == (200, "reversed")
            assert body["returned_fen"] == (stood.discount_fen if stood else 0)
        else:
            assert body["code"] == "redemption_state"
        self.note(answer, partial(send, order_no), partial(send, f"{order_no}x"))

    # Refunds

    @precondition(lambda self: self.model.in_state(RedemptionState.CAPTURED))
    @rule(number=which)
    def refund_all(self, number: int) -> None:
        """Refund what the shopper paid and has not got back."""
        use = pick(self.model.in_state(RedemptionState.CAPTURED), number)
        self._refund(use, use.paid_fen - use.refunded_fen)

    @precondition(lambda self: self.model.uses)
    @rule(number=which, percent=st.sampled_from([1, 33, 50, 99, 101]))
    def refund_a_part(self, number: int, percent: int) -> None:
        """Refund part of any redemption made so far; sometimes more than the shopper paid."""
        use = pick(self.model.uses, number)
        self._refund(use, max(1, use.paid_fen * percent // 100))

    def _refund(self, use: Use, amount_fen: int) -> None:
        # Any store of the merchant may refund.
        place = "xujiahui" if use.store in STORES[:2] else use.store
        send = partial(
            refunded,
            Redemption.objects.get(pk=use.id),
            store=self.stores[place],
            refund_no=self.number("refund"),
            caller=till_of(self.stores[place], credential_id=self.stores[place].pk),
            at=self.model.now,
            key=self.number("key of refund"),
        )
        verdict = self.model.refund_verdict(use, amount_fen)
        answer = send(amount_fen=amount_fen)
        status, body = decoded(answer)
        late = "late " if use.settlements else ""
        hypothesis.event(f"{late}refund under {self.model.policy}: {verdict}")
        assert body.get("code", "yes") == verdict
        if verdict == "yes":
            made, comes_back = self.model.refund(use, amount_fen)
            hypothesis.event(f"{late}refund: {'voucher back' if comes_back else 'voucher used'}")
            assert status == 200
            assert body["clawback_fen"] == sum(made.parts.values())
            assert body["voucher_usable"] == comes_back
        self.note(
            answer,
            partial(send, amount_fen=amount_fen),
            partial(send, amount_fen=amount_fen + 1),
        )

    @precondition(lambda self: self.model.in_state(RedemptionState.AUTHORISED))
    @rule()
    def lapse(self) -> None:
        """The sweep voids what was not captured in time."""
        lapsed = self.model.lapse()
        hypothesis.event(f"lapse: {'some' if lapsed else 'none'}")
        assert lapse_due(at=self.model.now) == lapsed
