"""What tills do at once: redeem, authorise, capture, void, reverse, refund."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.support.concurrency.client_acts import YES, Figures, Place, Said, the, use_of
from tests.support.reference_model import Model, Order
from tests.support.small_city import SHUT
from tests.support.till import (
    captured,
    decoded,
    order,
    redeem,
    refunded,
    reversed_,
    till_of,
    voided,
)
from vouchers.models import Redemption
from vouchers.models import Refund as RefundRow
from vouchers.models import Voucher as VoucherRow
from vouchers.services.acts import Answer


def of_till(answer: Answer, key: str, figures_of: Callable[[dict[str, Any]], Figures]) -> Said:
    """A till's answer as it counts here."""
    _, body = decoded(answer)
    code = body.get("code", YES) if answer.status >= 400 else YES
    figures = figures_of(body) if code == YES else {}
    return Said(code, figures, f"vouchers_requestrecord INSERT {key}" if code == YES else "")


@dataclass(frozen=True, slots=True)
class Redeem:
    """A voucher is shown on an order, to be captured at once or later."""

    place: Place
    voucher: VoucherRow
    holder: str
    store: str
    order_no: str
    amount_fen: int
    capture: bool
    key: str
    at: datetime

    def do(self) -> Said:
        store = self.place.stores[self.store]
        request = order(
            self.voucher,
            store,
            self.place.people[self.holder],
            amount_fen=self.amount_fen,
            order_no=self.order_no,
            capture=self.capture,
            key=self.key,
            at=self.at,
            caller=till_of(store),
        )
        (answer,) = redeem(requests=[request])
        return of_till(
            answer,
            self.key,
            lambda body: {
                "id": body["id"],
                "split": {share["source"]: share["fen"] for share in body["by_source"]},
            },
        )

    def _order(self, model: Model) -> Order:
        voucher = the(model.vouchers, lambda it: it.id == self.voucher.pk)
        return Order(voucher, self.holder, self.store, self.order_no, self.amount_fen, self.capture)

    def verdict(self, model: Model) -> str:
        model.now = self.at
        return model.verdict(self._order(model), SHUT)

    def happen(self, model: Model, said: Said) -> Figures:
        redemption_id = said.figures["id"]
        assert isinstance(redemption_id, int)
        use = model.use(self._order(model), redemption_id)
        return {"id": redemption_id, "split": dict(use.split)}


@dataclass(frozen=True, slots=True)
class Capture:
    """The final order of an authorisation."""

    place: Place
    redemption_id: int
    store: str
    amount_fen: int
    key: str
    at: datetime

    def do(self) -> Said:
        answer = captured(
            Redemption(pk=self.redemption_id),
            caller=till_of(self.place.stores[self.store]),
            amount_fen=self.amount_fen,
            at=self.at,
            key=self.key,
        )
        return of_till(answer, self.key, lambda body: {"discount_fen": body["discount_fen"]})

    def verdict(self, model: Model) -> str:
        model.now = self.at
        return YES if model.may_capture(use_of(model, self.redemption_id)) else "redemption_state"

    def happen(self, model: Model, said: Said) -> Figures:
        use = use_of(model, self.redemption_id)
        stays = model.capture(use, self.amount_fen)
        return {"discount_fen": use.discount_fen if stays else 0}


@dataclass(frozen=True, slots=True)
class Void:
    """A redemption is taken back."""

    place: Place
    redemption_id: int
    store: str
    key: str
    at: datetime

    def do(self) -> Said:
        answer = voided(
            Redemption(pk=self.redemption_id),
            caller=till_of(self.place.stores[self.store]),
            at=self.at,
            key=self.key,
        )
        return of_till(
            answer,
            self.key,
            lambda body: {"fen": body["returned_fen"], "usable": body["voucher_usable"]},
        )

    def verdict(self, model: Model) -> str:
        model.now = self.at
        return YES if model.may_undo(use_of(model, self.redemption_id)) else "redemption_state"

    def happen(self, model: Model, said: Said) -> Figures:
        use = use_of(model, self.redemption_id)
        model.void(use)
        is_over = model.is_over or use.voucher.batch.is_over(self.at)
        return {"fen": use.discount_fen, "usable": not is_over}


@dataclass(frozen=True, slots=True)
class Reverse:
    """An order shall not have been, whether it was or not."""

    place: Place
    store: str
    order_no: str
    key: str
    at: datetime

    def do(self) -> Said:
        store = self.place.stores[self.store]
        answer = reversed_(store, self.order_no, caller=till_of(store), at=self.at, key=self.key)
        return of_till(answer, self.key, lambda body: {"fen": body["returned_fen"]})

    def verdict(self, model: Model) -> str:
        model.now = self.at
        use = model.use_on(self.store, self.order_no)
        is_free = use is None or (self.store, self.order_no.upper()) in model.tombstones
        return YES if is_free or (use and model.may_undo(use)) else "redemption_state"

    def happen(self, model: Model, said: Said) -> Figures:
        use = model.use_on(self.store, self.order_no)
        model.reverse(self.store, self.order_no)
        return {"fen": use.discount_fen if use else 0}


@dataclass(frozen=True, slots=True)
class Refund:
    """The shopper gets money back, at a store of the merchant."""

    place: Place
    redemption_id: int
    store: str
    amount_fen: int
    key: str
    at: datetime

    def do(self) -> Said:
        store = self.place.stores[self.store]
        answer = refunded(
            Redemption.objects.get(pk=self.redemption_id),
            caller=till_of(store),
            amount_fen=self.amount_fen,
            store=store,
            refund_no=self.key,
            at=self.at,
            key=self.key,
        )
        return of_till(
            answer,
            self.key,
            lambda body: {
                "parts": {share["source"]: share["fen"] for share in body["by_source"]},
                "usable": body["voucher_usable"],
                "id": RefundRow.objects.get(refund_no=self.key).pk,
            },
        )

    def verdict(self, model: Model) -> str:
        model.now = self.at
        return model.refund_verdict(use_of(model, self.redemption_id), self.amount_fen)

    def happen(self, model: Model, said: Said) -> Figures:
        refund, usable = model.refund(use_of(model, self.redemption_id), self.amount_fen)
        number = said.figures["id"]
        assert isinstance(number, int)
        refund.id = number
        return {"parts": dict(refund.parts), "usable": usable, "id": number}
