"""When, in which campaign, by which merchant and in which store a refund is taken."""

from datetime import UTC, date, datetime

import pytest

from merchants.models import State
from tests.support import cast
from tests.support.cast import DAY, NOON
from tests.support.refund_stages import HOUR, LATER, NOTHING, WHOLE, taken_to, voucher_of
from tests.support.refunds import (
    assert_ties,
    bought,
    campaign_with,
    fens,
    refund_of,
    refunded,
    send_cash,
    settled,
)
from tests.support.till import answer_to, decoded, nothing_moves, order, till_of
from vouchers.models import (
    Campaign,
    Refund,
)
from vouchers.services.issuing.expiry import expire_due
from vouchers.states import (
    AccountKind,
    RefundPolicy,
    VoucherState,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def standing(rows_of_module: None) -> Campaign:
    """Under it a whole refund gives the voucher back; a hundred 满200减50 at most."""
    return campaign_with(RefundPolicy.RETURN, tier_counts={"off50": 100})


@pytest.fixture
def campaign(standing: Campaign) -> Campaign:
    return Campaign.objects.get(pk=standing.pk)


def test_across_the_end_of_the_year_it_is_still_the_same_money() -> None:
    new_years_eve = datetime(2026, 12, 31, 4, 0, tzinfo=UTC)
    campaign = campaign_with(
        RefundPolicy.RETURN,
        starts_at=NOON,
        ends_at=new_years_eve + 30 * DAY,
        tier_counts={"off50": 100},
    )
    redemption = bought(campaign, at=new_years_eve)
    send_cash(campaign)
    settled(campaign, date(2026, 12, 31), new_years_eve + DAY, is_paid=True)
    body = refund_of(redemption, at=new_years_eve + 5 * DAY)
    assert body["voucher_usable"] is True
    assert Refund.objects.get().business_day == date(2027, 1, 5)
    bought(campaign, who="carol", at=new_years_eve + 5 * DAY)
    settled(campaign, date(2027, 1, 5), new_years_eve + 6 * DAY, is_paid=True)
    assert fens(campaign, AccountKind.RECOVERABLE) == NOTHING
    assert_ties(campaign)


@pytest.mark.parametrize("state", ["ended", "settled", "closed"])
def test_a_campaign_that_is_over_still_takes_refunds(state: str, campaign: Campaign) -> None:
    redemption = bought(campaign, valid_until_at=NOON + HOUR)
    taken_to("paid", campaign, redemption)
    expire_due(at=LATER)
    for step in ("ended", "settled", "closed"):
        Campaign.objects.filter(pk=campaign.pk).update(state=step)
        if step == state:
            break
    assert refund_of(redemption, at=LATER + 60 * DAY)["voucher_usable"] is False
    assert fens(campaign, AccountKind.RECOVERABLE) == WHOLE
    assert_ties(campaign)


def test_a_voucher_given_back_in_a_campaign_that_ended_early_cannot_be_used(
    campaign: Campaign,
) -> None:
    redemption = bought(campaign)
    Campaign.objects.filter(pk=campaign.pk).update(state="ended")
    body = refund_of(redemption, at=LATER)
    assert (body["voucher_usable"], body["state"]) == (False, "refunded")
    assert voucher_of(redemption) is VoucherState.ISSUED
    again = order(redemption.voucher, cast.nanjing_road(), cast.resident("alice"))
    status, refusal = answer_to(again)
    assert (status, refusal["rule"], refusal["retryable"]) == (409, "campaign_over", False)
    assert_ties(campaign)


def test_a_merchant_that_has_closed_still_refunds(campaign: Campaign) -> None:
    redemption = bought(campaign)
    merchant = cast.huilian()
    merchant.state = State.CLOSED
    merchant.save()
    assert refund_of(redemption)["state"] == "refunded"


def test_any_store_of_the_merchant_may_refund(campaign: Campaign) -> None:
    redemption = bought(campaign)
    refund_of(redemption, store=cast.xujiahui())
    assert Refund.objects.get().store == cast.xujiahui()


def test_another_merchants_redemption_is_as_if_absent(campaign: Campaign) -> None:
    redemption = bought(campaign)
    with nothing_moves():
        status, body = decoded(refunded(redemption, store=cast.rival_shop()))
        assert (status, body["code"]) == (404, "not_found")


def test_a_store_the_key_does_not_act_for_is_as_if_absent(campaign: Campaign) -> None:
    redemption = bought(campaign)
    caller = till_of(cast.nanjing_road())
    for store in (cast.xujiahui(), cast.rival_shop()):
        with nothing_moves():
            status, body = decoded(refunded(redemption, store=store, caller=caller))
            assert (status, body["code"]) == (404, "store_not_found")


def test_the_sandbox_and_the_real_books_do_not_see_each_other(campaign: Campaign) -> None:
    redemption = bought(campaign)
    caller = till_of(cast.nanjing_road(), is_test=True)
    assert refunded(redemption, caller=caller).status == 404
