"""Redemptions over REST: the same service as the express lane, one request at a time."""

from datetime import UTC, datetime
from typing import Any, cast

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

from merchants.auth import Caller, HasScope, KeyAuthentication
from merchants.errors import Refused
from merchants.references import is_reference
from vouchers.api.errors import rendered
from vouchers.api.schema import (
    BUSY,
    IDEMPOTENCY_KEY,
    REFUSALS,
    RedeemSchema,
    RedemptionSchema,
    VoidSchema,
)
from vouchers.http.answers import found, found_all, render
from vouchers.http.redemption import redeem_request, void_request
from vouchers.http.requests import (
    BODY_MAX_BYTES,
    check_key,
    check_media_type,
    not_a_number,
    too_large,
)
from vouchers.queries.redemption import redemption_details, redemptions_of
from vouchers.services.redemption import redeem, void

REDEMPTIONS = "/api/v1/redemptions"


class JsonOnly(BaseContentNegotiation):
    """Answers are JSON; the Accept header is ignored."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """The only one."""
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        """The only one."""
        return renderers[0], renderers[0].media_type


class TillView(APIView):
    """For tills: a key with the scope `redeem`."""

    authentication_classes = [KeyAuthentication]
    permission_classes = [HasScope.of("redeem")]
    content_negotiation_class = JsonOnly

    @staticmethod
    def caller(request: Request) -> Caller:
        return cast(Caller, request.auth)


class RedemptionsView(TillView):
    """Redeem a voucher; find redemptions of one's own."""

    @extend_schema(
        operation_id="redeem",
        parameters=[IDEMPOTENCY_KEY],
        request=RedeemSchema,
        responses={201: RedemptionSchema, **REFUSALS, **BUSY},
    )
    def post(self, request: Request) -> HttpResponse:
        """Redeem a voucher on an order (核销). The same key and body get the same answer."""
        key = check_key(request.headers.get("Idempotency-Key"))
        asked = redeem_request(
            caller=self.caller(request),
            key=key,
            path=REDEMPTIONS,
            body=body_of(request),
            at=datetime.now(UTC),
        )
        (answer,) = redeem(requests=[asked], render=render)
        return rendered(answer)

    @extend_schema(
        operation_id="find_redemptions",
        parameters=[
            OpenApiParameter("order_no", str, description="The till's order number."),
            OpenApiParameter("idempotency_key", str, description="The key it was sent under."),
        ],
        responses={200: RedemptionSchema(many=True), **REFUSALS},
    )
    def get(self, request: Request) -> HttpResponse:
        """Recover an unknown outcome: the caller's redemptions by order number or key."""
        order_no = parameter(request, "order_no")
        key = parameter(request, "idempotency_key")
        if not order_no and not key:
            raise Refused(
                "malformed_request", problem="name order_no or idempotency_key", field="order_no"
            )
        rows = redemptions_of(self.caller(request), order_no=order_no, key=key)
        return rendered(found_all(map(redemption_details, rows)))


class RedemptionView(TillView):
    """One redemption."""

    @extend_schema(
        operation_id="get_redemption",
        responses={200: RedemptionSchema, **REFUSALS},
    )
    def get(self, request: Request, redemption_id: int) -> HttpResponse:
        """A redemption as it stands now; another merchant's is not found."""
        row = redemptions_of(self.caller(request), redemption_id=redemption_id).first()
        if row is None:
            raise Refused("not_found")
        return rendered(found(redemption_details(row)))


class VoidView(TillView):
    """Undo a redemption."""

    @extend_schema(
        operation_id="void_redemption",
        parameters=[IDEMPOTENCY_KEY],
        request=None,
        responses={200: VoidSchema, **REFUSALS, **BUSY},
    )
    def post(self, request: Request, redemption_id: int) -> HttpResponse:
        """Void a redemption of the same business day (撤销) before it is settled."""
        key = check_key(request.headers.get("Idempotency-Key"))
        asked = void_request(
            caller=self.caller(request),
            key=key,
            path=request.path,
            body=body_of(request),
            at=datetime.now(UTC),
            redemption_id=redemption_id,
        )
        return rendered(void(request=asked, render=render))


def body_of(request: Request) -> bytes:
    """The body as sent, no more of it read than is allowed. Refuses `malformed_request` and
    `unsupported_media_type`."""
    body: bytes = request.read(BODY_MAX_BYTES + 1)
    if len(body) > BODY_MAX_BYTES:
        raise too_large()
    check_media_type(request.headers.get("Content-Type"), body)
    return body


def parameter(request: Request, name: str) -> str | None:
    """A number in the query. Refuses `malformed_request` for what can't be one."""
    value: str | None = request.query_params.get(name)
    if value and not is_reference(value):
        raise not_a_number(name)
    return value
