"""Redemptions as they stand, found by their number or by what a till knows of them."""

from datetime import UTC, date, datetime, timedelta
from typing import Final

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from merchants.errors import Refused
from vouchers.api.calls import day, parameter
from vouchers.api.errors import rendered
from vouchers.api.redemption.examples import FOUND, NOT_FOUND
from vouchers.api.redemption.till import TillView
from vouchers.api.schema import REFUSALS, RedemptionSchema, number_parameter
from vouchers.http.answers import found
from vouchers.queries.redemption import RedemptionDetails, details_of, redemptions_of
from vouchers.services.redemption.own_numbers import place_meant

FOUND_MAX: Final = 100
LOOK_BACK: Final = timedelta(days=7)

NUMBERS: Final = ("order_no", "receipt_no", "payment_ref", "idempotency_key")
FOUND_BY: Final = [
    number_parameter("order_no", "The till's order number."),
    number_parameter("receipt_no", "The receipt number it was sent with."),
    number_parameter("payment_ref", "The payment reference it was sent with."),
    number_parameter(
        "idempotency_key", "The key it was made, captured, voided, reversed or refunded under."
    ),
    number_parameter("store", "Only of the store with this number, the engine's or your own."),
    OpenApiParameter(
        "business_day",
        date,
        description=f"Only of this day. Without it, the last {LOOK_BACK.days} days, unless the key"
        " is named.",
    ),
]


def find(request: Request) -> list[RedemptionDetails]:
    """The caller's redemptions that fit every parameter, the newest first, at most `FOUND_MAX`.
    Refuses `malformed_request` when no number is named."""
    numbers = {name: parameter(request, name) or None for name in NUMBERS}
    if not any(numbers.values()):
        raise Refused(
            "malformed_request",
            problem=f"name one of {', '.join(NUMBERS)}",
            problem_zh=f"请给出以下之一：{'、'.join(NUMBERS)}",
            field="order_no",
        )
    on = day(request, "business_day")
    is_by_key = numbers["idempotency_key"] is not None
    since = None if on or is_by_key else (datetime.now(UTC) - LOOK_BACK).date()
    caller = TillView.caller(request)
    place = place_meant(caller, parameter(request, "store") or "")
    rows = redemptions_of(
        caller,
        order_no=numbers["order_no"],
        receipt_no=numbers["receipt_no"],
        payment_ref=numbers["payment_ref"],
        key=numbers["idempotency_key"],
        store_no=place.store or None,
        merchant=place.merchant or None,
        business_day=on,
        since=since,
    )
    return details_of(rows[:FOUND_MAX])


class RedemptionView(TillView):
    """One redemption."""

    @extend_schema(
        operation_id="get_redemption",
        responses={200: RedemptionSchema, **REFUSALS},
        examples=[FOUND, NOT_FOUND],
    )
    def get(self, request: Request, redemption_id: int) -> HttpResponse:
        """A redemption as it stands now, with the refunds made on it; another merchant's is not
        found."""
        rows = details_of(redemptions_of(self.caller(request), redemption_id=redemption_id))
        if not rows:
            raise Refused("not_found")
        return rendered(found(rows[0]))
