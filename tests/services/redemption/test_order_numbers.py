"""Numbers a campaign asks of an order: named when it is paid, at once or at its capture."""

from typing import Any

import pytest

from tests.support import cast
from tests.support.till import (
    answer_to,
    authorised,
    captured,
    decoded,
    issue_vouchers,
    nothing_moves,
    order,
    till_of,
)
from vouchers.models import Campaign, Redemption
from vouchers.states import RedemptionState

pytestmark = pytest.mark.django_db

BOTH: dict[str, Any] = {"payment_ref": "4200001234", "receipt_no": "A-7781"}


@pytest.fixture(scope="module")
def standing(rows_of_module: None) -> Campaign:
    """It asks for both."""
    draft = cast.spring_campaign(limits={})
    Campaign.objects.filter(pk=draft.pk).update(order_numbers=list(BOTH))
    return cast.launched(draft)


@pytest.fixture
def campaign(standing: Campaign) -> Campaign:
    return Campaign.objects.get(pk=standing.pk)


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({}, "payment_ref_asked_for"),
        ({"receipt_no": "A-1"}, "payment_ref_asked_for"),
        ({"payment_ref": "4200", "receipt_no": ""}, "receipt_no_asked_for"),
    ],
)
def test_an_order_without_a_number_asked_for_is_refused(
    campaign: Campaign, given: dict[str, Any], rule: str
) -> None:
    (voucher,) = issue_vouchers(campaign, [cast.alice()])
    with nothing_moves():
        status, body = answer_to(order(voucher, cast.nanjing_road(), cast.alice(), **given))
    assert (status, body["code"], body["rule"]) == (422, "order_incomplete", rule)


def test_an_order_with_all_of_them_is_taken(campaign: Campaign) -> None:
    (voucher,) = issue_vouchers(campaign, [cast.alice()])
    assert answer_to(order(voucher, cast.nanjing_road(), cast.alice(), **BOTH))[0] == 201


def test_a_campaign_that_asks_for_none_takes_orders_without() -> None:
    (voucher,) = issue_vouchers(cast.running_campaign(), [cast.alice()])
    assert answer_to(order(voucher, cast.nanjing_road(), cast.alice()))[0] == 201


def test_an_authorisation_may_wait_for_them_until_its_capture(campaign: Campaign) -> None:
    """They are known once the order is paid."""
    (voucher,) = issue_vouchers(campaign, [cast.alice()])
    store = cast.nanjing_road()
    redemption = authorised(voucher, store, cast.alice(), receipt_no="A-1")
    with nothing_moves():
        status, body = decoded(captured(redemption, caller=till_of(store)))
    assert (status, body["rule"]) == (422, "payment_ref_asked_for")
    assert captured(redemption, caller=till_of(store), payment_ref="4200").status == 200
    assert _stored(redemption) == {"payment_ref": "4200", "receipt_no": "A-1"}


def test_a_capture_may_bring_other_numbers_than_the_authorisation() -> None:
    (voucher,) = issue_vouchers(cast.running_campaign(), [cast.alice()])
    store = cast.nanjing_road()
    redemption = authorised(voucher, store, cast.alice(), payment_ref="prepay", receipt_no="A-1")
    assert captured(redemption, caller=till_of(store), payment_ref="paid").status == 200
    assert _stored(redemption) == {"payment_ref": "paid", "receipt_no": "A-1"}


def _stored(redemption: Redemption) -> dict[str, Any]:
    redemption.refresh_from_db()
    assert redemption.state == RedemptionState.CAPTURED
    return {"payment_ref": redemption.payment_ref, "receipt_no": redemption.receipt_no}
