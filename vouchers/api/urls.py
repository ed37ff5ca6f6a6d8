"""Addresses of the API, version 1."""

from django.urls import path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from vouchers.api.errors import address_unknown
from vouchers.api.redemption import RedemptionsView, RedemptionView, VoidView
from vouchers.api.sandbox import SandboxAmountsView
from vouchers.api.terminals import EnrolView

urlpatterns = [
    path("redemptions", RedemptionsView.as_view(), name="redemptions"),
    path("redemptions/<int:redemption_id>", RedemptionView.as_view(), name="redemption"),
    path("redemptions/<int:redemption_id>/void", VoidView.as_view(), name="void"),
    path("sandbox/amounts", SandboxAmountsView.as_view(), name="sandbox-amounts"),
    path("terminals/enrol", EnrolView.as_view(), name="enrol"),
    path("schema", SpectacularAPIView.as_view(), name="schema"),
    path("docs", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    re_path("", address_unknown),
]
