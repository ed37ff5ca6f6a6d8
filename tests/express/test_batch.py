"""A batch: one verdict a line, with the status and the bytes of the single call."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from django.utils import timezone

from tests.support import cast
from tests.support.concurrency.invariants import assert_proven
from tests.support.http_till import PATH, HttpTill, http_till, open_campaign, sent, till_key
from tests.support.web_server import Server
from vouchers.http.batches import LINES_MAX
from vouchers.models import Redemption

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

BATCH = f"{PATH}/batch"
VOUCHERS = 150
Line = dict[str, Any]


@pytest.fixture
def hand() -> HttpTill:
    cast.bob(), cast.rival_shop()
    key = till_key(cast.nanjing_road())
    campaign = open_campaign(timezone.now())
    return http_till(campaign, "batch", key, size=VOUCHERS, holder=cast.alice())


@pytest.fixture
def clients(express_server: Server, rest_server: Server) -> Iterator[list[httpx.Client]]:
    """The express door and the other one."""
    with express_server.client() as first, rest_server.client() as second:
        yield [first, second]


def line(hand: HttpTill, number: int, **change: Any) -> Line:
    """A line of a batch: an order and its key, which is the single call's."""
    return {"idempotency_key": f"{hand.name}-{number}", **hand.order(number, **change)}


def verdicts(client: httpx.Client, hand: HttpTill, lines: Any) -> list[dict[str, Any]]:
    """The verdicts on the lines of a batch; bodies as bytes."""
    answer = sent(client, hand.post(BATCH, {"redemptions": lines}, idempotency_key=None))
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["redemptions"]
    assert len(found) == len(lines)
    raw = answer.content
    for each in found:
        each["raw"] = json.dumps(each["body"], ensure_ascii=False, separators=(",", ":")).encode()
        assert each["raw"] in raw
    return found


def alone(client: httpx.Client, hand: HttpTill, sent_before: Line) -> httpx.Response:
    """The answer to a line sent as a single call under its key."""
    body = {name: value for name, value in sent_before.items() if name != "idempotency_key"}
    key = sent_before.get("idempotency_key")
    header = key.encode() if isinstance(key, str) else None
    return sent(client, hand.call(body, idempotency_key=header))


def test_a_line_has_the_status_and_the_bytes_of_the_single_call(
    hand: HttpTill, clients: list[httpx.Client]
) -> None:
    now = datetime.now(UTC)
    lines = [
        line(hand, 0),
        line(hand, 1, capture=False),
        line(hand, 2, order_amount_fen=9_999),
        line(hand, 3, resident="bob"),
        line(hand, 4, store="rival_shop"),
        line(hand, 5, order_no=hand.order(0)["order_no"]),
        line(hand, 6, occurred_at=(now - timedelta(hours=2)).isoformat()),
        line(hand, 7, occurred_at=(now - timedelta(days=30)).isoformat()),
        line(hand, 8, occurred_at=(now + timedelta(hours=1)).isoformat()),
        line(hand, 9, occurred_at="yesterday"),
        line(hand, 10, occurred_at="2026-11-27T18:02:00"),
        line(hand, 11, occurred_at="9999-12-31T23:59:59Z"),
        line(hand, 12, order_no=None),
        line(hand, 13, order_amount_fen=1e300),
        line(hand, 14, order_amount_fen="25000"),
        line(hand, 15, order_no="A\x001"),
        line(hand, 16) | {"idempotency_key": None},
        line(hand, 17) | {"idempotency_key": 7},
        line(hand, 18) | {"idempotency_key": "é"},
    ]
    found = verdicts(clients[1], hand, lines)
    codes = [each["body"].get("code", each["body"].get("state")) for each in found]
    malformed, no_key = "malformed_request", "idempotency_key_required"
    assert codes == [
        "captured",
        "authorised",
        "below_threshold",
        "voucher_not_usable",
        "store_not_found",
        "order_already_used",
        "captured",
        "order_time",
        "order_time",
        *[malformed] * 7,
        *[no_key] * 3,
    ]
    assert not any(each["replayed"] for each in found)
    for client in clients:
        for one, verdict in zip(lines, found, strict=True):
            single = alone(client, hand, one)
            assert (single.status_code, single.content) == (verdict["status"], verdict["raw"])
            is_kept = verdict["body"].get("code") not in {malformed, no_key}
            assert ("idempotent-replayed" in single.headers) is is_kept
    assert Redemption.objects.count() == 3
    assert_proven()


