"""OpenAPI description of the bodies. Parsing itself is `vouchers/http`."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from merchants.geo import MAX_LATITUDE_DEG, MAX_LONGITUDE_DEG
from merchants.references import FORM
from vouchers.errors import CATALOGUE
from vouchers.http.answers import PROBLEM
from vouchers.http.requests import KEY_MAX_LENGTH
from vouchers.rules.issuing.codes import LENGTH as CODE_DIGITS
from vouchers.rules.issuing.numbered_codes import LENGTH as NUMBERED_DIGITS
from vouchers.services.redemption.requests import MAX_AMOUNT_FEN
from vouchers.states import RedemptionState

OPTIONAL_FORM = rf"^(?:{FORM[1:-1]})?$"
"""A number that may be left out; an empty one is left out too."""

BODY_OPTIONAL = frozenset({"declare_proxy"})
"""Calls that take no body for one without fields."""
CLOSED = frozenset({"PointsSchema"})
"""Bodies whose fields are names of things: another name is refused, not ignored."""


def number_parameter(name: str, description: str, *, required: bool = False) -> OpenApiParameter:
    """A number in the query."""
    return OpenApiParameter(
        name,
        {"type": "string", "pattern": FORM if required else OPTIONAL_FORM},
        OpenApiParameter.QUERY,
        required=required,
        description=description,
    )


def state_requirements(result: Any, **generated: Any) -> Any:
    """A hook of drf-spectacular: what serializers can't say. It takes a body without a required
    field for one that may be left out, and knows of no closed list of names."""
    for name in CLOSED:
        result["components"]["schemas"][name]["additionalProperties"] = False
    for methods in result["paths"].values():
        for call in methods.values():
            if "requestBody" in call and call["operationId"] not in BODY_OPTIONAL:
                call["requestBody"]["required"] = True
    return result


IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    required=True,
    pattern=FORM,
    description=(
        f"1 to {KEY_MAX_LENGTH} printable characters, new for every new act. The same key with the"
        " same body gets the same bytes; with another body, 422."
    ),
)


class RedeemSchema(serializers.Serializer[object]):
    """An order and the voucher shown for it. Amounts are fen."""

    voucher = serializers.RegexField(
        rf"^(\d{{{CODE_DIGITS}}}|[79]\d{{{NUMBERED_DIGITS - 1}}})$",
        help_text="The voucher's printed code, a code presented in an app, or that of a paper;"
        " blanks and dashes are left out.",
    )
    store = serializers.RegexField(
        FORM, max_length=40, help_text="The merchant's number of the store."
    )
    merchant = serializers.RegexField(
        OPTIONAL_FORM,
        max_length=40,
        required=False,
        help_text="Code of the store's merchant; needed where several of the key's merchants have"
        " a store of that number.",
    )
    order_no = serializers.RegexField(FORM, max_length=64, help_text="Unique per store.")
    order_amount_fen = serializers.IntegerField(min_value=1, max_value=MAX_AMOUNT_FEN)
    eligible_amount_fen = serializers.IntegerField(
        min_value=0,
        max_value=MAX_AMOUNT_FEN,
        required=False,
        allow_null=True,
        help_text="What of the order the voucher may be used on; the whole order if left out.",
    )
    resident = serializers.RegexField(
        FORM,
        max_length=64,
        required=False,
        allow_null=True,
        help_text="Number of who shows the voucher; needed with a printed code only.",
    )
    id_digits = serializers.RegexField(
        r"^[0-9]{3}[0-9Xx]$",
        required=False,
        help_text="With a paper: the last four of the holder's identity number.",
    )
    order_kind = serializers.ChoiceField(["in_store", "delivered"], default="in_store")
    category = serializers.CharField(max_length=40, required=False)
    terminal = serializers.RegexField(OPTIONAL_FORM, max_length=40, required=False)
    device = serializers.RegexField(OPTIONAL_FORM, max_length=80, required=False)
    payment_ref = serializers.RegexField(OPTIONAL_FORM, max_length=64, required=False)
    receipt_no = serializers.RegexField(OPTIONAL_FORM, max_length=64, required=False)
    longitude = serializers.FloatField(
        required=False,
        allow_null=True,
        min_value=-MAX_LONGITUDE_DEG,
        max_value=MAX_LONGITUDE_DEG,
        help_text="Of where the voucher is shown; with latitude and datum, or left out. Only the"
        " campaign's risk rules look at it.",
    )
    latitude = serializers.FloatField(
        required=False,
        allow_null=True,
        min_value=-MAX_LATITUDE_DEG,
        max_value=MAX_LATITUDE_DEG,
    )
    datum = serializers.CharField(
        max_length=20, required=False, help_text="WGS-84, GCJ-02 or BD-09."
    )
    currency = serializers.ChoiceField(["CNY"], default="CNY")
    occurred_at = serializers.DateTimeField(
        required=False,
        allow_null=True,
        help_text="When the voucher was taken, with its offset, if the till could not ask at once."
        " Older orders than the city accepts are refused; windows, limits and the business day are"
        " those of the arrival.",
    )
    capture = serializers.BooleanField(
        default=True,
        help_text="False: only authorise (预核销); capture or undo it before `expires_at`.",
    )


class SourceShareSchema(serializers.Serializer[object]):
    """One payer's part of a discount."""

    source = serializers.CharField()  # type: ignore[assignment]
    fen = serializers.IntegerField()


class RefundMadeSchema(serializers.Serializer[object]):
    """A refund made on a redemption."""

    refund_no = serializers.CharField()
    amount_fen = serializers.IntegerField(help_text="Of the shopper's own money.")
    clawback_fen = serializers.IntegerField(help_text="What of the discount went back.")
    store = serializers.CharField()
    refunded_at = serializers.DateTimeField()


class RedemptionSchema(serializers.Serializer[object]):
    """A redemption."""

    id = serializers.IntegerField()
    state = serializers.ChoiceField([state.name.lower() for state in RedemptionState])
    discount_fen = serializers.IntegerField()
    by_source = SourceShareSchema(many=True)
    payable_fen = serializers.IntegerField()
    voucher = serializers.CharField()
    merchant = serializers.CharField(help_text="The merchant's code.")
    store = serializers.CharField()
    order_no = serializers.CharField()
    order_amount_fen = serializers.IntegerField()
    campaign = serializers.CharField()
    business_day = serializers.DateField()
    redeemed_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(
        required=False, help_text="Until when it may be captured; only while it is authorised."
    )
    occurred_at = serializers.DateTimeField(required=False, help_text="As it was sent.")
    refunds = RefundMadeSchema(
        many=True, required=False, help_text="The oldest first; left out where there are none."
    )


class ProblemSchema(serializers.Serializer[object]):
    """A refusal (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField(help_text="English, for a cashier to read.")
    title_zh = serializers.CharField(help_text="Chinese, for a cashier to read.")
    status = serializers.IntegerField()
    code = serializers.ChoiceField(
        [meaning.code for meaning in CATALOGUE.values() if meaning.audience != "manager"]
    )
    retryable = serializers.BooleanField(help_text="Whether the same request may succeed later.")
    authority = serializers.CharField(help_text="Who decided.")
    rule = serializers.CharField()
    facts = serializers.DictField()


# Whatever is asked, the database may be away for a moment.
REFUSALS = {("4XX", PROBLEM): ProblemSchema, (503, PROBLEM): ProblemSchema}
