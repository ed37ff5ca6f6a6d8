"""What a till sends, parsed once for both doors, and the fingerprint that tells requests apart."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import msgspec
from msgspec import Meta

from merchants.auth import Caller
from merchants.errors import Refused
from merchants.references import FORM_TEXT, FORM_TEXT_ZH, folded, is_reference
from vouchers.errors import CONTENT_TYPE
from vouchers.rules.issuing.codes import LENGTH as CODE_DIGITS
from vouchers.rules.issuing.codes import is_code, typed

MAX_AMOUNT_FEN = 100_000_000_00
KEY_MAX_LENGTH = 255
BODY_MAX_BYTES = 64 * 1024
# Deeper nesting is refused before it is read: how deep a reader may go differs from door to door.
NESTING_MAX = 64
NUL_IN_JSON = b"\\u0000"
"""The one way to write it: JSON allows no control character as it is."""

# Busy, and too fast for a limit. (A duplicate in flight answers 409 and says so by its code.)
RETRY_STATUSES = frozenset({429, 503})
UNAUTHENTICATED = 401

Text = Annotated[str, Meta(max_length=80)]
Name = Annotated[str, Meta(min_length=1, max_length=64)]
StoreNo = Annotated[str, Meta(min_length=1, max_length=40)]
# Empty unless several of the caller's merchants have a store of the number.
MerchantCode = Annotated[str, Meta(max_length=40)]
AmountFen = Annotated[int, Meta(ge=1, le=MAX_AMOUNT_FEN)]
EligibleFen = Annotated[int, Meta(ge=0, le=MAX_AMOUNT_FEN)]
# Every campaign's; amounts in another currency would be other amounts.
Currency = Literal["CNY"]


class RedeemOrder(msgspec.Struct, frozen=True, gc=False):
    """Body of `POST /redemptions`. Amounts are fen; fields not named here are ignored."""

    voucher: Name
    store: StoreNo
    order_no: Name
    order_amount_fen: AmountFen
    resident: Name
    merchant: MerchantCode = ""
    eligible_amount_fen: EligibleFen | None = None
    order_kind: Literal["in_store", "delivered"] = "in_store"
    category: Annotated[str, Meta(max_length=40)] = ""
    terminal: Annotated[str, Meta(max_length=40)] = ""
    device: Text = ""
    payment_ref: Annotated[str, Meta(max_length=64)] = ""
    receipt_no: Annotated[str, Meta(max_length=64)] = ""
    currency: Currency = "CNY"
    # False: the discount is only promised (预核销), until a capture tells the final order.
    capture: bool = True

    references: ClassVar = (
        "merchant",
        "store",
        "order_no",
        "resident",
        "terminal",
        "device",
        "payment_ref",
        "receipt_no",
    )


class FinalOrder(msgspec.Struct, frozen=True, gc=False):
    """Body of a capture: the order as it was paid. Amounts are fen."""

    order_amount_fen: AmountFen
    eligible_amount_fen: EligibleFen | None = None
    currency: Currency = "CNY"


class ReversedOrder(msgspec.Struct, frozen=True, gc=False):
    """Body of a reversal: which order of which store."""

    store: StoreNo
    order_no: Name
    merchant: MerchantCode = ""

    references: ClassVar = ("merchant", "store", "order_no")


class RefundedMoney(msgspec.Struct, frozen=True, gc=False):
    """Body of a refund: what the shopper got back of their own money, where, under which number."""

    store: StoreNo
    amount_fen: AmountFen
    refund_no: Name
    merchant: MerchantCode = ""
    currency: Currency = "CNY"

    references: ClassVar = ("merchant", "store", "refund_no")


@dataclass(frozen=True, slots=True)
class RedeemRequest:
    """One redemption asked for: by whom, under which key, when it arrived."""

    caller: Caller
    key: str
    fingerprint: bytes
    at: datetime
    order: RedeemOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class ActRequest:
    """A later act on a redemption asked for: by whom, under which key, when it arrived."""

    caller: Caller
    key: str
    fingerprint: bytes
    at: datetime

    @property
    def signature(self) -> str:
        """Who acts, where a name is written down."""
        return f"key {self.caller.credential_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidRequest(ActRequest):
    """A void asked for (撤销)."""

    redemption_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureRequest(ActRequest):
    """A capture asked for (确认核销). Amounts are the final order's, as `capture_request` has
    checked them; without an eligible amount the whole order is eligible."""

    redemption_id: int
    order_amount_fen: int
    eligible_amount_fen: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReverseRequest(ActRequest):
    """A reversal asked for (冲正), by the store's and the order's own numbers."""

    store: str
    order_no: str
    merchant: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequest(ActRequest):
    """A refund asked for (退款): what the shopper got of their own money, at which store, under
    which number of the merchant's."""

    redemption_id: int
    store: str
    amount_fen: int
    refund_no: str
    merchant: str = ""


