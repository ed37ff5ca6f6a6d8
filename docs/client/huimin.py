"""A client of the calls of a till. It needs httpx alone: copy it, or write your own after it.

Every act is sent under a key until there is an answer, so that doing it twice is doing it once.
Amounts are whole fen.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import httpx

REDEMPTIONS = "/api/v1/redemptions"
PAUSES_S = (0.0, 1.0, 2.0, 4.0)
"""Before each time an act is sent; together with the waiting about as long as a customer waits."""
TIMEOUT = httpx.Timeout(5, connect=2)

NOT_KEPT = frozenset({"busy", "request_in_flight"})

Json = dict[str, Any]


class Refused(Exception):
    """The service's answer is no. `title` and `title_zh` are for the cashier, `code` is for you."""

    def __init__(self, problem: Json) -> None:
        self.code: str = problem["code"]
        self.rule: str = problem["rule"]
        self.title: str = problem["title"]
        self.title_zh: str = problem["title_zh"]
        self.facts: Json = problem["facts"]
        # Nothing is kept under the key: the same request under it may still be done.
        self.is_final = self.code not in NOT_KEPT
        super().__init__(self.title)


class OutcomeUnknown(Exception):
    """No answer so far: the act may have been done, or may still be."""


@dataclass(frozen=True, slots=True)
class Order:
    """An order and the voucher shown for it. `occurred_at`: when it was taken, if offline."""

    voucher: str
    store: str
    order_no: str
    order_amount_fen: int
    resident: str
    receipt_no: str = ""
    payment_ref: str = ""
    occurred_at: str | None = None

    def body(self) -> Json:
        """As it is sent: without what is empty."""
        return {name: value for name, value in asdict(self).items() if value}


@dataclass(frozen=True, slots=True)
class Redemption:
    """What the customer gets, and still pays. `id` belongs on the receipt."""

    id: int
    state: str
    discount_fen: int
    payable_fen: int

    @classmethod
    def of(cls, body: Json) -> "Redemption":
        """From an answer; what it has beside these fields is ignored."""
        return cls(body["id"], body["state"], body["discount_fen"], body["payable_fen"])


class Client:
    """The calls of a till with one key. Use it as a context manager, or close it."""

    def __init__(self, address: str, key: str, *, pauses_s: Sequence[float] = PAUSES_S) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        self._http = httpx.Client(base_url=address, headers=headers, timeout=TIMEOUT)
        self._pauses_s = pauses_s

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def quote_fen(self, order: Order) -> int:
        """The discount that the voucher would give just now; nothing is done. Raises Refused."""
        fen: int = self._act("/quote", order.body())["discount_fen"]
        return fen

    def redeem(self, order: Order, *, key: str) -> Redemption:
        """Use the voucher. Raises Refused, OutcomeUnknown."""
        return Redemption.of(self._act("", order.body(), key))

    def authorise(self, order: Order, *, key: str) -> Redemption:
        """Set the discount aside until a capture or a void. Raises Refused, OutcomeUnknown."""
        return Redemption.of(self._act("", order.body() | {"capture": False}, key))

    def capture(
        self, redemption_id: int, *, order_amount_fen: int, payment_ref: str = "", key: str
    ) -> Redemption:
        """Make an authorisation final on the order as it was paid; the state is `voided` where that
        order earns no discount. Raises Refused, OutcomeUnknown."""
        final: Json = {"order_amount_fen": order_amount_fen}
        if payment_ref:
            final["payment_ref"] = payment_ref
        return Redemption.of(self._act(f"/{redemption_id}/capture", final, key))

    def void(self, redemption_id: int, *, key: str) -> None:
        """Undo a redemption of today. Raises Refused, OutcomeUnknown."""
        self._act(f"/{redemption_id}/void", {}, key)

    def reverse(self, *, store: str, order_no: str, key: str) -> bool:
        """Make sure that the order has no redemption, now or later; whether there was one. Raises
        Refused, OutcomeUnknown."""
        answer = self._act("/reverse", {"store": store, "order_no": order_no}, key)
        return answer["id"] is not None

    def refund(
        self, redemption_id: int, *, store: str, amount_fen: int, refund_no: str, key: str
    ) -> int:
        """Record that the customer got money back; returns the part of the discount that goes back
        to the city, in fen. Raises Refused, OutcomeUnknown."""
        body = {"store": store, "amount_fen": amount_fen, "refund_no": refund_no}
        fen: int = self._act(f"/{redemption_id}/refunds", body, key)["clawback_fen"]
        return fen

    def find(self, **numbers: str) -> list[Redemption]:
        """Redemptions by `order_no`, `receipt_no`, `payment_ref` or `idempotency_key`."""
        answer = self._http.get(REDEMPTIONS, params=numbers)
        if answer.is_error:
            raise Refused(answer.json())
        return [Redemption.of(body) for body in answer.json()]

    def redeem_all(self, orders: Sequence[tuple[str, Order]]) -> list[Redemption | Refused]:
        """Up to 500 orders with their keys: by order a redemption or a refusal. Raises Refused,
        OutcomeUnknown."""
        lines = [{**order.body(), "idempotency_key": key} for key, order in orders]
        verdicts = self._act("/batch", {"redemptions": lines})["redemptions"]
        return [
            Redemption.of(verdict["body"]) if verdict["status"] < 400 else Refused(verdict["body"])
            for verdict in verdicts
        ]

    def _act(self, path: str, body: Json, key: str = "") -> Json:
        """The answer to an act, sent again under its key until there is one."""
        headers = {"Idempotency-Key": key} if key else {}
        for pause_s in self._pauses_s:
            time.sleep(pause_s)
            try:
                answer = self._http.post(REDEMPTIONS + path, json=body, headers=headers)
            except httpx.TransportError:
                continue
            if answer.status_code >= 500:
                continue
            found: Json = answer.json()
            if not answer.is_error:
                return found
            refused = Refused(found)
            if refused.is_final:
                raise refused
        raise OutcomeUnknown
