"""An order and its reversal meet: whichever is first, nothing is owed in the end."""

from functools import partial

import pytest
from django.db import transaction

from tests.concurrency.test_lifecycle import ROUNDS, assert_in_one_place, states
from tests.support import cast
from tests.support.cast import NOON
from tests.support.concurrency import naive
from tests.support.concurrency.threads import at_once, met
from tests.support.till import decoded, issue_vouchers, order, redeem, reversed_, till_of
from vouchers.models import Campaign, OrderClaim, Voucher
from vouchers.services.acts import Answer
from vouchers.services.redemption import RedeemRequest
from vouchers.states import LimitKind, RedemptionState, TransferReason, VoucherState

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def campaign() -> Campaign:
    return cast.running_campaign(limits={LimitKind.RESIDENT_DAY: 1_000}, funding=cast.CO_FUNDED)


def only_answer(request: RedeemRequest) -> Answer:
    return redeem(requests=[request])[0]


def pay_naively(voucher: Voucher, order_no: str) -> bool:
    """Look for a tombstone, pay: every step right by itself."""
    if OrderClaim.objects.filter(order_no=order_no).exists():
        return False
    with transaction.atomic():
        naive.pay_face(voucher, cause_id=voucher.pk)
    return True


def bury_naively(voucher: Voucher, order_no: str) -> bool:
    """Look whether it has been paid, bury it: every step right by itself."""
    if naive.has_moved(TransferReason.REDEEM, cause_id=voucher.pk):
        return False
    OrderClaim.objects.create(store=cast.nanjing_road(), order_no=order_no, claimed_at=NOON)
    return True


@pytest.mark.parametrize("capture", [True, False], ids=["redeem", "authorise"])
def test_reverse_against_the_late_original(campaign: Campaign, capture: bool) -> None:
    """Whichever is first: in the end there is a tombstone and nothing is owed."""
    vouchers = issue_vouchers(campaign, [cast.alice()] * ROUNDS)
    store, redeemed_first = cast.nanjing_road(), 0
    for number, voucher in enumerate(vouchers):
        original = order(voucher, store, cast.alice(), order_no=f"L{number}", capture=capture)
        reversal = partial(reversed_, store, f"L{number}", caller=till_of(store))
        redeemed, *reversals = at_once([partial(only_answer, original), *[reversal] * 3])
        assert [answer.status for answer in reversals] == [200] * 3
        undone = [body["id"] for _, body in map(decoded, reversals) if body["id"] is not None]
        assert len(undone) == (redeemed.status == 201)
        redeemed_first += redeemed.status == 201
        if redeemed.status != 201:
            assert decoded(redeemed)[1]["code"] == "order_reversed"
    assert not OrderClaim.objects.exclude(redemption=None).exists()
    assert states() == [RedemptionState.REVERSED] * redeemed_first
    assert set(Voucher.objects.values_list("state", flat=True)) == {VoucherState.ISSUED}
    assert_in_one_place(campaign)


@pytest.mark.parametrize("capture", [True, False], ids=["redeem", "authorise"])
def test_an_original_and_its_reversal_in_either_order(campaign: Campaign, capture: bool) -> None:
    store = cast.nanjing_road()
    vouchers = issue_vouchers(campaign, [cast.alice()] * 2)

    def pay(number: int) -> int:
        request = order(
            vouchers[number], store, cast.alice(), order_no=f"L{number}", capture=capture
        )
        return only_answer(request).status

    def undo(number: int) -> int:
        return reversed_(store, f"L{number}", caller=till_of(store)).status

    assert met(partial(pay, 0), partial(undo, 0)) == [201, 200]
    assert met(partial(undo, 1), partial(pay, 1)) == [200, 409]
    assert states() == [RedemptionState.REVERSED]
    assert_in_one_place(campaign)


def test_control_a_naive_original_is_paid_although_it_is_reversed(campaign: Campaign) -> None:
    vouchers = issue_vouchers(campaign, [cast.alice()] * ROUNDS)
    both = [
        at_once([partial(pay_naively, voucher, no), partial(bury_naively, voucher, no)])
        for no, voucher in ((f"L{number}", voucher) for number, voucher in enumerate(vouchers))
    ]
    assert [True, True] in both, "the acts never met: the race above would prove nothing"
