"""Redemptions over REST: the same services as the express lane, one call at a time."""

from vouchers.api.redemption.acts import CaptureView, RefundsView, ReverseView, VoidView
from vouchers.api.redemption.lookups import RedemptionView
from vouchers.api.redemption.orders import BatchView, QuoteView, RedemptionsView

__all__ = [
    "BatchView",
    "CaptureView",
    "QuoteView",
    "RedemptionView",
    "RedemptionsView",
    "RefundsView",
    "ReverseView",
    "VoidView",
]
