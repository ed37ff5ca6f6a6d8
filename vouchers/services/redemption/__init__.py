"""Every act of a till on vouchers and money, each by the steps of `services/acts`."""

from vouchers.services.redemption.capture import capture
from vouchers.services.redemption.lapse import lapse_due
from vouchers.services.redemption.papers import PaperRequest, issue_paper, replace_paper
from vouchers.services.redemption.present import PresentRequest, forget_codes, present
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
from vouchers.services.redemption.wrong_codes import forgive_wrong_codes

__all__ = [
    "CaptureRequest",
    "PaperRequest",
    "PresentRequest",
    "RedeemOrder",
    "RedeemRequest",
    "RefundRequest",
    "ReverseRequest",
    "VoidRequest",
    "capture",
    "forget_codes",
    "forgive_wrong_codes",
    "issue_paper",
    "lapse_due",
    "present",
    "quote",
    "redeem",
    "refund",
    "replace_paper",
    "reverse",
    "void",
]
