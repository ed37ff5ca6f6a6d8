"""What may become of a redemption: captured, voided, refunded, or reversed by its order."""

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from merchants.auth import HasScope
from vouchers.api.calls import ActView, sent
from vouchers.api.errors import rendered
from vouchers.api.redemption.examples import (
    BELOW_AT_CAPTURE,
    CAPTURE,
    CAPTURE_EXPIRED,
    CAPTURED,
    NO_STORE,
    REFUND,
    REFUND_TOO_LARGE,
    REFUNDED,
    REVERSE,
    REVERSED,
    VOID_SETTLED,
    VOIDED,
)
from vouchers.api.redemption.schema import (
    CapturedSchema,
    FinalOrderSchema,
    RefundedSchema,
    RefundSchema,
    ReversedSchema,
    ReverseSchema,
    VoidSchema,
)
from vouchers.api.redemption.till import TillView
from vouchers.api.schema import IDEMPOTENCY_KEY, REFUSALS
from vouchers.http.answers import render
from vouchers.http.redemption import (
    capture_request,
    refund_request,
    reverse_request,
    void_request,
)
from vouchers.services.redemption import capture, refund, reverse, void


class CaptureView(ActView, TillView):
    """Make an authorisation final."""

    @extend_schema(
        operation_id="capture_redemption",
        parameters=[IDEMPOTENCY_KEY],
        request=FinalOrderSchema,
        responses={200: CapturedSchema, **REFUSALS},
        examples=[CAPTURE, CAPTURED, BELOW_AT_CAPTURE, CAPTURE_EXPIRED],
    )
    def post(self, request: Request, redemption_id: int) -> HttpResponse:
        """Capture an authorisation (确认核销) on the order as it was paid, before it ends. The
        discount is recomputed, and is at most what was authorised; an order that earns none any
        more voids the redemption and says why."""
        asked = capture_request(**sent(request), redemption_id=redemption_id)
        return rendered(capture(request=asked, render=render))


class VoidView(ActView, TillView):
    """Undo a redemption."""

    @extend_schema(
        operation_id="void_redemption",
        parameters=[IDEMPOTENCY_KEY],
        request=None,
        responses={200: VoidSchema, **REFUSALS},
        examples=[VOIDED, VOID_SETTLED],
    )
    def post(self, request: Request, redemption_id: int) -> HttpResponse:
        """Void a redemption of the same business day (撤销), authorised or captured, before it is
        settled or refunded."""
        asked = void_request(**sent(request), redemption_id=redemption_id)
        return rendered(void(request=asked, render=render))


class ReverseView(ActView, TillView):
    """Undo whatever became of an order."""

    @extend_schema(
        operation_id="reverse_order",
        parameters=[IDEMPOTENCY_KEY],
        request=ReverseSchema,
        responses={200: ReversedSchema, **REFUSALS},
        examples=[REVERSE, REVERSED, NO_STORE],
    )
    def post(self, request: Request) -> HttpResponse:
        """Make sure that an order has no redemption (冲正), for a till that does not know what
        became of its request: a redemption of the same business day is undone, and one that arrives
        later is refused."""
        return rendered(reverse(request=reverse_request(**sent(request)), render=render))


class RefundsView(ActView):
    """Give the shopper's money back. The key needs the scope `refund`."""

    permission_classes = [HasScope.of("refund")]

    @extend_schema(
        operation_id="refund_redemption",
        parameters=[IDEMPOTENCY_KEY],
        request=RefundSchema,
        responses={200: RefundedSchema, **REFUSALS},
        examples=[REFUND, REFUNDED, REFUND_TOO_LARGE],
    )
    def post(self, request: Request, redemption_id: int) -> HttpResponse:
        """Record a refund of the shopper's money (退款), whole or in part, however late, at any
        store of the merchant. How much of the discount goes back, and whether the voucher does, is
        the campaign's policy."""
        asked = refund_request(**sent(request), redemption_id=redemption_id)
        return rendered(refund(request=asked, render=render))