def test_a_batch_sent_again_answers_the_same_and_does_nothing(
    hand: HttpTill, clients: list[httpx.Client]
) -> None:
    """Also where some of its lines were sent alone before, and where one key stands twice."""
    lines = [line(hand, number) for number in range(4)]
    before = alone(clients[0], hand, lines[0])
    lines.append(lines[1])
    lines.append(line(hand, 5) | {"idempotency_key": lines[2]["idempotency_key"]})
    first = verdicts(clients[0], hand, lines)
    assert [each["replayed"] for each in first] == [True, False, False, False, True, False]
    assert first[0]["raw"] == before.content
    assert first[4]["raw"] == first[1]["raw"]
    assert first[5]["body"]["code"] == "idempotency_key_reused"
    again = verdicts(clients[1], hand, lines)
    assert [each["raw"] for each in again] == [each["raw"] for each in first]
    assert [each["replayed"] for each in again] == [True] * 5 + [False]
    assert Redemption.objects.count() == 4
    assert_proven()


def test_more_lines_than_one_transaction_takes(hand: HttpTill, clients: list[httpx.Client]) -> None:
    found = verdicts(clients[0], hand, [line(hand, number) for number in range(VOUCHERS)])
    assert {each["status"] for each in found} == {201}
    assert [each["body"]["voucher"] for each in found] == hand.codes
    assert Redemption.objects.count() == VOUCHERS
    assert_proven()


NO_BATCHES = {
    "empty": (b"", "$"),
    "a list": (b"[]", "$"),
    "without lines": (b"{}", "$.redemptions"),
    "lines that are no list": (b'{"redemptions": {}}', "$.redemptions"),
    "no lines": (b'{"redemptions": []}', "$.redemptions"),
    "too many lines": (
        b'{"redemptions": [' + b",".join([b"{}"] * (LINES_MAX + 1)) + b"]}",
        "$.redemptions",
    ),
    "cut off": (b'{"redemptions": [{"voucher": "1"}', "$"),
    "nested deeply": (b'{"redemptions": [' + b"[" * 30_000 + b"]" * 30_000 + b"]}", "$"),
    "no UTF-8": (b"\xff", "$"),
}
"""Bodies, and the field that the refusal names."""


def test_an_invalid_batch_is_refused_whole_by_both_doors(
    hand: HttpTill, clients: list[httpx.Client]
) -> None:
    for name, (body, field) in NO_BATCHES.items():
        answers = [sent(client, hand.post(BATCH, body)) for client in clients]
        for answer in answers:
            assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request"), name
            assert answer.json()["facts"]["field"] == field, name
        assert answers[0].content == answers[1].content, name
    huge = b'{"redemptions": ["' + b" " * 10_000_000 + b'"]}'
    answers = [sent(client, hand.post(BATCH, huge)) for client in clients]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert answers[0].content == answers[1].content


def test_an_invalid_line_does_not_fail_the_other_lines(
    hand: HttpTill, clients: list[httpx.Client]
) -> None:
    lines: list[Any] = [7, "voucher", None, [], {}, line(hand, 0)]
    found = verdicts(clients[0], hand, lines)
    assert [each["status"] for each in found] == [400] * 5 + [201]
    assert [each["idempotency_key"] for each in found[:5]] == [None] * 5


def test_a_batch_needs_the_scope_and_a_json_body(
    hand: HttpTill, clients: list[httpx.Client]
) -> None:
    lines = {"redemptions": [line(hand, 0)]}
    clerk = till_key(cast.nanjing_road(), code="T2", scopes=("refund", "quote"))
    for client in clients:
        refused = sent(client, hand.post(BATCH, lines, authorization=b"Bearer " + clerk.encode()))
        assert (refused.status_code, refused.json()["facts"]) == (403, {"scope": "redeem"})
        as_text = sent(client, hand.post(BATCH, lines, content_type=b"text/plain"))
        assert as_text.status_code == 415
    assert not Redemption.objects.exists()