class Answer(NamedTuple):
    """What goes back: HTTP status and body bytes, and whether they were given before."""

    status: int
    body: bytes
    is_replay: bool = False

    def headers(self) -> list[tuple[str, str]]:
        """Headers that go with it, the same through both doors."""
        is_refusal = self.status >= 400
        headers = [("Content-Type", CONTENT_TYPE if is_refusal else "application/json")]
        if self.is_replay:
            headers.append(("Idempotent-Replayed", "true"))
        if self.status in RETRY_STATUSES:
            headers.append(("Retry-After", "1"))
        if self.status == UNAUTHENTICATED:
            headers.append(("WWW-Authenticate", "Bearer"))
        return headers


_JSON_TEXT = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_JSON_BRACKET = re.compile(rb"[\[\]{}]")
_MISSING_FIELD = re.compile(r"missing required field `(\w+)`")

_decode_order = msgspec.json.Decoder(RedeemOrder).decode
_decode_final = msgspec.json.Decoder(FinalOrder).decode
_decode_reversed = msgspec.json.Decoder(ReversedOrder).decode
_decode_refunded = msgspec.json.Decoder(RefundedMoney).decode
_decode_any = msgspec.json.Decoder().decode
_encode_sorted = msgspec.json.Encoder(order="sorted").encode


def redeem_request(
    *, caller: Caller, key: str, path: str, body: bytes, at: datetime
) -> RedeemRequest:
    """The request both doors hand to `redeem`. Refuses a missing key and a malformed body."""
    return RedeemRequest(
        caller=caller,
        key=check_key(key),
        order=parse_redeem(body),
        fingerprint=fingerprint("POST", path, body),
        at=at,
    )


def capture_request(
    *, caller: Caller, key: str, path: str, body: bytes, at: datetime, redemption_id: int
) -> CaptureRequest:
    """What a till hands to `capture`. Refuses a missing key and a malformed body."""
    checked = check_key(key)
    order: FinalOrder = _decoded(_decode_final, body)
    _check_eligible(order)
    return CaptureRequest(
        caller=caller,
        key=checked,
        fingerprint=fingerprint("POST", path, body),
        at=at,
        redemption_id=redemption_id,
        order_amount_fen=order.order_amount_fen,
        eligible_amount_fen=order.eligible_amount_fen,
    )


def reverse_request(
    *, caller: Caller, key: str, path: str, body: bytes, at: datetime
) -> ReverseRequest:
    """What a till hands to `reverse`. Refuses a missing key and a malformed body."""
    checked = check_key(key)
    order: ReversedOrder = _decoded(_decode_reversed, body)
    _check_references(order)
    return ReverseRequest(
        caller=caller,
        key=checked,
        fingerprint=fingerprint("POST", path, body),
        at=at,
        store=order.store,
        order_no=order.order_no,
        merchant=order.merchant,
    )


def refund_request(
    *, caller: Caller, key: str, path: str, body: bytes, at: datetime, redemption_id: int
) -> RefundRequest:
    """What a till hands to `refund`. Refuses a missing key and a malformed body."""
    checked = check_key(key)
    money: RefundedMoney = _decoded(_decode_refunded, body)
    _check_references(money)
    return RefundRequest(
        caller=caller,
        key=checked,
        fingerprint=fingerprint("POST", path, body),
        at=at,
        redemption_id=redemption_id,
        store=money.store,
        amount_fen=money.amount_fen,
        refund_no=money.refund_no,
        merchant=money.merchant,
    )


