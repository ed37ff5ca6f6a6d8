"""What a channel does for residents over REST."""

from vouchers.api.residents.explaining import ExplainView
from vouchers.api.residents.presenting import PaperView, PresentView
from vouchers.api.residents.registration import (
    ConsentView,
    PointView,
    ProxyView,
    ResidentView,
    WalletView,
)

__all__ = [
    "ConsentView",
    "ExplainView",
    "PaperView",
    "PointView",
    "PresentView",
    "ProxyView",
    "ResidentView",
    "WalletView",
]
