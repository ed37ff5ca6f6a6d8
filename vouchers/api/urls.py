"""Addresses of the API, version 1."""

from django.urls import path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from vouchers.api.errors import address_unknown
from vouchers.api.redemption import RedemptionsView, RedemptionView, VoidView
from vouchers.api.residents import (
    ConsentView,
    PaperView,
    PointView,
    PresentView,
    ProxyView,
    ResidentView,
    WalletView,
)
from vouchers.models import Consent, ResidentPoint

POINT = f"(?P<kind>{'|'.join(ResidentPoint.Kind.values)})"
PURPOSE = f"(?P<purpose>{'|'.join(Consent.Purpose.values)})"
RESIDENT = r"^residents/(?P<external_id>[^/]+)"

urlpatterns = [
    path("redemptions", RedemptionsView.as_view(), name="redemptions"),
    path("redemptions/<int:redemption_id>", RedemptionView.as_view(), name="redemption"),
    path("redemptions/<int:redemption_id>/void", VoidView.as_view(), name="void"),
    path("residents/<str:external_id>", ResidentView.as_view(), name="resident"),
    path("residents/<str:external_id>/vouchers", WalletView.as_view(), name="wallet"),
    re_path(rf"{RESIDENT}/points/{POINT}$", PointView.as_view(), name="point"),
    re_path(rf"{RESIDENT}/consents/{PURPOSE}$", ConsentView.as_view(), name="consent"),
    path("residents/<str:external_id>/proxies/<str:proxy_id>", ProxyView.as_view(), name="proxy"),
    path("vouchers/<str:code>/paper", PaperView.as_view(), name="paper"),
    path("vouchers/<str:code>/present", PresentView.as_view(), name="present"),
    path("schema", SpectacularAPIView.as_view(), name="schema"),
    path("docs", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    re_path("", address_unknown),
]
