"""Addresses of the API, version 1."""

from django.urls import path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from vouchers.api.claims import ClaimsView, OffersView
from vouchers.api.errors import address_unknown
from vouchers.api.redemption import RedemptionsView, RedemptionView, VoidView

urlpatterns = [
    path("offers", OffersView.as_view(), name="offers"),
    path("claims", ClaimsView.as_view(), name="claims"),
    path("redemptions", RedemptionsView.as_view(), name="redemptions"),
    path("redemptions/<int:redemption_id>", RedemptionView.as_view(), name="redemption"),
    path("redemptions/<int:redemption_id>/void", VoidView.as_view(), name="void"),
    path("schema", SpectacularAPIView.as_view(), name="schema"),
    path("docs", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    re_path("", address_unknown),
]
