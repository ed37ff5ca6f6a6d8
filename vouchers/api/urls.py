"""Addresses of the API, version 1."""

from django.urls import path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

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
from vouchers.api.residents import (
    ConsentView,
    ExplainView,
    PaperView,
    PointView,
    PresentView,
    ProxyView,
    ResidentView,
    WalletView,
)
from vouchers.api.sandbox import SandboxAmountsView
from vouchers.api.settlement import SettlementFileView, SettlementsView
from vouchers.api.terminals import EnrolView
from vouchers.models import Consent, ResidentPoint

POINT = f"(?P<kind>{'|'.join(ResidentPoint.Kind.values)})"
PURPOSE = f"(?P<purpose>{'|'.join(Consent.Purpose.values)})"
RESIDENT = r"^residents/(?P<external_id>[^/]+)"

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
    path("residents/<str:external_id>", ResidentView.as_view(), name="resident"),
    path("residents/<str:external_id>/vouchers", WalletView.as_view(), name="wallet"),
    path("residents/<str:external_id>/explain", ExplainView.as_view(), name="explain"),
    re_path(rf"{RESIDENT}/points/{POINT}$", PointView.as_view(), name="point"),
    re_path(rf"{RESIDENT}/consents/{PURPOSE}$", ConsentView.as_view(), name="consent"),
    path("residents/<str:external_id>/proxies/<str:proxy_id>", ProxyView.as_view(), name="proxy"),
    path("vouchers/<str:code>/paper", PaperView.as_view(), name="paper"),
    path("vouchers/<str:code>/present", PresentView.as_view(), name="present"),
    path("sandbox/amounts", SandboxAmountsView.as_view(), name="sandbox-amounts"),
    path("terminals/enrol", EnrolView.as_view(), name="enrol"),
    path("schema", SpectacularAPIView.as_view(), name="schema"),
    path("docs", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    re_path("", address_unknown),
]
