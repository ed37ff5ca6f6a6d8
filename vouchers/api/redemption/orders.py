"""Vouchers used on orders, and redemptions found again by the numbers a till knows."""

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from vouchers.api.calls import sent
from vouchers.api.errors import rendered
from vouchers.api.redemption.examples import (
    AUTHORISE,
    AUTHORISED,
    BELOW_THRESHOLD,
    REDEEM,
    REDEEMED,
)
from vouchers.api.redemption.lookups import FOUND_BY, find
from vouchers.api.redemption.till import TillView
from vouchers.api.schema import BUSY, IDEMPOTENCY_KEY, REFUSALS, RedeemSchema, RedemptionSchema
from vouchers.http.answers import found_all, render
from vouchers.http.redemption import redeem_request
from vouchers.services.redemption import redeem


class RedemptionsView(TillView):
    """Redeem a voucher; find redemptions of one's own."""

    @extend_schema(
        operation_id="redeem",
        parameters=[IDEMPOTENCY_KEY],
        request=RedeemSchema,
        responses={201: RedemptionSchema, **REFUSALS, **BUSY},
        examples=[REDEEM, AUTHORISE, REDEEMED, AUTHORISED, BELOW_THRESHOLD],
    )
    def post(self, request: Request) -> HttpResponse:
        """Redeem a voucher on an order (核销), or with `capture` false only authorise it (预核销).
        The same key and body get the same answer."""
        (answer,) = redeem(requests=[redeem_request(**sent(request))], render=render)
        return rendered(answer)

    @extend_schema(
        operation_id="find_redemptions",
        parameters=FOUND_BY,
        responses={200: RedemptionSchema(many=True), **REFUSALS},
    )
    def get(self, request: Request) -> HttpResponse:
        """Recover an unknown outcome: the caller's redemptions by what the till knows of them, the
        newest first."""
        return rendered(found_all(find(request)))
