"""One number in upper and lower case is one order, one refund, one request, one device."""

from datetime import timedelta
from functools import partial

import pytest
from django.db import IntegrityError, transaction

from tests.support import cast
from tests.support.cast import NOON
from tests.support.till import (
    answer_to,
    decoded,
    issue_vouchers,
    nothing_moves,
    order,
    redeem,
    refunded,
    refusal_of,
    reversed_,
    till_of,
    voided,
)
from vouchers.models import Campaign, OrderClaim, Redemption, Refund
from vouchers.queries.redemption import redemptions_of
from vouchers.states import LimitKind, RedemptionState

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def standing(rows_of_module: None) -> Campaign:
    return cast.running_campaign()


@pytest.fixture
def campaign(standing: Campaign) -> Campaign:
    return Campaign.objects.get(pk=standing.pk)


def redeemed(campaign: Campaign, order_no: str = "Ab-1") -> Redemption:
    """Alice's order at Nanjing Road."""
    (voucher,) = issue_vouchers(campaign, [cast.alice()])
    sent = order(voucher, cast.nanjing_road(), cast.alice(), order_no=order_no)
    status, body = answer_to(sent)
    assert (status, body["order_no"]) == (201, order_no)
    return Redemption.objects.get(pk=body["id"])


@pytest.mark.parametrize("again", ["Ab-1", "AB-1", "ab-1", "aB-1"])
def test_an_order_has_one_subsidy(campaign: Campaign, again: str) -> None:
    redeemed(campaign)
    (voucher,) = issue_vouchers(campaign, [cast.alice()])
    with nothing_moves():
        sent = order(voucher, cast.nanjing_road(), cast.alice(), order_no=again)
        assert refusal_of(sent) == "order_already_used"


def test_two_spellings_in_one_batch_are_one_order(campaign: Campaign) -> None:
    vouchers = issue_vouchers(campaign, [cast.alice()] * 2)
    spelt = zip(vouchers, ("Ab-1", "aB-1"), strict=True)
    sent = [order(v, cast.nanjing_road(), cast.alice(), order_no=no) for v, no in spelt]
    assert [answer.status for answer in redeem(requests=sent)] == [201, 409]


def test_a_reversal_finds_the_order_in_another_case(campaign: Campaign) -> None:
    redemption = redeemed(campaign)
    status, body = decoded(
        reversed_(cast.nanjing_road(), "aB-1", caller=till_of(cast.nanjing_road()))
    )
    assert (status, body["id"]) == (200, redemption.pk)
    redemption.refresh_from_db()
    assert redemption.state == RedemptionState.REVERSED
    (voucher,) = issue_vouchers(campaign, [cast.alice()])
    sent = order(voucher, cast.nanjing_road(), cast.alice(), order_no="AB-1")
    assert refusal_of(sent) == "order_reversed"


def test_a_reversal_before_the_original_refuses_it_in_any_case(campaign: Campaign) -> None:
    assert (
        decoded(reversed_(cast.nanjing_road(), "never-came", caller=till_of(cast.nanjing_road())))[
            0
        ]
        == 200
    )
    (voucher,) = issue_vouchers(campaign, [cast.alice()])
    sent = order(voucher, cast.nanjing_road(), cast.alice(), order_no="Never-Came")
    assert refusal_of(sent) == "order_reversed"


def test_a_void_frees_the_order(campaign: Campaign) -> None:
    assert voided(redeemed(campaign), caller=till_of(cast.nanjing_road())).status == 200
    assert not OrderClaim.objects.exists()
    redeemed(campaign, "aB-1")


def test_a_refund_number_pays_once(campaign: Campaign) -> None:
    redemption = redeemed(campaign)
    pay = partial(refunded, redemption, amount_fen=100, caller=till_of(cast.nanjing_road()))
    assert pay(refund_no="Rf-1", key="k1").status == 200
    with nothing_moves():
        for number, key in (("Rf-1", "k2"), ("RF-1", "k3"), ("rf-1", "k4")):
            assert decoded(pay(refund_no=number, key=key))[1]["rule"] == "refund_no_used"
    row = Refund.objects.values().get()
    again = {name: value for name, value in row.items() if name not in ("id", "xid")}
    with pytest.raises(IntegrityError, match="one_refund_per_number"), transaction.atomic():
        Refund.objects.create(**{**again, "refund_no": "rF-1"})


def test_a_request_key_is_one_in_any_case(campaign: Campaign) -> None:
    (voucher,) = issue_vouchers(campaign, [cast.alice()])
    ask = partial(order, voucher, cast.nanjing_road(), cast.alice(), order_no="A-1")
    first, again = answer_to(ask(key="Key-1")), answer_to(ask(key="kEY-1"))
    assert first == again
    assert Redemption.objects.count() == 1
    assert refusal_of(ask(key="KEY-1", amount_fen=99_999)) == "idempotency_key_reused"


def test_a_look_up_finds_it_in_any_case(campaign: Campaign) -> None:
    redemption, caller = redeemed(campaign), till_of(cast.nanjing_road())
    assert list(redemptions_of(caller, order_no="aB-1")) == [redemption]
    assert list(redemptions_of(caller, order_no="aB-2")) == []


def test_a_device_counts_as_one_in_any_case() -> None:
    campaign = cast.running_campaign(limits={LimitKind.LINK_DAY: 1})
    vouchers = issue_vouchers(campaign, [cast.alice()] * 2)
    ask = [
        order(v, cast.nanjing_road(), cast.alice(), device=device, at=NOON)
        for v, device in zip(vouchers, ("Phone-A", "PHONE-a"), strict=True)
    ]
    assert answer_to(ask[0])[0] == 201
    assert refusal_of(ask[1]) == "resident_limit"


def test_a_search_lists_the_newest_first_whatever_their_numbers(campaign: Campaign) -> None:
    place, alice = cast.nanjing_road(), cast.alice()
    for at in (NOON + HOUR, NOON):
        (voucher,) = issue_vouchers(campaign, [alice])
        request = order(voucher, place, alice, at=at, payment_ref="P-1")
        assert redeem(requests=[request])[0].status == 201
    found = list(redemptions_of(till_of(place), payment_ref="p-1"))
    assert [row.redeemed_at for row in found] == [NOON + HOUR, NOON]
    assert found[0].pk < found[1].pk
