"""Tills: redeem or authorise in batches, capture the final order, ask again."""

from functools import partial
from typing import Any

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.properties.machine.ground import Sent, pick
from tests.properties.machine.hands import Hands
from tests.support.presenting import presented
from tests.support.reference_model import Code, Order, Use, Voucher
from tests.support.small_city import SHUT, good_orders, orders, which
from tests.support.till import captured, decoded, order, redeem, till_of
from vouchers.models import Redemption
from vouchers.models import Voucher as VoucherRow
from vouchers.services.acts import Answer
from vouchers.services.redemption import RedeemRequest
from vouchers.states import RedemptionState, VoucherState


class Tills(Hands):
    """What tills send, and what they must hear."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[tuple[RedeemRequest, Order, Answer]] = []

    @rule(batch=st.lists(good_orders, min_size=1, max_size=4))
    def redeem_as_one_should(self, batch: list[tuple[Any, ...]]) -> None:
        self.redeem(batch)

    @rule(batch=st.lists(orders, min_size=1, max_size=5))
    def redeem(self, batch: list[tuple[Any, ...]]) -> None:
        """A batch of orders, some sent before, some changed since, some with a used number."""
        sent = [self._request(*picks) for picks in batch]
        answers = redeem(requests=[request for request, _ in sent])
        for (request, wanted), answer in zip(sent, answers, strict=True):
            self._compare(request, wanted, answer)

    def plain_order(self, voucher: Voucher, store: str = "nanjing_road", no: str = "") -> Order:
        """Its holder shows a voucher, as the campaign asks, on an order that is large enough."""
        code = self._fresh_code(voucher) if self.model.asks_for_presence else None
        no = no or self.number("order")
        return Order(voucher, voucher.holder, store, no, 20_006, code=code)

    def redeem_one(self, wanted: Order) -> None:
        """One order by itself, under a key of its own."""
        request = self._body(wanted, self.number("key"))
        (answer,) = redeem(requests=[request])
        self._compare(request, wanted, answer)

    def _request(
        self,
        voucher: int,
        by_holder: bool,
        store: str,
        amount_fen: int,
        capture: bool,
        how: str,
        earlier: int,
        way: str,
    ) -> tuple[RedeemRequest, Order]:
        chosen = pick(self.in_hand_last(), voucher)
        shopper = chosen.holder if by_holder else self.another(chosen)
        key = number = self.number("order")
        if self.answers and how != "new":
            request, before, _ = pick(self.answers, earlier)
            if how == "replay":
                return request, before
            if how == "changed":
                key, number = request.key, f"{number} changed"
            else:
                store, number = before.store, before.order_no.swapcase()
        is_presented = self.model.asks_for_presence if way == "as asked" else way == "presented"
        code = self._fresh_code(chosen) if is_presented else None
        wanted = Order(chosen, shopper, store, number, amount_fen, capture, code)
        return self._body(wanted, key), wanted

    def in_hand_last(self) -> list[Voucher]:
        """Every voucher, those in hand last: they are picked first."""
        return sorted(self.model.vouchers, key=lambda it: it.state == VoucherState.ISSUED)

    @staticmethod
    def another(voucher: Voucher) -> str:
        """A resident who is not its holder."""
        return "alice" if voucher.holder == "bob" else "bob"

    def _fresh_code(self, voucher: Voucher) -> Code | None:
        """A code by its holder, if one is to be had just now."""
        may = self.model.presenting_verdict(voucher, voucher.holder) == "yes"
        return self.make_code(voucher, voucher.holder) if may else None

    def make_code(self, voucher: Voucher, shower: str) -> Code:
        """A code in the engine and in the model."""
        row = VoucherRow.objects.get(pk=voucher.id)
        digits = presented(row, self.people[shower], at=self.model.now)
        return self.model.present(voucher, digits)

    def _body(self, wanted: Order, key: str, *, is_named: bool = True) -> RedeemRequest:
        place, code = self.stores[wanted.store], wanted.code
        return order(
            code.digits if code else VoucherRow.objects.get(pk=wanted.voucher.id),
            place,
            self.people[wanted.shopper] if is_named else None,
            amount_fen=wanted.amount_fen,
            order_no=wanted.order_no,
            capture=wanted.capture,
            key=key,
            at=self.model.now,
            caller=till_of(place),
        )

    def _compare(self, request: RedeemRequest, wanted: Order, answer: Answer) -> None:
        known = {it.key: (it.fingerprint, said) for it, _, said in self.answers}
        status, body = decoded(answer)
        if request.key in known:
            fingerprint, said = known[request.key]
            if fingerprint == request.fingerprint:
                assert (answer.status, answer.body) == (said.status, said.body)
                assert answer.is_replay
            else:
                assert body["code"] == "idempotency_key_reused"
            return
        assert not answer.is_replay
        verdict = self.model.verdict(wanted, SHUT)
        hypothesis.event(f"{'redeem' if wanted.capture else 'authorise'}: {verdict}")
        assert body.get("code", "yes") == verdict
        if verdict == "yes":
            assert status == 201
            self._accepted(self.model.use(wanted, body["id"]), body)
        elif verdict == "risk_refused":
            self.model.note_risk_refusal()
        self.answers.append((request, wanted, answer))

    @staticmethod
    def _accepted(use: Use, body: dict[str, Any]) -> None:
        assert body["state"] == use.state.name.lower()
        assert {it["source"]: it["fen"] for it in body["by_source"]} == use.split
        assert body["payable_fen"] == use.paid_fen >= 1

    @precondition(lambda self: self.model.in_state(RedemptionState.AUTHORISED))
    @rule(which=which, same=st.booleans(), percent=st.sampled_from([100, 100, 50, 120, 10, 1]))
    def capture_what_waits(self, which: int, same: bool, percent: int) -> None:
        """The final order: as authorised, smaller, larger, or below the threshold."""
        use = pick(self.model.in_state(RedemptionState.AUTHORISED), which)
        self.capture(self.model.uses.index(use), 100 if same else percent)

    @precondition(lambda self: self.model.uses)
    @rule(number=which, percent=st.sampled_from([100, 60]))
    def capture(self, number: int, percent: int) -> None:
        """A capture of anything, authorised or not, in time or not."""
        use = self.model.uses[number % len(self.model.uses)]
        amount_fen = max(1, use.amount_fen * percent // 100)
        send = partial(
            captured,
            Redemption(pk=use.id),
            caller=till_of(self.stores[use.store]),
            at=self.model.now,
            key=self.number("capture"),
        )
        answer = send(amount_fen=amount_fen)
        status, body = decoded(answer)
        if not self.model.may_capture(use):
            hypothesis.event("capture: refused")
            assert body["code"] == "redemption_state"
        else:
            stays = self.model.capture(use, amount_fen)
            hypothesis.event(f"capture: {'whole or part' if stays else 'nothing'}")
            assert (status, body["state"]) == (200, use.state.name.lower())
            if stays:
                assert body["discount_fen"] == use.discount_fen
        self.note(
            answer,
            partial(send, amount_fen=amount_fen),
            partial(send, amount_fen=amount_fen + 1),
        )

    def note(self, answer: Answer, again: Any, changed: Any) -> None:
        """Remember what was said, to ask again later, and what else to ask under the same key."""
        self.sent.append(Sent(answer, again, changed))

    @precondition(lambda self: self.sent)
    @rule(which=which)
    def send_again(self, which: int) -> None:
        """The same request as before: the same bytes, and nothing moves."""
        sent = pick(self.sent, which)
        answer = sent.again()
        assert (answer.status, answer.body) == (sent.answer.status, sent.answer.body)
        assert answer.is_replay

    @precondition(lambda self: self.sent)
    @rule(which=which)
    def send_again_changed(self, which: int) -> None:
        """Another request under the same key is refused."""
        changed = [sent.changed for sent in self.sent if sent.changed]
        if changed:
            assert decoded(pick(changed, which)())[1]["code"] == "idempotency_key_reused"
