"""A client of the calls of a till and of a merchant's accounts; `channel` has those of a channel
app. It needs httpx alone: copy it, or write your own after it.

Every act is sent under a key until there is an answer, so that doing it twice is doing it once.
Amounts are whole fen.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Self, TypeVar, cast

import httpx

API = "/api/v1"
REDEMPTIONS = "/redemptions"
PAUSES_S = (0.0, 1.0, 2.0, 4.0)
"""Before each time an act is sent; together with the waiting about as long as a customer waits."""
TIMEOUT = httpx.Timeout(5, connect=2)

NOT_KEPT = frozenset({"busy", "request_in_flight"})

Json = dict[str, Any]
Kind = TypeVar("Kind")


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
    """An order and the voucher shown for it. `resident` is sent with a printed code only, and
    `id_digits` with a paper; what is empty is not sent. `occurred_at`: when it was taken, if
    offline."""

    voucher: str
    store: str
    order_no: str
    order_amount_fen: int
    resident: str = ""
    receipt_no: str = ""
    payment_ref: str = ""
    occurred_at: str | None = None
    # What of it the voucher may be used on; all of it, if it isn't named.
    eligible_amount_fen: int | None = None
    id_digits: str = ""
    # Code of the merchant, where several of the key's have a store of the number.
    merchant: str = ""
    order_kind: str = ""
    category: str = ""
    terminal: str = ""
    device: str = ""
    # Where the voucher is shown, in degrees of the datum named: all three or none.
    longitude: float | None = None
    latitude: float | None = None
    datum: str = ""

    def body(self) -> Json:
        """As it is sent."""
        return filled(asdict(self))


@dataclass(frozen=True, slots=True)
class Share:
    """One payer's part of a discount."""

    source: str
    fen: int


@dataclass(frozen=True, slots=True)
class Redemption:
    """What the customer gets, and still pays. `id` belongs on the receipt."""

    id: int
    state: str
    discount_fen: int
    by_source: tuple[Share, ...]
    payable_fen: int
    # Of one that is authorised: until when it may be captured.
    expires_at: str | None = None

    @classmethod
    def of(cls, body: Json) -> "Redemption":
        """From an answer."""
        shares = tuple(Share(**share) for share in body["by_source"])
        return read(cls, body | {"by_source": shares})


