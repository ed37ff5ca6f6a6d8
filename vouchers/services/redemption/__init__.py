"""Redeeming and undoing: facts → judge → effects, one transaction for a batch of requests."""

from vouchers.services.redemption.capture import capture
from vouchers.services.redemption.lapse import lapse_due
from vouchers.services.redemption.redeem import redeem
from vouchers.services.redemption.refund import refund
from vouchers.services.redemption.reverse import reverse
from vouchers.services.redemption.void import void
from vouchers.services.requests import CaptureRequest, RefundRequest, ReverseRequest, VoidRequest

__all__ = [
    "CaptureRequest",
    "RefundRequest",
    "ReverseRequest",
    "VoidRequest",
    "capture",
    "lapse_due",
    "redeem",
    "refund",
    "reverse",
    "void",
]
