"""What a till asks for, as the verbs take it: parsed and within its bounds.

`RedeemOrder` declares bounds of its own, so that the edges decode straight into it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from vouchers.services.acts import ActRequest

MAX_AMOUNT_FEN = 100_000_000_00

Text = Annotated[str, Meta(max_length=80)]
Name = Annotated[str, Meta(min_length=1, max_length=64)]
StoreNo = Annotated[str, Meta(min_length=1, max_length=40)]
# Empty unless several of the caller's merchants have a store of the number.
MerchantCode = Annotated[str, Meta(max_length=40)]
OrderNumber = Annotated[str, Meta(max_length=64)]
AmountFen = Annotated[int, Meta(ge=1, le=MAX_AMOUNT_FEN)]
EligibleFen = Annotated[int, Meta(ge=0, le=MAX_AMOUNT_FEN)]
# Every campaign's; amounts in another currency would be other amounts.
Currency = Literal["CNY"]


class RedeemOrder(msgspec.Struct, frozen=True, gc=False):
    """The order a voucher is shown for. Amounts are fen."""

    voucher: Name
    store: StoreNo
    order_no: Name
    order_amount_fen: AmountFen
    # Who shows it. A presented code says so itself, and a paper is its holder's.
    resident: Name | None = None
    # With a paper: the last four of the holder's identity number.
    id_digits: Annotated[str, Meta(pattern=r"^[0-9]{3}[0-9Xx]$")] = ""
    merchant: MerchantCode = ""
    eligible_amount_fen: EligibleFen | None = None
    order_kind: Literal["in_store", "delivered"] = "in_store"
    category: Annotated[str, Meta(max_length=40)] = ""
    terminal: Annotated[str, Meta(max_length=40)] = ""
    device: Text = ""
    payment_ref: OrderNumber = ""
    receipt_no: OrderNumber = ""
    # Where the voucher is shown, in the datum named: all three or none.
    longitude: float | None = None
    latitude: float | None = None
    datum: Annotated[str, Meta(max_length=20)] = ""
    currency: Currency = "CNY"
    # When the till took the voucher, if it could not ask at once.
    occurred_at: Annotated[datetime, Meta(tz=True)] | None = None
    # False: the discount is only authorised (预核销), until a capture brings the final order.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeemRequest(ActRequest):
    """A redemption asked for (核销)."""

    order: RedeemOrder
    # WGS-84 longitude and latitude of where the voucher is shown.
    shown_at: tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RedemptionRequest(ActRequest):
    """A later act on one redemption."""

    redemption_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidRequest(RedemptionRequest):
    """A void asked for (撤销)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureRequest(RedemptionRequest):
    """A capture asked for (确认核销). Amounts are the final order's, the eligible one at most the
    whole; without an eligible amount the whole order is eligible. Numbers that are empty stay as
    they were authorised."""

    order_amount_fen: int
    eligible_amount_fen: int | None = None
    payment_ref: str = ""
    receipt_no: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReverseRequest(ActRequest):
    """A reversal asked for (冲正), by the store's and the order's own numbers."""

    store: str
    order_no: str
    merchant: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequest(RedemptionRequest):
    """A refund asked for (退款): how much of the shopper's own money, at which store, under which
    number of the merchant's."""

    store: str
    amount_fen: int
    refund_no: str
    merchant: str = ""
