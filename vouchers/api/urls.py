"""Addresses of the API, version 1."""

from django.urls import path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from vouchers.api.errors import address_unknown
from vouchers.api.redemption import RedemptionsView, RedemptionView, VoidView

urlpatterns = [
    path("redemptions", RedemptionsView.as_view(), name="redemptions"),
    path("redemptions/<int:redemption_id>", RedemptionView.as_view(), name="redemption"),
    path("redemptions/<int:redemption_id>/void", VoidView.as_view(), name="void"),
    path("schema", SpectacularAPIView.as_view(), name="schema"),
    path("docs", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    re_path("", address_unknown),
]
