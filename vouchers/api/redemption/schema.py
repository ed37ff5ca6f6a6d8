"""OpenAPI description of what may become of a redemption. Parsing itself is `vouchers/http`."""

from rest_framework import serializers

from merchants.references import FORM
from vouchers.api.schema import OPTIONAL_FORM, RedeemSchema, SourceShareSchema
from vouchers.http.batches import LINES_MAX
from vouchers.http.requests import KEY_MAX_LENGTH
from vouchers.services.redemption.requests import MAX_AMOUNT_FEN

CODES_AT_CAPTURE = ("below_threshold", "payable_too_small")


class QuotedSchema(serializers.Serializer[object]):
    """What a voucher would be worth on an order just now."""

    discount_fen = serializers.IntegerField()
    by_source = SourceShareSchema(many=True)
    payable_fen = serializers.IntegerField()
    voucher = serializers.CharField()
    merchant = serializers.CharField(help_text="The merchant's code.")
    store = serializers.CharField()
    order_no = serializers.CharField()
    order_amount_fen = serializers.IntegerField()
    campaign = serializers.CharField()


class LineSchema(RedeemSchema):
    """A line of a batch: the single call's body, and its key."""

    idempotency_key = serializers.RegexField(
        FORM,
        max_length=KEY_MAX_LENGTH,
        help_text="The line's own; the one of the single call, if it was sent alone before.",
    )


class BatchSchema(serializers.Serializer[object]):
    """Orders to redeem. A line that is malformed is refused alone."""

    redemptions = serializers.ListField(
        child=LineSchema(), min_length=1, max_length=LINES_MAX, help_text="Up to 500 lines."
    )


class VerdictSchema(serializers.Serializer[object]):
    """The verdict on one line."""

    idempotency_key = serializers.CharField(allow_null=True, help_text="As it was sent.")
    status = serializers.IntegerField(help_text="The single call's status.")
    replayed = serializers.BooleanField(help_text="Whether it had been answered before.")
    body = serializers.DictField(
        help_text="The single call's body: a redemption, or a refusal.",
    )


class BatchAnswerSchema(serializers.Serializer[object]):
    """The verdicts, in the order of the lines."""

    redemptions = VerdictSchema(many=True)


class FinalOrderSchema(serializers.Serializer[object]):
    """The order as it was paid. Amounts are fen."""

    order_amount_fen = serializers.IntegerField(min_value=1, max_value=MAX_AMOUNT_FEN)
    eligible_amount_fen = serializers.IntegerField(
        min_value=0,
        max_value=MAX_AMOUNT_FEN,
        required=False,
        allow_null=True,
        help_text="What of the order the voucher may be used on; the whole order if left out.",
    )
    payment_ref = serializers.RegexField(
        OPTIONAL_FORM, max_length=64, required=False, help_text="As authorised, if left out."
    )
    receipt_no = serializers.RegexField(
        OPTIONAL_FORM, max_length=64, required=False, help_text="As authorised, if left out."
    )
    currency = serializers.ChoiceField(["CNY"], default="CNY")


class CapturedSchema(serializers.Serializer[object]):
    """A captured redemption, or one voided because the final order earns no discount."""

    id = serializers.IntegerField()
    state = serializers.ChoiceField(["captured", "voided"])
    discount_fen = serializers.IntegerField()
    by_source = SourceShareSchema(many=True)
    payable_fen = serializers.IntegerField()
    order_amount_fen = serializers.IntegerField()
    returned_fen = serializers.IntegerField(help_text="Of what was authorised.")
    voucher_usable = serializers.BooleanField(
        help_text="Whether the voucher can be used on another order."
    )
    captured_at = serializers.DateTimeField(required=False)
    voided_at = serializers.DateTimeField(required=False)
    code = serializers.ChoiceField(
        CODES_AT_CAPTURE, required=False, help_text="Why the final order earns no discount."
    )
    because = serializers.CharField(required=False, help_text="The same, for a cashier to read.")
    because_zh = serializers.CharField(required=False, help_text="The same in Chinese.")


class VoidSchema(serializers.Serializer[object]):
    """A voided redemption."""

    id = serializers.IntegerField()
    state = serializers.ChoiceField(["voided"])
    returned_fen = serializers.IntegerField()
    voucher_usable = serializers.BooleanField(
        help_text="False once it has expired or the campaign is over."
    )
    voided_at = serializers.DateTimeField()


class ReverseSchema(serializers.Serializer[object]):
    """An order that is to have no redemption."""

    store = serializers.RegexField(
        FORM, max_length=40, help_text="The merchant's number of the store."
    )
    order_no = serializers.RegexField(FORM, max_length=64)
    merchant = serializers.RegexField(
        OPTIONAL_FORM,
        max_length=40,
        required=False,
        help_text="Code of the store's merchant; needed where several of the key's merchants have"
        " a store of that number.",
    )


class ReversedSchema(serializers.Serializer[object]):
    """An order that is and stays reversed."""

    id = serializers.IntegerField(
        allow_null=True, help_text="The redemption undone; null if there was none to undo."
    )
    state = serializers.ChoiceField(["reversed"])
    merchant = serializers.CharField(help_text="The merchant's code.")
    store = serializers.CharField()
    order_no = serializers.CharField()
    returned_fen = serializers.IntegerField()
    voucher_usable = serializers.BooleanField(
        allow_null=True,
        help_text="Whether the voucher can be used on another order; null if there was none to"
        " undo.",
    )
    reversed_at = serializers.DateTimeField()


class RefundSchema(serializers.Serializer[object]):
    """What the shopper got back of what they had paid."""

    store = serializers.RegexField(
        FORM, max_length=40, help_text="Where; any store of the redemption's merchant."
    )
    amount_fen = serializers.IntegerField(
        min_value=1,
        max_value=MAX_AMOUNT_FEN,
        help_text="Of the shopper's own money: all refunds together at most `payable_fen`.",
    )
    refund_no = serializers.RegexField(FORM, max_length=64, help_text="Unique per merchant.")
    merchant = serializers.RegexField(OPTIONAL_FORM, max_length=40, required=False)
    currency = serializers.ChoiceField(["CNY"], default="CNY")


class RefundedSchema(serializers.Serializer[object]):
    """A refund as recorded."""

    id = serializers.IntegerField(help_text="The redemption's.")
    refund_no = serializers.CharField()
    amount_fen = serializers.IntegerField()
    clawback_fen = serializers.IntegerField(help_text="What of the discount goes back.")
    by_source = SourceShareSchema(many=True)
    voucher_usable = serializers.BooleanField(
        help_text="Whether the voucher is back with the customer."
    )
    state = serializers.ChoiceField(["captured", "refunded"], help_text="The redemption's.")
    refunded_at = serializers.DateTimeField()
