"""The textbook's one view and its address."""

from typing import Any, cast

from django.http import HttpResponse
from django.urls import path
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.views import APIView

from merchants.auth import REMEMBERED_KEY, Caller, HasScope
from tests.benchmarks.textbook import redeem
from vouchers.api.schema import RedeemSchema
from vouchers.http.answers import JSON, PROBLEM
from vouchers.http.requests import fingerprint

PATH = "/api/v1/redemptions"


class RedemptionsView(APIView):
    """Redeem a voucher."""

    authentication_classes: Any = [REMEMBERED_KEY]
    permission_classes = [HasScope.of("redeem")]

    def post(self, request: Request) -> HttpResponse:
        """Redeem a voucher on an order."""
        serializer = RedeemSchema(data=request.data)
        serializer.is_valid(raise_exception=True)
        status, body = redeem(
            caller=cast(Caller, request.auth),
            key=request.headers["Idempotency-Key"],
            print_=fingerprint("POST", PATH, request.body),
            order=serializer.validated_data,
            at=timezone.now(),
        )
        content_type = PROBLEM if status >= 400 else JSON
        return HttpResponse(body, status=status, content_type=content_type)


urlpatterns = [path(PATH.lstrip("/"), RedemptionsView.as_view())]
