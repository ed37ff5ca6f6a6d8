"""An order that is paid later and half returned, over HTTP, under each policy of refunds.

A table is authorised at ¥400, a dish goes back and ¥280 is captured; the next day half of what the
guest paid comes back at another restaurant of the chain, then the rest.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.utils import timezone

from merchants.models import Credential
from merchants.services import issue_credential
from tests.support import cast
from tests.support.concurrency.invariants import assert_proven
from tests.support.http_till import MONTH, PATH, HttpTill, http_till, sent
from tests.support.refunds import send_cash
from tests.support.web_server import Server
from vouchers.models import Campaign, Voucher
from vouchers.queries.ledger.balances import balances
from vouchers.rules.limits.limits import business_day
from vouchers.services.settlement.days import settle_and_pay_day
from vouchers.states import AccountKind, RefundPolicy, VoucherState

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

DISCOUNT_FEN, FINAL_FEN = 2_000, 28_000
PAID_FEN = FINAL_FEN - DISCOUNT_FEN
HALF_FEN = PAID_FEN // 2
BY_CITY_AND_GROUP = {DISCOUNT_FEN: (1_200, 800), DISCOUNT_FEN // 2: (600, 400), 0: ()}


@dataclass
class Restaurant:
    """A till of Huilian's whose campaign has one policy of refunds."""

    client: httpx.Client
    hand: HttpTill
    campaign: Campaign
    acts: int = 0

    def act(self, path: str, status: int = 200, **body: Any) -> dict[str, Any]:
        """The answer to one act under a key of its own."""
        self.acts += 1
        answer = sent(self.client, self.hand.post(PATH + path, body, key=f"act {self.acts}"))
        assert answer.status_code == status, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def captured(self) -> int:
        """The table: authorised, then captured on less. The redemption's id."""
        authorised = self.act("", 201, **self.hand.order(0, order_amount_fen=40_000, capture=False))
        assert (authorised["state"], authorised["payable_fen"]) == ("authorised", 38_000)
        assert self.money() == {"authorised": DISCOUNT_FEN}
        id_: int = authorised["id"]
        captured = self.act(f"/{id_}/capture", order_amount_fen=FINAL_FEN)
        assert (captured["state"], captured["payable_fen"]) == ("captured", PAID_FEN)
        assert self.money() == {"payable": DISCOUNT_FEN}
        return id_

    def refund(self, id_: int, fen: int, no: str, status: int = 200) -> dict[str, Any]:
        """Money back at another restaurant of the chain."""
        return self.act(f"/{id_}/refunds", status, store="xujiahui", amount_fen=fen, refund_no=no)

    def money(self) -> dict[str, int]:
        """Where the voucher's money is, both sources together, without what is not given out."""
        kinds = (
            AccountKind.OUTSTANDING,
            AccountKind.AUTHORISED,
            AccountKind.PAYABLE,
            AccountKind.SETTLED,
            AccountKind.RECOVERABLE,
        )
        sources = balances(self.campaign.pk).values()
        sums = {kind.value: sum(by_kind[kind] for by_kind in sources) for kind in kinds}
        return {kind: fen for kind, fen in sums.items() if fen}

    def seen(self, id_: int) -> dict[str, Any]:
        """The redemption as the till reads it."""
        found: dict[str, Any] = sent(self.client, self.hand.look(f"{PATH}/{id_}")).json()
        return found


def shares(answer: dict[str, Any]) -> tuple[int, ...]:
    return tuple(share["fen"] for share in answer["by_source"])