def parse_redeem(body: bytes) -> RedeemOrder:
    """The order in `body`. Refuses `malformed_request`, naming the field."""
    order: RedeemOrder = _decoded(_decode_order, body)
    _check_references(order)
    if NUL_IN_JSON in body:
        _check_text(order)
    _check_eligible(order)
    return _with_typed_code(order)


def _with_typed_code(order: RedeemOrder) -> RedeemOrder:
    """The order with its voucher's code as the engine writes it. Refuses what has not its form."""
    code = order.voucher if is_code(order.voucher) else typed(order.voucher)
    if not is_code(code):
        raise Refused(
            "malformed_request",
            problem=f"a voucher's code has {CODE_DIGITS} digits",
            problem_zh=f"券码应为 {CODE_DIGITS} 位数字",
            field="$.voucher",
        )
    return order if code == order.voucher else msgspec.structs.replace(order, voucher=code)


def _check_eligible(order: RedeemOrder | FinalOrder) -> None:
    eligible_fen = order.eligible_amount_fen
    if eligible_fen is not None and eligible_fen > order.order_amount_fen:
        raise malformed("eligible_amount_fen exceeds order_amount_fen - at `$.eligible_amount_fen`")


def _decoded(decode: Callable[[bytes], Any], body: bytes) -> Any:
    if len(body) > BODY_MAX_BYTES:
        raise too_large()
    if body.count(b"[") + body.count(b"{") > NESTING_MAX and _nesting(body) > NESTING_MAX:
        raise malformed(f"the body is nested more than {NESTING_MAX} levels deep")
    try:
        return decode(body)
    except UnicodeDecodeError:
        raise malformed("the body is not UTF-8") from None
    except msgspec.DecodeError as error:
        raise malformed(str(error)) from None


def _nesting(body: bytes) -> int:
    """The most brackets open at once, outside of texts."""
    depth = deepest = 0
    for bracket in _JSON_BRACKET.findall(_JSON_TEXT.sub(b"", body)):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _check_references(order: RedeemOrder | ReversedOrder | RefundedMoney) -> None:
    """Refuse a number that breaks the rule of `merchants/references`, naming its field."""
    for name in order.references:
        value = getattr(order, name)
        if value and not is_reference(value):
            raise not_a_number(f"$.{name}")


def _check_text(order: RedeemOrder) -> None:
    """PostgreSQL stores every character but NUL."""
    for name in order.__struct_fields__:
        value = getattr(order, name)
        if isinstance(value, str) and "\x00" in value:
            raise malformed(f"the character NUL is not allowed - at `$.{name}`")


def malformed(problem: str) -> Refused:
    """The refusal of a body, with msgspec's own words and its path of the field."""
    sentence, _, path = problem.partition(" - at ")
    field = path.strip("`") or "$"
    if missing := _MISSING_FIELD.search(sentence):
        field = f"{field}.{missing[1]}"
    return Refused("malformed_request", problem=sentence, field=field)


def not_a_number(field: str) -> Refused:
    """The refusal of a number that breaks the rule of `merchants/references`."""
    return Refused("malformed_request", problem=FORM_TEXT, problem_zh=FORM_TEXT_ZH, field=field)


def too_large() -> Refused:
    """The refusal of a body that nobody goes on reading."""
    return malformed(f"the body is larger than {BODY_MAX_BYTES} bytes")


def check_key(key: str | None) -> str:
    """The idempotency key, folded. Refuses `idempotency_key_required`."""
    if not key or len(key) > KEY_MAX_LENGTH or not is_reference(key):
        raise Refused("idempotency_key_required")
    return folded(key)


def fingerprint(method: str, path: str, body: bytes) -> bytes:
    """SHA-256 of method, path and canonical JSON: key order and white space make no difference."""
    canonical = _encode_sorted(parse_json(body)) if body else b""
    return sha256(b"\n".join((method.encode(), path.encode(), canonical))).digest()


def parse_json(body: bytes) -> Any:
    """Any JSON value. Refuses `malformed_request`."""
    return _decoded(_decode_any, body)
