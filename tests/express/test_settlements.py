"""Settlements over HTTP: a merchant's own, its files the same for ever, and no other's."""

import csv
import hashlib
import io
from base64 import b64decode
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.utils import timezone

from merchants.models import Credential, Merchant
from merchants.services import issue_credential
from tests.support import cast
from tests.support.http_till import HttpTill, http_till, open_campaign, sent, shown, till_key
from tests.support.refunds import send_cash
from tests.support.web_server import Server
from vouchers.models import Campaign
from vouchers.rules.limits.limits import business_day
from vouchers.services.settlement.days import pay, settle_day

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

PATH = "/api/v1/settlements"
COUNT = 3


def accounts_key(*merchants: Merchant, is_test: bool = False, scope: str = "settlements") -> str:
    """The key of merchants' accounts."""
    _, key = issue_credential(
        name="accounts",
        kind=Credential.Kind.INTEGRATOR,
        scopes=[scope],
        merchants=merchants,
        is_test=is_test,
        at=timezone.now(),
    )
    return key


@pytest.fixture
def clients(express_server: Server, rest_server: Server) -> Iterator[list[httpx.Client]]:
    """Of the express door's server and of the other one."""
    with express_server.client() as first, rest_server.client() as second:
        yield [first, second]


@pytest.fixture
def campaign(clients: list[httpx.Client]) -> Campaign:
    """Today's redemptions in Nanjing Road, settled for both sources."""
    campaign = open_campaign(timezone.now(), funding=cast.CO_FUNDED)
    till = till_key(cast.nanjing_road())
    hand = http_till(campaign, "day", till, size=COUNT, holder=cast.alice())
    for number in range(COUNT):
        shown(clients[0], hand, number)
    today = business_day(timezone.now(), campaign.zone)
    assert len(settle_day(campaign=campaign, business_day=today, at=timezone.now())) == 2
    return campaign


def asked(clients: list[httpx.Client], key: str, path: str = PATH) -> httpx.Response:
    """The answer of both doors, which is one."""
    till = HttpTill("accounts", key, [])
    first, second = (sent(client, till.look(path)) for client in clients)
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert first.headers["content-type"] == second.headers["content-type"]
    return first


def test_a_merchant_lists_its_settlements_and_its_files_add_up(
    campaign: Campaign, clients: list[httpx.Client]
) -> None:
    key = accounts_key(cast.huilian())
    listed: list[dict[str, Any]] = asked(clients, key).json()
    assert [(each["source"], each["total_fen"]) for each in listed] == [
        ("city", COUNT * 1_200),
        ("group", COUNT * 800),
    ]
    for each in listed:
        assert (each["merchant"], each["line_count"], each["state"]) == ("huilian", COUNT, "ready")
        file = asked(clients, key, f"{PATH}/{each['id']}/file")
        assert file.headers["content-type"] == "text/csv; charset=utf-8"
        digest = file.headers["content-digest"].removeprefix("sha-256=:").removesuffix(":")
        assert hashlib.sha256(file.content).digest() == b64decode(digest)
        assert hashlib.sha256(file.content).hexdigest() == each["sha256"]
        rows = list(csv.DictReader(io.StringIO(file.text)))
        assert sum(int(row["amount_fen"]) for row in rows) == each["total_fen"]
        assert {row["store"] for row in rows} == {"nanjing_road"}


def test_a_file_is_the_same_after_the_payout(
    campaign: Campaign, clients: list[httpx.Client]
) -> None:
    key = accounts_key(cast.huilian())
    settlement = campaign.settlements.get(source__code="city")
    path = f"{PATH}/{settlement.pk}/file"
    before = asked(clients, key, path).content
    send_cash(campaign)
    assert pay(settlement=settlement, at=timezone.now())
    assert asked(clients, key, path).content == before
    (city, _) = asked(clients, key).json()
    assert (city["state"], "paid_at" in city) == ("paid", True)


def test_settlements_are_found_by_campaign_merchant_and_day_and_page_by_page(
    campaign: Campaign, clients: list[httpx.Client]
) -> None:
    key = accounts_key(cast.huilian(), cast.rival())
    first, second = asked(clients, key).json()
    today, yesterday = first["business_day"], campaign.starts_at.date() - timedelta(days=1)
    for query, found in (
        (f"campaign={campaign.code}&merchant=HUILIAN&business_day={today}", [first, second]),
        (f"after={first['id']}", [second]),
        (f"after={second['id']}", []),
        ("campaign=another", []),
        ("merchant=rival", []),
        (f"business_day={yesterday}", []),
    ):
        assert asked(clients, key, f"{PATH}?{query}").json() == found, query


def test_a_search_that_is_not_understood_names_its_field(clients: list[httpx.Client]) -> None:
    key = accounts_key(cast.huilian())
    for query, field in (
        ("after=-1", "after"),
        ("after=1e3", "after"),
        ("after=" + "9" * 19, "after"),
        ("after=" + "9" * 5_000, "after"),
        ("business_day=2026-13-01", "business_day"),
        ("business_day=20260401", "business_day"),
        ("campaign=%00", "campaign"),
    ):
        answer = asked(clients, key, f"{PATH}?{query}")
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request"), query
        assert answer.json()["facts"]["field"] == field, query


def test_another_merchants_are_as_if_absent(
    campaign: Campaign, clients: list[httpx.Client]
) -> None:
    cast.rival_shop()
    number = campaign.settlements.get(source__code="city").pk
    of_all = f"{PATH}/{number}/file"
    for key in (accounts_key(cast.rival()), accounts_key(cast.huilian(), is_test=True)):
        assert asked(clients, key).json() == []
        for path in (of_all, f"{PATH}/{number + 99}/file", f"{PATH}/{'9' * 30}/file"):
            answer = asked(clients, key, path)
            assert (answer.status_code, answer.json()["rule"]) == (404, "settlement_unknown")
    for key, facts in (
        (till_key(cast.nanjing_road(), code="T2", scopes=("settlements",)), "whole_merchants"),
        (accounts_key(cast.huilian(), scope="redeem"), "forbidden"),
    ):
        for path in (PATH, of_all):
            answer = asked(clients, key, path)
            assert (answer.status_code, answer.json()["rule"]) == (403, facts)
    assert asked(clients, "vk_live_main_" + "A" * 43, of_all).status_code == 401
