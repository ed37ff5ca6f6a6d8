"""Vouchers used on orders, and redemptions found again by the numbers a till knows."""

from datetime import UTC, datetime

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from merchants.auth import HasScope
from vouchers.api.calls import ActView, body_of, sent
from vouchers.api.errors import rendered
from vouchers.api.redemption.examples import (
    AUTHORISE,
    AUTHORISED,
    BATCH,
    BATCH_ANSWERED,
    BATCH_MALFORMED,
    BELOW_THRESHOLD,
    FOUND,
    NO_NUMBER,
    QUOTE,
    QUOTED,
    REDEEM,
    REDEEMED,
)
from vouchers.api.redemption.lookups import FOUND_BY, find
from vouchers.api.redemption.schema import BatchAnswerSchema, BatchSchema, QuotedSchema
from vouchers.api.redemption.till import TillView
from vouchers.api.schema import IDEMPOTENCY_KEY, REFUSALS, RedeemSchema, RedemptionSchema
from vouchers.api.throttle import count_lines
from vouchers.http.answers import found_all, render
from vouchers.http.batches import BATCH_MAX_BYTES, parse_batch, render_batch
from vouchers.http.redemption import quote_request, redeem_request
from vouchers.services.redemption import RedeemRequest, quote, redeem


class RedemptionsView(TillView):
    """Redeem a voucher; find redemptions of one's own."""

    @extend_schema(
        operation_id="redeem",
        parameters=[IDEMPOTENCY_KEY],
        request=RedeemSchema,
        responses={201: RedemptionSchema, **REFUSALS},
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
        examples=[FOUND, NO_NUMBER],
    )
    def get(self, request: Request) -> HttpResponse:
        """Recover an unknown outcome: the caller's redemptions by what the till knows of them, the
        newest first."""
        return rendered(found_all(find(request)))


class BatchView(ActView, TillView):
    """Many orders at once: what a till took offline, or a chain's."""

    @extend_schema(
        operation_id="redeem_batch",
        request=BatchSchema,
        responses={200: BatchAnswerSchema, **REFUSALS},
        examples=[BATCH, BATCH_ANSWERED, BATCH_MALFORMED],
    )
    def post(self, request: Request) -> HttpResponse:
        """Redeem up to 500 orders, each under its own idempotency key, by the rules of the single
        call. Each line has its own verdict: the status and the body that the single call would have
        answered. The same batch may be sent again."""
        lines = parse_batch(
            caller=self.caller(request),
            body=body_of(request, BATCH_MAX_BYTES),
            at=datetime.now(UTC),
        )
        count_lines(request, len(lines))
        asked = [line.request for line in lines if isinstance(line.request, RedeemRequest)]
        return rendered(render_batch(lines, redeem(requests=asked, render=render)))


class QuoteView(ActView):
    """Ask what a voucher would be worth. The key needs the scope `quote`."""

    permission_classes = [HasScope.of("quote")]

    @extend_schema(
        operation_id="quote",
        request=RedeemSchema,
        responses={200: QuotedSchema, **REFUSALS},
        examples=[QUOTE, QUOTED, BELOW_THRESHOLD],
    )
    def post(self, request: Request) -> HttpResponse:
        """Ask what redeeming would give or be refused just now, by the same rules (询价). Nothing
        is done or promised, and no idempotency key is needed."""
        asked = quote_request(
            caller=self.caller(request), body=body_of(request), at=datetime.now(UTC)
        )
        return rendered(render(quote(request=asked)))
