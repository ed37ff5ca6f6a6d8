"""Examples in the OpenAPI description: a day at a till, on a voucher of ¥20 off from ¥100."""

from typing import Any

from vouchers.api.examples import (
    RESIDENT_NO,
    answer_example,
    refusal_example,
    refused,
    request_example,
)

ORDER: dict[str, Any] = {
    "voucher": "81000000100000012345",
    "store": "0001",
    "order_no": "20261127-000123",
    "order_amount_fen": 25_000,
    "resident": RESIDENT_NO,
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


REDEEM = request_example("redeem", ORDER | {"receipt_no": "A-7781", "payment_ref": "4200001234"})
AUTHORISE = request_example("authorise", ORDER | {"capture": False})
REDEEMED = answer_example("redeemed", ANSWER, 201)
AUTHORISED = answer_example(
    "authorised",
    ANSWER | {"state": "authorised", "expires_at": "2026-11-27T11:17:33.120000Z"},
    201,
)
BELOW_THRESHOLD = refusal_example(
    "below the threshold", "below_threshold", threshold_fen=10_000, missing_fen=2_200
)
FOUND = answer_example(
    "redeemed, and refunded in part since",
    ANSWER
    | {
        "refunds": [
            {
                "refund_no": "T-20261129-0004",
                "amount_fen": 11_500,
                "clawback_fen": 1_000,
                "store": "0002",
                "refunded_at": "2026-11-29T02:30:00.000000Z",
            }
        ]
    },
)
NOT_FOUND = refusal_example("another merchant's, or none", "not_found")
NO_NUMBER = refusal_example(
    "nothing to search by",
    "malformed_request",
    problem="name one of order_no, receipt_no, payment_ref, idempotency_key",
    problem_zh="请给出以下之一：order_no、receipt_no、payment_ref、idempotency_key",
    field="order_no",
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
                "body": refused("voucher_redeemed"),
            },
        ]
    },
)
BATCH_MALFORMED = refusal_example(
    "no lines",
    "malformed_request",
    problem="Object missing required field `redemptions`",
    field="$.redemptions",
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
CAPTURE_EXPIRED = refusal_example(
    "after it has ended",
    "redemption_state",
    "capture_expired",
    ended_at="2026-11-27T19:17:33.120000+08:00",
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
VOID_SETTLED = refusal_example("already settled", "redemption_state", "void_settled")
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
NO_STORE = refusal_example("a store that is not the key's", "store_not_found")
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
REFUND_TOO_LARGE = refusal_example("more than was paid", "refund_too_large", left_fen=11_500)
