"""The client of the documentation has every call and every field of the API.

The service is played by its own description: what is asked has to be valid by it, and its example
is the answer. That the service itself does so is proved by `tests/express/test_schema`.
"""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import fields
from functools import cache
from inspect import signature
from typing import Any

import httpx
import jsonschema_rs
import pytest

from docs.client import channel, huimin
from docs.client.channel import Channel, Place
from docs.client.huimin import Client, Enrolment, Order, OutcomeUnknown, Refused
from docs.generated.api import METHODS, openapi

ADDRESS = "https://huimin.example"
HOME = Place(121.4737, 31.2304, "GCJ-02")
ORDER = Order("81000000100000012345", "0001", "A-1", 25_000, "R-1")
# Not for a till or an app: a table for those who write one.
NOT_OF_A_CLIENT = {"sandbox_amounts"}
# What an order says by the method it is given to, or can't say otherwise.
NOT_OF_AN_ORDER = {"capture", "currency"}


@cache
def document() -> Any:
    return openapi()


class Described(httpx.BaseTransport):
    """A service that answers what its description shows, and remembers which calls it has had."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The example of the call that fits the request. Raises AssertionError if it is invalid."""
        call = call_of(request)
        self.asked.append(call["operationId"])
        known = {it["name"] for it in call.get("parameters", ()) if it["in"] == "query"}
        assert request.url.params.keys() <= known
        needs_key = any(it["name"] == "Idempotency-Key" for it in call.get("parameters", ()))
        assert needs_key == ("Idempotency-Key" in request.headers)
        if "requestBody" in call:
            assert faults_in(content_of(call["requestBody"]), json.loads(request.content)) == []
        return answer_of(call)


def call_of(request: httpx.Request) -> Any:
    """The description of the call; the address without anything to fill in comes first."""
    for path, methods in sorted(document()["paths"].items(), key=lambda it: "{" in it[0]):
        form = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))
        if re.fullmatch(form, request.url.path) and request.method.lower() in methods:
            return methods[request.method.lower()]
    raise AssertionError(f"there is no {request.method} {request.url.path}")


def content_of(described: Any) -> Any:
    return next(iter(described["content"].values()))


def faults_in(content: Any, body: Any) -> list[str]:
    schema = {**content["schema"], "components": document()["components"]}
    return [it.message for it in jsonschema_rs.Draft202012Validator(schema).iter_errors(body)]


def answer_of(call: Any) -> httpx.Response:
    """The first example of the good answer."""
    status, answer = next(it for it in call["responses"].items() if it[0].startswith("2"))
    if "content" not in answer:
        return httpx.Response(int(status))
    example = next(iter(content_of(answer)["examples"].values()))["value"]
    if isinstance(example, str):
        return httpx.Response(int(status), text=example)
    return httpx.Response(int(status), json=example)


def everything(service: httpx.BaseTransport) -> Iterable[Callable[[], Any]]:
    """Every method of the client."""
    till = Client(ADDRESS, "vk_live_1", transport=service)
    app = Channel(ADDRESS, "vk_live_2", transport=service)
    yield lambda: Enrolment(ADDRESS, transport=service).enrol("K7QM-2XRT-9HVD")
    yield lambda: till.quote_fen(ORDER)
    yield lambda: till.redeem(ORDER, key="1")
    yield lambda: till.authorise(ORDER, key="1")
    yield lambda: till.capture(1, order_amount_fen=1, payment_ref="P", receipt_no="R", key="2")
    yield lambda: till.void(1, key="3")
    yield lambda: till.reverse(store="0001", order_no="A-1", merchant="huilian", key="4")
    yield lambda: till.refund(1, store="0001", amount_fen=1, refund_no="T", key="5")
    yield lambda: till.redemption(1)
    yield lambda: till.find(order_no="A-1", store="0001", business_day="2026-11-29")
    yield lambda: till.redeem_all([("1", ORDER)])
    yield lambda: till.settlements(campaign="autumn", merchant="huilian", after=1)
    yield lambda: till.settlement_file(1)
    yield lambda: app.offers("R-1")
    yield lambda: app.claim("R-1", "autumn/off20", at=HOME, device="d-1", proxy="R-2", key="6")
    yield lambda: app.present(ORDER.voucher, resident="R-1")
    yield lambda: app.issue_paper(ORDER.voucher, resident="R-1", national_id="11010519491231002X")
    yield lambda: app.register("R-1", birth_year=1951, tags=[1], points={"home": HOME}, phone="1")
    yield lambda: app.move("R-1", "recent", HOME)
    yield lambda: app.agree("R-1", "targeting", text_version="2026-03")
    yield lambda: app.withdraw("R-1", "targeting")
    yield lambda: app.declare_proxy("R-1", "R-2", relation="daughter")
    yield lambda: app.end_proxy("R-1", "R-2")
    yield lambda: app.wallet("R-1", after=ORDER.voucher)
    yield lambda: app.explain("R-1", campaign="autumn")


