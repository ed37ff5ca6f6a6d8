"""Examples in the OpenAPI description: a day at a till, on a voucher of ¥20 off from ¥100."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

ORDER: dict[str, Any] = {
    "voucher": "81000000100000012345",
    "store": "0001",
    "order_no": "20261127-000123",
    "order_amount_fen": 25_000,
    "resident": "R-100200",
}
SHARES = [{"source": "city", "fen": 1_400}, {"source": "platform", "fen": 600}]
ANSWER: dict[str, Any] = {
    "id": 48_211,
    "state": "captured",
    "discount_fen": 2_000,
    "by_source": SHARES,
    "payable_fen": 23_000,
    "voucher": ORDER["voucher"],
    "merchant": "huilian",
    "store": ORDER["store"],
    "order_no": ORDER["order_no"],
    "order_amount_fen": 25_000,
    "campaign": "autumn",
    "business_day": "2026-11-27",
    "redeemed_at": "2026-11-27T11:02:33.120000Z",
}


def request_example(name: str, value: dict[str, Any]) -> OpenApiExample:
    """A body that may be sent."""
    return OpenApiExample(name, value=value, request_only=True)


def answer_example(name: str, value: Any, status: int = 200) -> OpenApiExample:
    """A body that may be answered."""
    return OpenApiExample(name, value=value, response_only=True, status_codes=[str(status)])


REDEEM = request_example("redeem", ORDER | {"receipt_no": "A-7781", "payment_ref": "4200001234"})
AUTHORISE = request_example("authorise", ORDER | {"capture": False})
REDEEMED = answer_example("redeemed", ANSWER, 201)
AUTHORISED = answer_example(
    "authorised",
    ANSWER | {"state": "authorised", "expires_at": "2026-11-27T11:17:33.120000Z"},
    201,
)
BELOW_THRESHOLD = OpenApiExample(
    "below the threshold",
    value={
        "type": "urn:huimin:refusal:below_threshold",
        "title": "The order is ¥22 short of the ¥100 this voucher needs.",
        "title_zh": "订单未满 100元，还差 22元。",
        "status": 422,
        "code": "below_threshold",
        "retryable": False,
        "authority": "campaign",
        "rule": "below_threshold",
        "facts": {"threshold_fen": 10_000, "missing_fen": 2_200},
    },
    response_only=True,
    status_codes=["4XX"],
    media_type="application/problem+json",
)
BATCH = request_example(
    "two orders taken offline",
    {
        "redemptions": [
            ORDER | {"idempotency_key": "0001-123", "occurred_at": "2026-11-27T18:02:00+08:00"},
            ORDER
            | {
                "idempotency_key": "0001-124",
                "order_no": "20261127-000124",
                "occurred_at": "2026-11-27T18:05:00+08:00",
            },
        ]
    },
)
BATCH_ANSWERED = answer_example(
    "one redeemed, one refused",
    {
        "redemptions": [
            {"idempotency_key": "0001-123", "status": 201, "replayed": False, "body": ANSWER},
            {
                "idempotency_key": "0001-124",
                "status": 409,
                "replayed": False,
                "body": {
                    "type": "urn:huimin:refusal:voucher_redeemed",
                    "title": "This voucher has already been used.",
                    "title_zh": "此券已核销。",
                    "status": 409,
                    "code": "voucher_redeemed",
                    "retryable": False,
                    "authority": "voucher",
                    "rule": "voucher_redeemed",
                    "facts": {},
                },
            },
        ]
    },
)
QUOTE = request_example("quote", ORDER)
QUOTED = answer_example(
    "quoted",
    {
        name: value
        for name, value in ANSWER.items()
        if name not in {"id", "state", "business_day", "redeemed_at"}
    },
)
CAPTURE = request_example("capture", {"order_amount_fen": 18_000})
CAPTURED = answer_example(
    "captured",
    {
        "id": 48_211,
        "state": "captured",
        "discount_fen": 2_000,
        "by_source": SHARES,
        "payable_fen": 16_000,
        "order_amount_fen": 18_000,
        "returned_fen": 0,
        "voucher_usable": False,
        "captured_at": "2026-11-27T11:08:02.004000Z",
    },
)
BELOW_AT_CAPTURE = answer_example(
    "voided at its capture",
    {
        "id": 48_211,
        "state": "voided",
        "discount_fen": 0,
        "by_source": [],
        "payable_fen": 7_800,
        "order_amount_fen": 7_800,
        "returned_fen": 2_000,
        "voucher_usable": True,
        "voided_at": "2026-11-27T11:08:02.004000Z",
        "code": "below_threshold",
        "because": "The order is ¥22 short of the ¥100 this voucher needs.",
        "because_zh": "订单未满 100元，还差 22元。",
    },
)
VOIDED = answer_example(
    "voided",
    {
        "id": 48_211,
        "state": "voided",
        "returned_fen": 2_000,
        "voucher_usable": True,
        "voided_at": "2026-11-27T11:20:00.000000Z",
    },
)
REVERSE = request_example("reverse", {"store": "0001", "order_no": "20261127-000123"})
REVERSED = answer_example(
    "reversed",
    {
        "id": None,
        "state": "reversed",
        "merchant": "huilian",
        "store": "0001",
        "order_no": "20261127-000123",
        "returned_fen": 0,
        "voucher_usable": None,
        "reversed_at": "2026-11-27T11:20:00.000000Z",
    },
)
REFUND = request_example(
    "refund", {"store": "0002", "amount_fen": 11_500, "refund_no": "T-20261129-0004"}
)
REFUNDED = answer_example(
    "refunded",
    {
        "id": 48_211,
        "refund_no": "T-20261129-0004",
        "amount_fen": 11_500,
        "clawback_fen": 1_000,
        "by_source": [{"source": "city", "fen": 700}, {"source": "platform", "fen": 300}],
        "voucher_usable": False,
        "state": "captured",
        "refunded_at": "2026-11-29T02:30:00.000000Z",
    },
)