@dataclass(frozen=True, slots=True)
class Settlement:
    """What one payer owes a merchant for a business day. `sha256` is that of its file."""

    id: int
    campaign: str
    merchant: str
    source: str
    business_day: str
    line_count: int
    total_fen: int
    sha256: str
    state: str
    closed_at: str
    paid_at: str | None = None


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A till with its key, which is said this once."""

    key: str
    merchant: str
    store: str
    terminal: str
    scopes: list[str]
    is_test: bool


def read(kind: type[Kind], body: Json) -> Kind:
    """An answer by the names of the fields; what it has beside them is ignored."""
    names = {field.name for field in fields(cast(Any, kind))}
    return kind(**{name: value for name, value in body.items() if name in names})


def filled(body: Json) -> Json:
    """A body without what is empty."""
    return {name: value for name, value in body.items() if value not in ("", None)}


class Connection:
    """Calls with one key. Use it as a context manager, or close it."""

    def __init__(
        self,
        address: str,
        key: str,
        *,
        pauses_s: Sequence[float] = PAUSES_S,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._http = httpx.Client(
            base_url=address + API,
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=TIMEOUT,
            transport=transport,
        )
        self._pauses_s = pauses_s

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _act(self, method: str, path: str, body: Json | None = None, key: str = "") -> Any:
        """What an act is answered, sent again under its key until it is."""
        headers = {"Idempotency-Key": key} if key else {}
        answer = self._sent(method, path, json=body, headers=headers)
        return answer.json() if answer.content else None

    def _get(self, path: str, parameters: Json) -> Any:
        """What a question is answered."""
        return self._sent("GET", path, params=filled(parameters)).json()

    def _sent(self, method: str, path: str, **content: Any) -> httpx.Response:
        """The answer, if it is not a refusal. Raises Refused, OutcomeUnknown."""
        for pause_s in self._pauses_s:
            time.sleep(pause_s)
            try:
                answer = self._http.request(method, path, **content)
            except httpx.TransportError:
                continue
            if answer.status_code >= 500:
                continue
            if not answer.is_error:
                return answer
            refused = Refused(answer.json())
            if refused.is_final:
                raise refused
        raise OutcomeUnknown


class Client(Connection):
    """The calls of a till, and of a merchant's accounts."""

    def quote_fen(self, order: Order) -> int:
        """The discount that the voucher would give just now; nothing is done. Raises Refused."""
        fen: int = self._act("POST", f"{REDEMPTIONS}/quote", order.body())["discount_fen"]
        return fen

    def redeem(self, order: Order, *, key: str) -> Redemption:
        """Use the voucher. Raises Refused, OutcomeUnknown."""
        return Redemption.of(self._act("POST", REDEMPTIONS, order.body(), key))

    def authorise(self, order: Order, *, key: str) -> Redemption:
        """Set the discount aside until a capture or a void. Raises Refused, OutcomeUnknown."""
        body = order.body() | {"capture": False}
        return Redemption.of(self._act("POST", REDEMPTIONS, body, key))

    def capture(
        self,
        redemption_id: int,
        *,
        order_amount_fen: int,
        eligible_amount_fen: int | None = None,
        payment_ref: str = "",
        receipt_no: str = "",
        key: str,
    ) -> Redemption:
        """Make an authorisation final on the order as it was paid; the state is `voided` where that
        order earns no discount. Raises Refused, OutcomeUnknown."""
        final = {
            "order_amount_fen": order_amount_fen,
            "eligible_amount_fen": eligible_amount_fen,
            "payment_ref": payment_ref,
            "receipt_no": receipt_no,
        }
        path = f"{REDEMPTIONS}/{redemption_id}/capture"
        return Redemption.of(self._act("POST", path, filled(final), key))

    def void(self, redemption_id: int, *, key: str) -> None:
        """Undo a redemption of today. Raises Refused, OutcomeUnknown."""
        self._act("POST", f"{REDEMPTIONS}/{redemption_id}/void", {}, key)

    def reverse(self, *, store: str, order_no: str, merchant: str = "", key: str) -> bool:
        """Make sure that the order has no redemption, now or later; whether there was one. Raises
        Refused, OutcomeUnknown."""
        body = filled({"store": store, "order_no": order_no, "merchant": merchant})
        answer = self._act("POST", f"{REDEMPTIONS}/reverse", body, key)
        return answer["id"] is not None

    def refund(
        self,
        redemption_id: int,
        *,
        store: str,
        amount_fen: int,
        refund_no: str,
        merchant: str = "",
        key: str,
    ) -> int:
        """Record that the customer got money back; returns the part of the discount that goes back
        to the city, in fen. Raises Refused, OutcomeUnknown."""
        body = {
            "store": store,
            "amount_fen": amount_fen,
            "refund_no": refund_no,
            "merchant": merchant,
        }
        path = f"{REDEMPTIONS}/{redemption_id}/refunds"
        fen: int = self._act("POST", path, filled(body), key)["clawback_fen"]
        return fen

    def redemption(self, redemption_id: int) -> Redemption:
        """One as it stands now. Raises Refused, OutcomeUnknown."""
        return Redemption.of(self._get(f"{REDEMPTIONS}/{redemption_id}", {}))

    def find(self, **numbers: str) -> list[Redemption]:
        """Redemptions by `order_no`, `receipt_no`, `payment_ref` or `idempotency_key`, of a `store`
        or a `business_day`. Raises Refused, OutcomeUnknown."""
        return [Redemption.of(body) for body in self._get(REDEMPTIONS, numbers)]

    def settlements(
        self, *, campaign: str = "", merchant: str = "", business_day: str = "", after: int = 0
    ) -> list[Settlement]:
        """The merchant's settlements in the order they were made, 500 at most; then those `after`
        the last one's id. Raises Refused, OutcomeUnknown."""
        wanted = {
            "campaign": campaign,
            "merchant": merchant,
            "business_day": business_day,
            "after": after,
        }
        return [read(Settlement, body) for body in self._get("/settlements", wanted)]

    def settlement_file(self, settlement_id: int) -> bytes:
        """The file of a settlement: CSV in UTF-8. Raises Refused, OutcomeUnknown."""
        return self._sent("GET", f"/settlements/{settlement_id}/file").content

    def redeem_all(self, orders: Sequence[tuple[str, Order]]) -> list[Redemption | Refused]:
        """Up to 500 orders with their keys: by order a redemption or a refusal. Raises Refused,
        OutcomeUnknown."""
        lines = [{**order.body(), "idempotency_key": key} for key, order in orders]
        verdicts = self._act("POST", f"{REDEMPTIONS}/batch", {"redemptions": lines})["redemptions"]
        return [
            Redemption.of(verdict["body"]) if verdict["status"] < 400 else Refused(verdict["body"])
            for verdict in verdicts
        ]


class Enrolment(Connection):
    """What a till without a key may ask: for the one that its code stands for."""

    def __init__(self, address: str, *, transport: httpx.BaseTransport | None = None) -> None:
        # Once: the code is used up by the first answer, though it may be lost on its way.
        super().__init__(address, "", pauses_s=(0.0,), transport=transport)

    def enrol(self, code: str) -> Enrolled:
        """Give the one-time code for the till's key. Raises Refused, OutcomeUnknown."""
        return read(Enrolled, self._act("POST", "/terminals/enrol", {"code": code}))
