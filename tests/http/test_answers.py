"""Outcomes and refusals as HTTP: one status, one body and the headers that go with them."""

import json

import pytest

from merchants.errors import Fact, Refusal
from vouchers.errors import CATALOGUE
from vouchers.http.answers import headers_of, problem, render
from vouchers.services.acts import BUSY


def test_a_refusal_is_a_problem_with_both_texts() -> None:
    answer = render(Refusal("order_reversed", facts={"order_no": "A-1"}))
    assert answer.status == 409
    assert json.loads(answer.body) == {
        "type": "urn:huimin:refusal:order_reversed",
        "title": "The order A-1 has been reversed. Use a new order number.",
        "title_zh": "订单 A-1 已冲正，请使用新的订单号。",
        "status": 409,
        "code": "order_reversed",
        "retryable": False,
        "authority": "campaign",
        "rule": "order_reversed",
        "facts": {"order_no": "A-1"},
    }
    assert headers_of(answer) == [("Content-Type", "application/problem+json")]


def test_of_an_opaque_refusal_neither_rule_nor_facts_are_shown() -> None:
    body = json.loads(problem(Refusal("voucher_not_usable", "holder_or_proxy", {"x": 1})).body)
    assert (body["rule"], body["facts"]) == ("voucher_not_usable", {})


@pytest.mark.parametrize("window", ["day", "week", "campaign"])
def test_the_limit_of_a_shared_device_is_answered_as_the_customers_own(window: str) -> None:
    """Whose else the device is, or that it is any other's, is not for a cashier."""
    facts: dict[str, Fact] = {"limit": "1", "window": window, "next_at": "2026-04-02"}
    of_link = problem(Refusal("resident_limit", f"link_{window}", facts))
    assert of_link == problem(Refusal("resident_limit", f"resident_{window}", facts))


def test_only_what_is_not_stored_asks_for_the_same_request_in_a_second() -> None:
    """A stored refusal would be the same a second later under the same key."""
    assert ("Retry-After", "1") in headers_of(render(BUSY))
    limit = Refusal("store_limit", "store_day", {"limit": "1", "next_at": "2026-04-02"})
    assert [name for name, _ in headers_of(render(limit))] == ["Content-Type"]


def test_a_replay_says_so_and_a_missing_key_asks_for_one() -> None:
    replayed = render(Refusal("order_reversed"))._replace(is_replay=True)
    assert ("Idempotent-Replayed", "true") in headers_of(replayed)
    assert ("WWW-Authenticate", "Bearer") in headers_of(render(Refusal("unauthenticated")))


@pytest.mark.parametrize("code", CATALOGUE)
def test_every_code_can_be_rendered(code: str) -> None:
    for rule in ("", *CATALOGUE[code].by_rule):
        body = json.loads(problem(Refusal(code, rule)).body)
        assert (body["code"], body["status"]) == (code, CATALOGUE[code].status)
