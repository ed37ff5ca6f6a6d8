"""What was settled for a merchant, and the files of it."""

from base64 import b64encode
from datetime import UTC, date, datetime
from typing import Final

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from merchants.auth import Caller, HasScope
from merchants.errors import Refused
from vouchers.api.calls import CallView, day, parameter
from vouchers.api.errors import rendered
from vouchers.api.examples import answer_example, refusal_example
from vouchers.api.schema import REFUSALS, number_parameter
from vouchers.http.answers import found_all
from vouchers.models import Settlement
from vouchers.queries.settlement import settlement_details, settlements_of
from vouchers.rules.settlement import Captured, Draft, Heading, Line, file_of
from vouchers.states import SettlementState

PAGE: Final = 500
CSV: Final = "text/csv"
MOST_ID: Final = 2**63 - 1
ID_DIGITS: Final = len(str(MOST_ID))

SETTLED = answer_example(
    "a day",
    {
        "id": 912,
        "campaign": "autumn",
        "merchant": "huilian",
        "source": "city",
        "business_day": "2026-11-27",
        "line_count": 41,
        "total_fen": 82_000,
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "state": "ready",
        "closed_at": "2026-11-27T18:05:00.000000Z",
    },
)
SINGLE_STORES = refusal_example("a key of single stores", "forbidden", "whole_merchants")
_CAPTURED = Captured(
    redemption_id=48_211,
    voucher_id=0,
    merchant_id=0,
    store_no="0001",
    order_no="20261127-000123",
    order_amount_fen=25_000,
    discount_fen=2_000,
    split=((0, 1_400),),
    business_day=date(2026, 11, 27),
    redeemed_at=datetime(2026, 11, 27, 11, 2, 33, 120_000, tzinfo=UTC),
)
FILE = answer_example(
    "one redemption",
    file_of(
        Draft(0, 0, (Line(_CAPTURED, amount_fen=1_400),)),
        Heading("sh", "autumn", date(2026, 11, 27), "huilian", "city", "Asia/Shanghai"),
    ).decode(),
    media_type=CSV,
)
NO_SETTLEMENT = refusal_example("another merchant's, or none", "not_found", "settlement_unknown")


class SettlementSchema(serializers.Serializer[object]):
    """What one source owes one merchant for one business day."""

    id = serializers.IntegerField()
    campaign = serializers.CharField()
    merchant = serializers.CharField(help_text="The merchant's code.")
    source = serializers.CharField(help_text="The funding source that owes it.")  # type: ignore[assignment]
    business_day = serializers.DateField()
    line_count = serializers.IntegerField()
    total_fen = serializers.IntegerField()
    sha256 = serializers.CharField(help_text="Of the file, in hexadecimal digits.")
    state = serializers.ChoiceField(
        [state.value for state in SettlementState],
        help_text="`ready`: waiting for cash; `paid`: the payout is instructed.",
    )
    closed_at = serializers.DateTimeField()
    paid_at = serializers.DateTimeField(required=False)


class SettlementView(CallView):
    """For a merchant's accounts: a key with the scope `settlements` that acts for whole merchants,
    since a file has the lines of all their stores."""

    permission_classes = [HasScope.of("settlements")]

    @classmethod
    def accountant(cls, request: Request) -> Caller:
        """The caller. Refuses `forbidden` to a key of single stores."""
        caller = cls.caller(request)
        if caller.store_ids is not None:
            raise Refused("forbidden", "whole_merchants")
        return caller


class SettlementsView(SettlementView):
    """Settlements of one's own."""

    @extend_schema(
        operation_id="list_settlements",
        parameters=[
            number_parameter("campaign", "Only of the campaign with this code."),
            number_parameter("merchant", "Only of the merchant with this code."),
            OpenApiParameter("business_day", date, description="Only of this day."),
            OpenApiParameter(
                "after",
                {"type": "integer", "minimum": 0, "maximum": MOST_ID},
                description=f"Only made after the one with this id: the next {PAGE}.",
            ),
        ],
        responses={200: SettlementSchema(many=True), **REFUSALS},
        examples=[SETTLED, SINGLE_STORES],
    )
    def get(self, request: Request) -> HttpResponse:
        """The settlements of the caller's merchants, in the order they were made, at most 500."""
        rows = settlements_of(
            self.accountant(request),
            campaign=parameter(request, "campaign") or None,
            merchant=parameter(request, "merchant") or None,
            business_day=day(request, "business_day"),
            after_id=_after(request),
        )
        return rendered(found_all(map(settlement_details, rows[:PAGE])))


class SettlementFileView(SettlementView):
    """The file of one settlement."""

    @extend_schema(
        operation_id="download_settlement",
        responses={(200, CSV): OpenApiTypes.STR, **REFUSALS},
        examples=[FILE, NO_SETTLEMENT],
    )
    def get(self, request: Request, settlement_id: int) -> HttpResponse:
        """The file of a settlement: CSV in UTF-8, a line for each redemption and for each refund
        kept back. It was made when the day was closed and never changes; another merchant's is not
        found."""
        rows: QuerySet[Settlement] = settlements_of(self.accountant(request))
        row = rows.filter(pk=settlement_id).defer(None).first()
        if row is None:
            raise Refused("not_found", "settlement_unknown")
        response = HttpResponse(bytes(row.content), content_type=f"{CSV}; charset=utf-8")
        name = f"settlement-{row.pk}-{row.business_day}.csv"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        response["Content-Digest"] = f"sha-256=:{b64encode(bytes(row.sha256)).decode()}:"
        return response


def _after(request: Request) -> int:
    text = parameter(request, "after") or "0"
    if not text.isdecimal() or len(text) > ID_DIGITS or int(text) > MOST_ID:
        raise Refused(
            "malformed_request",
            problem="an id is a whole number",
            problem_zh="编号须为整数",
            field="after",
        )
    return int(text)
