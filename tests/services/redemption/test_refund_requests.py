"""A refund happens once per key and number, is at most what was paid, and is well formed."""

import json

import pytest

from merchants.errors import Refused
from tests.support import cast
from tests.support.cast import NOON
from tests.support.refund_stages import LATER, with_policy
from tests.support.refunds import (
    DISCOUNT_FEN,
    ORDER_FEN,
    PAID_FEN,
    assert_ties,
    bought,
    campaign_with,
    refund_of,
    refunded,
)
from tests.support.till import decoded, nothing_moves, till_of, voided
from vouchers.http.redemption import refund_request
from vouchers.models import (
    Attempt,
    Campaign,
    Refund,
)
from vouchers.states import (
    RefundPolicy,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def standing(rows_of_module: None) -> Campaign:
    """Under it a whole refund gives the voucher back; a hundred 满200减50 at most."""
    return campaign_with(RefundPolicy.RETURN, tier_counts={"off50": 100})


@pytest.fixture
def campaign(standing: Campaign) -> Campaign:
    return Campaign.objects.get(pk=standing.pk)


def test_the_same_key_gets_the_same_answer_and_one_refund(campaign: Campaign) -> None:
    redemption = bought(campaign)
    first = refunded(redemption, 19_000, key="k", refund_no="R-1")
    again = refunded(redemption, 19_000, key="k", refund_no="R-1", at=LATER)
    assert (again.status, again.body, again.is_replay) == (200, first.body, True)
    assert Refund.objects.count() == 1
    assert_ties(campaign)


def test_the_same_key_for_another_refund_is_refused(campaign: Campaign) -> None:
    redemption = bought(campaign)
    refund_of(redemption, 19_000, key="k", refund_no="R-1")
    with nothing_moves():
        status, body = decoded(refunded(redemption, 18_000, key="k", refund_no="R-1"))
    assert (status, body["code"]) == (422, "idempotency_key_reused")


def test_a_refund_number_serves_once_per_merchant(campaign: Campaign) -> None:
    first, second = bought(campaign, who="alice"), bought(campaign, who="carol")
    refund_of(first, 19_000, refund_no="R-1")
    for redemption in (first, second):
        with nothing_moves():
            status, body = decoded(refunded(redemption, 1_000, refund_no="R-1"))
        assert (status, body["code"], body["rule"]) == (409, "redemption_state", "refund_no_used")


def test_two_merchants_may_number_their_refunds_alike() -> None:
    stores = (cast.nanjing_road(), cast.rival_shop())
    campaign = campaign_with(RefundPolicy.RETURN, stores=stores)
    for store, who in zip(stores, ("alice", "carol"), strict=True):
        refund_of(bought(campaign, store=store, who=who), refund_no="R-1")
    assert Refund.objects.count() == 2


def test_no_more_is_refunded_than_was_paid(campaign: Campaign) -> None:
    redemption = bought(campaign)
    refund_of(redemption, 19_000)
    with nothing_moves():
        status, body = decoded(refunded(redemption, PAID_FEN - 18_999))
    assert (status, body["code"]) == (422, "refund_too_large")
    assert body["facts"]["left_fen"] == PAID_FEN - 19_000
    assert refund_of(redemption, PAID_FEN - 19_000)["state"] == "refunded"
    assert ORDER_FEN - DISCOUNT_FEN == PAID_FEN


def test_what_is_refunded_is_not_refunded_again(campaign: Campaign) -> None:
    redemption = bought(campaign)
    refund_of(redemption)
    with nothing_moves():
        status, body = decoded(refunded(redemption, 1))
    assert (status, body["code"], body["rule"]) == (409, "redemption_state", "refund_state")


def test_what_is_voided_is_not_refunded(campaign: Campaign) -> None:
    redemption = bought(campaign)
    voided(redemption, caller=till_of(cast.nanjing_road()))
    with nothing_moves():
        assert decoded(refunded(redemption))[1]["rule"] == "refund_state"


def test_what_is_refunded_in_part_is_not_voided(campaign: Campaign) -> None:
    redemption = bought(campaign)
    refund_of(redemption, 1)
    with nothing_moves():
        status, body = decoded(voided(redemption, caller=till_of(cast.nanjing_road())))
    assert (status, body["code"]) == (409, "redemption_state")


def test_under_forfeit_part_of_an_order_is_refused() -> None:
    campaign = with_policy(RefundPolicy.FORFEIT)
    redemption = bought(campaign)
    with nothing_moves():
        status, body = decoded(refunded(redemption, PAID_FEN - 1))
    assert (status, body["code"], body["rule"]) == (409, "redemption_state", "refund_whole_only")


def test_a_refusal_is_noted_and_stays_one_under_its_key(campaign: Campaign) -> None:
    redemption = bought(campaign)
    first = refunded(redemption, PAID_FEN + 1, key="k", refund_no="R-1")
    noted = Attempt.objects.get()
    assert (noted.code, noted.facts["redemption"]) == ("refund_too_large", redemption.pk)
    again = refunded(redemption, PAID_FEN + 1, key="k", refund_no="R-1")
    assert (again.body, again.is_replay) == (first.body, True)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount_fen", -1),
        ("amount_fen", 0),
        ("amount_fen", 0.5),
        ("amount_fen", "100"),
        ("amount_fen", 10**12),
        ("amount_fen", None),
        ("currency", "USD"),
        ("refund_no", ""),
        ("refund_no", "R" * 65),
        ("refund_no", "R\x001"),
        ("refund_no", "R-1 "),
        ("refund_no", "R-1\u200b"),
        ("refund_no", "Ｒ-1"),
        ("store", " nanjing_road"),
        ("store", 7),
    ],
)
def test_a_malformed_refund_is_refused(campaign: Campaign, field: str, value: object) -> None:
    redemption = bought(campaign)
    body = {"store": "nanjing_road", "amount_fen": 100, "refund_no": "R-1", field: value}
    with nothing_moves(), pytest.raises(Refused) as refused:
        refund_request(
            caller=till_of(cast.nanjing_road()),
            key="k",
            path=f"/api/v1/redemptions/{redemption.pk}/refunds",
            body=json.dumps(body).encode(),
            at=NOON,
            redemption_id=redemption.pk,
        )
    assert refused.value.refusal.code == "malformed_request"
    assert refused.value.refusal.facts["field"] == f"$.{field}"
