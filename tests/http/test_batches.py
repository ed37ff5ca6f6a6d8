"""A line of a batch is the request that the single call would be, and so is a quote."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchants.auth import Caller
from merchants.errors import Refusal, Refused
from vouchers.http.answers import problem
from vouchers.http.batches import LINES_MAX, Line, parse_batch, render_batch
from vouchers.http.redemption import REDEMPTIONS, quote_request, redeem_request
from vouchers.services.acts import Answer
from vouchers.services.redemption import RedeemRequest
from vouchers.services.redemption.requests import RedeemOrder

NOON = datetime(2026, 4, 1, 4, tzinfo=UTC)
TILL = Caller(
    credential_id=1,
    kind="terminal",
    scopes=frozenset({"redeem"}),
    merchant_ids=frozenset({1}),
    store_ids=frozenset({1}),
    terminal_code="T1",
    channel_code="",
    is_test=False,
)
ORDER: dict[str, Any] = {
    "voucher": "8" + "0" * 19,
    "store": "0001",
    "order_no": "A-1",
    "order_amount_fen": 25_000,
    "resident": "R-1",
}


def parsed(*lines: Any) -> list[Line]:
    body = json.dumps({"redemptions": list(lines)}, indent=1).encode()
    return parse_batch(caller=TILL, body=body, at=NOON)


def alone(order: dict[str, Any], key: str) -> RedeemRequest:
    body = json.dumps(order).encode()
    return redeem_request(caller=TILL, key=key, path=REDEMPTIONS, body=body, at=NOON)


def quoted(order: dict[str, Any]) -> RedeemRequest:
    return quote_request(caller=TILL, body=json.dumps(order).encode(), at=NOON)


def heard(request: Callable[[], RedeemRequest]) -> RedeemRequest | Refusal:
    try:
        return request()
    except Refused as refused:
        return refused.refusal


def judged(found: RedeemRequest | Refusal) -> RedeemRequest | Refusal:
    """What the rules see of a request."""
    return found if isinstance(found, Refusal) else replace(found, key="", fingerprint=b"")


@pytest.mark.parametrize(
    "order",
    [
        ORDER,
        ORDER | {"capture": False, "receipt_no": "K", "unknown": [1, {"x": None}]},
        ORDER | {"occurred_at": "2026-04-01T11:58:00+08:00"},
        dict(reversed(ORDER.items())),
    ],
)
def test_a_line_is_the_single_calls_request(order: dict[str, Any]) -> None:
    (line,) = parsed({"idempotency_key": "k-1", **order})
    assert line == Line("k-1", alone(order, "k-1"))


VALUES: Mapping[str, st.SearchStrategy[Any]] = {
    "voucher": st.sampled_from(["8" + "0" * 19, "8000 0000 0000 0000 0000", "7"]),
    "store": st.sampled_from(["0001", "", " 1"]),
    "order_no": st.sampled_from(["A-1", "a-1", "é"]),
    "order_amount_fen": st.integers(-1, 30_000),
    "resident": st.sampled_from(["R-1", "r 1", ""]),
    "id_digits": st.sampled_from(["002X", "0021", "2"]),
    "merchant": st.sampled_from(["huilian", " "]),
    "eligible_amount_fen": st.integers(-1, 30_000),
    "order_kind": st.sampled_from(["in_store", "delivered", "other"]),
    "category": st.text(max_size=41),
    "terminal": st.sampled_from(["T1", "\n"]),
    "device": st.sampled_from(["D1", "d" * 81]),
    "payment_ref": st.sampled_from(["P1", "é"]),
    "receipt_no": st.sampled_from(["K1", "é"]),
    "longitude": st.sampled_from([121.4, 31.2, 1000.0]),
    "latitude": st.sampled_from([31.2, 121.4]),
    "datum": st.sampled_from(["WGS-84", "GCJ-02", "BD-09", "mars"]),
    "currency": st.sampled_from(["CNY", "USD"]),
    "occurred_at": st.sampled_from(["2026-04-01T11:58:00+08:00", "1026-04-01T00:00:00Z", "now"]),
    "capture": st.booleans(),
}
"""Of every field what is good and what is not."""


def test_every_field_of_an_order_is_drawn_in_the_next_test() -> None:
    assert set(VALUES) == set(RedeemOrder.__struct_fields__)


@given(
    st.fixed_dictionaries({}, optional=VALUES),
    st.sampled_from([{}, {"longitude": 121.4, "latitude": 31.2, "datum": "GCJ-02"}]),
)
def test_a_line_and_a_quote_are_the_single_calls_request_in_every_field(
    fields: dict[str, Any], place: dict[str, Any]
) -> None:
    order = ORDER | place | fields
    (line,) = parsed({**order, "idempotency_key": "k"})
    single = heard(lambda: alone(order, "k"))
    assert line == Line("k", problem(single) if isinstance(single, Refusal) else single)
    assert judged(heard(lambda: quoted(order))) == judged(single)


def test_a_key_is_shown_as_it_was_sent_and_compared_folded() -> None:
    (line,) = parsed({**ORDER, "idempotency_key": "k-Ab"})
    assert isinstance(line.request, RedeemRequest)
    assert (line.key, line.request.key) == ("k-Ab", "K-AB")


def test_a_field_given_twice_counts_as_given_last() -> None:
    body = json.dumps({**ORDER, "idempotency_key": "first"})
    twice = f'{body[:-1]}, "idempotency_key": "last", "order_amount_fen": 9}}'
    (line,) = parse_batch(caller=TILL, body=f'{{"redemptions": [{twice}]}}'.encode(), at=NOON)
    assert line.request == alone(ORDER | {"order_amount_fen": 9}, "last")


@pytest.mark.parametrize("key", [None, 7, "", "é", "k" * 256, ["k"]])
def test_a_line_without_a_key_is_refused_alone(key: Any) -> None:
    good, bad = parsed({**ORDER, "idempotency_key": "k"}, {**ORDER, "idempotency_key": key})
    assert isinstance(good.request, RedeemRequest)
    assert isinstance(bad.request, Answer)
    said = json.loads(bad.request.body)
    assert said["code"] == "idempotency_key_required"
    assert "in a line of a batch: idempotency_key" in said["title"]


def test_a_malformed_line_is_refused_with_the_single_calls_bytes() -> None:
    wrong = ORDER | {"order_amount_fen": "25000"}
    (line,) = parsed({**wrong, "idempotency_key": "k"})
    with pytest.raises(Refused) as refused:
        alone(wrong, "k")
    assert line == Line("k", problem(refused.value.refusal))


@pytest.mark.parametrize("count", [0, LINES_MAX + 1])
def test_a_batch_has_at_least_one_line_and_at_most_so_many(count: int) -> None:
    with pytest.raises(Refused) as refused:
        parsed(*[{}] * count)
    assert refused.value.refusal.facts["field"] == "$.redemptions"


def test_verdicts_stand_in_the_order_of_the_lines_with_their_bytes() -> None:
    lines = parsed({**ORDER, "idempotency_key": "a"}, 7, {**ORDER, "idempotency_key": "b"})
    answers = [Answer(201, b'{"id": 1}'), Answer(409, b'{"code":"x"}', is_replay=True)]
    answer = render_batch(lines, answers)
    assert answer.status == 200
    assert b'"body":{"id": 1}' in answer.body
    found = msgspec.json.decode(answer.body)["redemptions"]
    assert [(each["idempotency_key"], each["status"], each["replayed"]) for each in found] == [
        ("a", 201, False),
        (None, 400, False),
        ("b", 409, True),
    ]