@pytest.fixture
def restaurant(service: Server, request: pytest.FixtureRequest) -> Iterator[Restaurant]:
    now = timezone.now()
    draft = cast.spring_campaign(
        funding=cast.CO_FUNDED, limits={}, starts_at=now - timedelta(days=2), ends_at=now + MONTH
    )
    Campaign.objects.filter(pk=draft.pk).update(refund_policy=request.param.value)
    campaign = cast.launched(draft, at=now)
    _, key = issue_credential(
        name="chain",
        kind=Credential.Kind.INTEGRATOR,
        scopes=["redeem", "refund"],
        merchants=[cast.huilian()],
        at=now,
    )
    hand = http_till(campaign, "table", key, size=1, holder=cast.alice())
    with service.client() as client:
        yield Restaurant(client, hand, campaign)
    assert_proven()


def voucher_state() -> VoucherState:
    return VoucherState(Voucher.objects.get().state)


def under(*policies: RefundPolicy) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("restaurant", policies, indirect=True, ids=str)


@under(RefundPolicy.PRO_RATA, RefundPolicy.RETURN)
def test_half_and_then_the_rest_take_the_subsidy_back_in_proportion(
    restaurant: Restaurant,
) -> None:
    id_ = restaurant.captured()
    half = restaurant.refund(id_, HALF_FEN, "R-1")
    assert (half["clawback_fen"], shares(half)) == (1_000, BY_CITY_AND_GROUP[1_000])
    assert (half["state"], half["voucher_usable"]) == ("captured", False)
    too_much = restaurant.refund(id_, HALF_FEN + 1, "R-2", 422)
    assert too_much["facts"] == {"left_fen": HALF_FEN, "amount_fen": HALF_FEN + 1}
    assert restaurant.money() == {"payable": 1_000}
    rest = restaurant.refund(id_, HALF_FEN, "R-3")
    assert (rest["clawback_fen"], rest["state"]) == (1_000, "refunded")
    assert (restaurant.money(), voucher_state()) == ({}, VoucherState.WITHDRAWN)
    made = [(each["refund_no"], each["store"]) for each in restaurant.seen(id_)["refunds"]]
    assert made == [("R-1", "xujiahui"), ("R-3", "xujiahui")]


@under(RefundPolicy.RETURN)
def test_everything_at_once_gives_the_voucher_back(restaurant: Restaurant) -> None:
    id_ = restaurant.captured()
    whole = restaurant.refund(id_, PAID_FEN, "R-1")
    assert (shares(whole), whole["voucher_usable"]) == (BY_CITY_AND_GROUP[DISCOUNT_FEN], True)
    assert restaurant.money() == {"outstanding": DISCOUNT_FEN}
    again = restaurant.act("", 201, **restaurant.hand.order(0, order_no="another"))
    assert again["discount_fen"] == DISCOUNT_FEN


@under(RefundPolicy.FORFEIT)
def test_only_everything_can_be_refunded_where_the_voucher_is_forfeit(
    restaurant: Restaurant,
) -> None:
    id_ = restaurant.captured()
    assert restaurant.refund(id_, HALF_FEN, "R-1", 409)["rule"] == "refund_whole_only"
    assert restaurant.money() == {"payable": DISCOUNT_FEN}
    whole = restaurant.refund(id_, PAID_FEN, "R-2")
    assert (whole["clawback_fen"], whole["voucher_usable"]) == (DISCOUNT_FEN, False)
    assert (restaurant.money(), voucher_state()) == ({}, VoucherState.WITHDRAWN)


@under(RefundPolicy.PRO_RATA)
def test_after_the_payout_half_of_it_is_owed_by_the_merchant(restaurant: Restaurant) -> None:
    id_ = restaurant.captured()
    send_cash(restaurant.campaign)
    now = timezone.now()
    today = business_day(now, restaurant.campaign.zone)
    settle_and_pay_day(campaign=restaurant.campaign, business_day=today, at=now)
    assert restaurant.money() == {"settled": DISCOUNT_FEN}
    assert restaurant.act(f"/{id_}/void", 409)["rule"] == "void_settled"
    assert restaurant.refund(id_, HALF_FEN, "R-1")["clawback_fen"] == 1_000
    assert restaurant.money() == {"settled": 1_000, "recoverable": 1_000}
