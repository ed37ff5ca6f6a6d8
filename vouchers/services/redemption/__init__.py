"""Every act of a till on vouchers and money, each by the steps of `services/acts`."""

from vouchers.services.redemption.capture import capture
from vouchers.services.redemption.lapse import lapse_due
from vouchers.services.redemption.quote import quote
from vouchers.services.redemption.redeem import redeem
from vouchers.services.redemption.refund import refund
from vouchers.services.redemption.requests import (
    CaptureRequest,
    RedeemOrder,
    RedeemRequest,
    RefundRequest,
    ReverseRequest,
    VoidRequest,
)
from vouchers.services.redemption.reverse import reverse
from vouchers.services.redemption.void import void

__all__ = [
    "CaptureRequest",
    "RedeemOrder",
    "RedeemRequest",
    "RefundRequest",
    "ReverseRequest",
    "VoidRequest",
    "capture",
    "lapse_due",
    "quote",
    "redeem",
    "refund",
    "reverse",
    "void",
]