def test_the_client_has_every_call() -> None:
    service = Described()
    for ask in everything(service):
        ask()
    calls = {
        call[verb]["operationId"]
        for call in document()["paths"].values()
        for verb in METHODS
        if verb in call
    }
    assert set(service.asked) == calls - NOT_OF_A_CLIENT


def properties(name: str) -> set[str]:
    """The fields of a body."""
    return set(document()["components"]["schemas"][name]["properties"])


def named(kind: Any) -> set[str]:
    """The fields of a dataclass, or the parameters of a method."""
    if isinstance(kind, type):
        return {field.name for field in fields(kind)}
    return signature(kind).parameters.keys() - {"self", "key"}


def test_an_order_has_every_field() -> None:
    assert named(Order) == properties("RedeemSchema") - NOT_OF_AN_ORDER


@pytest.mark.parametrize(
    ("kind", "schema", "beside"),
    [
        (Client.capture, "FinalOrderSchema", {"currency"}),
        (Client.refund, "RefundSchema", {"currency"}),
        (Client.reverse, "ReverseSchema", set()),
        (Channel.register, "ResidentSchema", set()),
        (Place, "PlaceSchema", set()),
        (channel.Claimed, "ClaimedSchema", set()),
        (channel.Explanation, "ExplanationSchema", set()),
        (channel.HeldVoucher, "WalletVoucherSchema", set()),
        (channel.Offer, "OfferSchema", set()),
        (channel.Paper, "PaperSchema", set()),
        (channel.Presented, "PresentedSchema", set()),
        (channel.Standing, "StandingSchema", set()),
        (huimin.Enrolled, "EnrolledSchema", set()),
        (huimin.Settlement, "SettlementSchema", set()),
        (huimin.Share, "SourceShareSchema", set()),
    ],
    ids=lambda it: it if isinstance(it, str) else "",
)
def test_a_body_has_every_field(kind: Any, schema: str, beside: set[str]) -> None:
    addresses = {"redemption_id", "resident"} if not isinstance(kind, type) else set()
    assert named(kind) - addresses == properties(schema) - beside


def test_a_code_is_sent_without_a_resident_and_the_payers_are_answered() -> None:
    sent = Order("900000482110391746", "0001", "A-1", 25_000).body()
    assert sent.keys() == {"voucher", "store", "order_no", "order_amount_fen"}
    made = Client(ADDRESS, "k", transport=Described()).redeem(ORDER, key="1")
    assert sum(share.fen for share in made.by_source) == made.discount_fen


def test_an_amount_of_nothing_is_sent() -> None:
    """It isn't left out: then the whole order would be eligible."""
    order = Order("8" * 20, "0001", "A-1", 25_000, "R-1", eligible_amount_fen=0)
    assert order.body()["eligible_amount_fen"] == 0


def test_an_invalid_request_is_noticed() -> None:
    """The control."""
    with pytest.raises(AssertionError):
        Channel(ADDRESS, "k", transport=Described()).claim("R-1", "no separator", key="1")


def test_refusals_and_silence_are_told_apart() -> None:
    refusal = {"code": "sold_out", "rule": "sold_out", "title": "", "title_zh": "", "facts": {}}
    answers = {409: Refused, 503: OutcomeUnknown}
    for status, error in answers.items():
        said = httpx.MockTransport(lambda _, status=status: httpx.Response(status, json=refusal))
        app = Channel(ADDRESS, "k", pauses_s=(0, 0), transport=said)
        with pytest.raises(error):
            app.offers("R-1")
        with pytest.raises(error):
            app.claim("R-1", "autumn/off20", key="1")
