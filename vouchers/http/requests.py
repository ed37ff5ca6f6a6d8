"""What a till sends, parsed once for both doors, and the fingerprint that tells requests apart."""

import re
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Any, ClassVar

import msgspec

from merchants.auth import Caller
from merchants.errors import Refused
from merchants.references import FORM_TEXT, FORM_TEXT_ZH, folded, is_reference
from vouchers.rules.issuing.codes import LENGTH as CODE_DIGITS
from vouchers.rules.issuing.codes import is_code, typed
from vouchers.services.redemption.requests import (
    AmountFen,
    CaptureRequest,
    Currency,
    EligibleFen,
    MerchantCode,
    Name,
    RedeemOrder,
    RedeemRequest,
    RefundRequest,
    ReverseRequest,
    StoreNo,
    VoidRequest,
)

KEY_MAX_LENGTH = 255
BODY_MAX_BYTES = 64 * 1024
# Deeper nesting is refused before it is read: how deep a reader may go differs from door to door.
NESTING_MAX = 64
UTF8 = frozenset({"utf-8", "utf8"})
NUL_IN_JSON = b"\\u0000"
"""The one way to write it: JSON allows no control character as it is."""


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
    """The request that both doors make of a call. Refuses a missing key and a malformed body."""
    checked = check_key(key)
    order = parse_redeem(body)
    if not order.capture:
        raise Refused(
            "malformed_request",
            problem="a voucher can only be captured in the act that redeems it",
            problem_zh="仅支持一次完成核销，capture 须为 true",
            field="$.capture",
        )
    return RedeemRequest(
        caller=caller,
        key=checked,
        order=order,
        fingerprint=fingerprint("POST", path, body),
        at=at,
    )


def capture_request(
    *, caller: Caller, key: str, path: str, body: bytes, at: datetime, redemption_id: int
) -> CaptureRequest:
    """A call as `capture` takes it. Refuses a missing key and a malformed body."""
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


def void_request(
    *, caller: Caller, key: str, path: str, body: bytes, at: datetime, redemption_id: int
) -> VoidRequest:
    """A void as `void` takes it; its body is ignored, if it is JSON. Refuses a missing key."""
    return VoidRequest(
        caller=caller,
        key=check_key(key),
        fingerprint=fingerprint("POST", path, body),
        at=at,
        redemption_id=redemption_id,
    )


def reverse_request(
    *, caller: Caller, key: str, path: str, body: bytes, at: datetime
) -> ReverseRequest:
    """A call as `reverse` takes it. Refuses a missing key and a malformed body."""
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
    """A call as `refund` takes it. Refuses a missing key and a malformed body."""
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
    """The refusal of a body that is not read to its end."""
    return malformed(f"the body is larger than {BODY_MAX_BYTES} bytes")


def check_media_type(content_type: str | None, body: bytes) -> None:
    """Refuses `unsupported_media_type` for a body that says it is not JSON in UTF-8; a body without
    a type is taken as JSON."""
    if not body or not content_type:
        return
    media_type, *parameters = (part.strip().lower() for part in content_type.split(";"))
    is_json = media_type == "application/json"
    charsets = [part for part in parameters if part.startswith("charset=")]
    is_utf8 = all(part.removeprefix("charset=").strip('"') in UTF8 for part in charsets)
    if not is_json or not is_utf8:
        raise Refused("unsupported_media_type", content_type=content_type[:80])


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
