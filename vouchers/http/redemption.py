"""What a till sends of one redemption, parsed once for both doors."""

from datetime import datetime
from typing import ClassVar

import msgspec

from merchants.auth import Caller
from merchants.errors import Refused
from vouchers.http.places import wgs84
from vouchers.http.requests import (
    NUL_IN_JSON,
    check_key,
    check_references,
    check_text,
    decoded,
    fingerprint,
    malformed,
)
from vouchers.rules.issuing.codes import LENGTH as CODE_DIGITS
from vouchers.rules.issuing.codes import is_code, typed
from vouchers.rules.issuing.numbered_codes import LENGTH as NUMBERED_DIGITS
from vouchers.rules.issuing.numbered_codes import PAPER, is_numbered
from vouchers.services.redemption.requests import (
    AmountFen,
    CaptureRequest,
    Currency,
    EligibleFen,
    MerchantCode,
    Name,
    OrderNumber,
    RedeemOrder,
    RedeemRequest,
    RefundRequest,
    ReverseRequest,
    StoreNo,
    VoidRequest,
)


class FinalOrder(msgspec.Struct, frozen=True, gc=False):
    """Body of a capture: the order as it was paid. Amounts are fen."""

    order_amount_fen: AmountFen
    eligible_amount_fen: EligibleFen | None = None
    # Known once it is paid; empty: as they were authorised.
    payment_ref: OrderNumber = ""
    receipt_no: OrderNumber = ""
    currency: Currency = "CNY"

    references: ClassVar = ("payment_ref", "receipt_no")


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


REDEMPTIONS = "/api/v1/redemptions"
"""The address that a redemption's fingerprint names, whichever call it came by."""
QUOTES = f"{REDEMPTIONS}/quote"

CENTURY = range(2000, 2100)

_decode_order = msgspec.json.Decoder(RedeemOrder).decode
_decode_final = msgspec.json.Decoder(FinalOrder).decode
_decode_reversed = msgspec.json.Decoder(ReversedOrder).decode
_decode_refunded = msgspec.json.Decoder(RefundedMoney).decode


def redeem_request(
    *, caller: Caller, key: str, path: str, body: bytes, at: datetime
) -> RedeemRequest:
    """The request that both doors make of a call, and a batch of each line. Refuses a missing key
    and a malformed body."""
    return _order_request(caller=caller, key=check_key(key), path=path, body=body, at=at)


def quote_request(*, caller: Caller, body: bytes, at: datetime) -> RedeemRequest:
    """The request that redeeming would make of the body, under no key. Refuses a malformed one."""
    return _order_request(caller=caller, key="", path=QUOTES, body=body, at=at)


def _order_request(
    *, caller: Caller, key: str, path: str, body: bytes, at: datetime
) -> RedeemRequest:
    """The only place that makes one: what is judged of an order is the same in every call."""
    order = _parsed_order(body)
    return RedeemRequest(
        caller=caller,
        key=key,
        order=order,
        fingerprint=fingerprint("POST", path, body),
        at=at,
        shown_at=wgs84(order.longitude, order.latitude, order.datum),
    )


def capture_request(
    *, caller: Caller, key: str, path: str, body: bytes, at: datetime, redemption_id: int
) -> CaptureRequest:
    """A call as `capture` takes it. Refuses a missing key and a malformed body."""
    checked = check_key(key)
    order: FinalOrder = decoded(_decode_final, body)
    check_references(order, order.references)
    _check_eligible(order)
    return CaptureRequest(
        caller=caller,
        key=checked,
        fingerprint=fingerprint("POST", path, body),
        at=at,
        redemption_id=redemption_id,
        order_amount_fen=order.order_amount_fen,
        eligible_amount_fen=order.eligible_amount_fen,
        payment_ref=order.payment_ref,
        receipt_no=order.receipt_no,
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
    order: ReversedOrder = decoded(_decode_reversed, body)
    check_references(order, order.references)
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
    money: RefundedMoney = decoded(_decode_refunded, body)
    check_references(money, money.references)
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


def _parsed_order(body: bytes) -> RedeemOrder:
    """The order in `body`. Refuses `malformed_request`, naming the field."""
    order: RedeemOrder = decoded(_decode_order, body)
    check_references(order, order.references)
    if NUL_IN_JSON in body:
        check_text(order)
    _check_eligible(order)
    _check_time(order)
    return _with_typed_code(order)


def _with_typed_code(order: RedeemOrder) -> RedeemOrder:
    """The order with its voucher's code as the engine writes it. Refuses what has not its form, and
    a code without what has to be sent with it."""
    code = order.voucher if is_code(order.voucher) else typed_code(order.voucher, "$.voucher")
    if is_code(code) and order.resident is None:
        raise malformed("Object missing required field `resident` - at `$`")
    if code[0] == PAPER and is_numbered(code) and not order.id_digits:
        raise malformed("Object missing required field `id_digits` - at `$`")
    return order if code == order.voucher else msgspec.structs.replace(order, voucher=code)


def _check_time(order: RedeemOrder) -> None:
    """Refuse what no clock shows, so that every time can be said in every zone."""
    if order.occurred_at is not None and order.occurred_at.year not in CENTURY:
        raise malformed("occurred_at is not of this century - at `$.occurred_at`")


def typed_code(text: str, field: str) -> str:
    """A code as the engine writes it, printed, presented or of a paper. Refuses what has not the
    form of one."""
    code = typed(text)
    if is_code(code) or is_numbered(code):
        return code
    raise Refused(
        "malformed_request",
        problem=f"a voucher's code has {CODE_DIGITS} digits, a presented one {NUMBERED_DIGITS}",
        problem_zh=f"券码应为 {CODE_DIGITS} 位数字，动态码应为 {NUMBERED_DIGITS} 位",
        field=field,
    )


def _check_eligible(order: RedeemOrder | FinalOrder) -> None:
    eligible_fen = order.eligible_amount_fen
    if eligible_fen is not None and eligible_fen > order.order_amount_fen:
        raise malformed("eligible_amount_fen exceeds order_amount_fen - at `$.eligible_amount_fen`")
