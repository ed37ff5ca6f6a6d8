"""Addresses of the API, version 1."""

from django.urls import path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from vouchers.api.claims import ClaimsView, OffersView
from vouchers.api.errors import address_unknown
from vouchers.api.redemption import (
    BatchView,
    CaptureView,
    QuoteView,
    RedemptionsView,
    RedemptionView,
    RefundsView,
    ReverseView,
    VoidView,
)
from vouchers.api.settlement import SettlementFileView, SettlementsView

urlpatterns = [
    path("offers", OffersView.as_view(), name="offers"),
    path("claims", ClaimsView.as_view(), name="claims"),
    path("redemptions", RedemptionsView.as_view(), name="redemptions"),
    path("redemptions/batch", BatchView.as_view(), name="batch"),
    path("redemptions/quote", QuoteView.as_view(), name="quote"),
    path("redemptions/reverse", ReverseView.as_view(), name="reverse"),
    path("redemptions/<int:redemption_id>", RedemptionView.as_view(), name="redemption"),
    path("redemptions/<int:redemption_id>/capture", CaptureView.as_view(), name="capture"),
    path("redemptions/<int:redemption_id>/refunds", RefundsView.as_view(), name="refunds"),
    path("redemptions/<int:redemption_id>/void", VoidView.as_view(), name="void"),
    path("settlements", SettlementsView.as_view(), name="settlements"),
    path("settlements/<int:settlement_id>/file", SettlementFileView.as_view(), name="file"),
    path("schema", SpectacularAPIView.as_view(), name="schema"),
    path("docs", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    re_path("", address_unknown),
]
