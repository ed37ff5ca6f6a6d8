"""In the sandbox an amount forces its refusal and nothing moves; a live till knows no magic."""

from dataclasses import replace

import pytest

from tests.support import cast
from tests.support.till import answer_to, issue_vouchers, order, redeem, till_of
from vouchers.models import Attempt, OrderClaim, Redemption, RequestRecord, Voucher
from vouchers.rules.redemption.sandbox import FORCED, Forced
from vouchers.services.acts.idempotency import GATE
from vouchers.services.redemption.codebook import SLOWED
from vouchers.states import VoucherState

pytestmark = pytest.mark.django_db


def is_stored(forced: Forced) -> bool:
    """Whether the refusal is kept under its key; a gate's and a wait's are not."""
    return forced.code not in GATE and forced.rule != SLOWED


def test_every_amount_forces_its_refusal_and_nothing_moves() -> None:
    campaign, store = cast.running_campaign(is_test=True), cast.nanjing_road()
    (voucher,) = issue_vouchers(campaign, [cast.ada()])
    tester = till_of(store, is_test=True)
    for forced in FORCED:
        status, body = answer_to(
            order(voucher, store, cast.ada(), caller=tester, amount_fen=forced.amount_fen)
        )
        assert (body["status"], body["code"]) == (status, forced.code)
    assert Voucher.objects.get(pk=voucher.pk).state == VoucherState.ISSUED
    assert not Redemption.objects.exists()
    assert not OrderClaim.objects.exists()
    stored = [forced for forced in FORCED if is_stored(forced)]
    assert Attempt.objects.count() == RequestRecord.objects.count() == len(stored)
    status, _ = answer_to(order(voucher, store, cast.ada(), caller=tester))
    assert status == 201


def test_a_forced_refusal_is_replayed_like_any_other_and_a_forced_busy_is_not() -> None:
    campaign, store = cast.running_campaign(is_test=True), cast.nanjing_road()
    (voucher,) = issue_vouchers(campaign, [cast.ada()])
    tester = till_of(store, is_test=True)
    for forced in FORCED:
        request = order(voucher, store, cast.ada(), caller=tester, amount_fen=forced.amount_fen)
        (first,), (second,) = redeem(requests=[request]), redeem(requests=[request])
        assert (first.status, second.is_replay) == (second.status, is_stored(forced))


def test_a_live_order_of_such_an_amount_is_an_ordinary_one() -> None:
    campaign, store = cast.running_campaign(), cast.nanjing_road()
    voucher, other = issue_vouchers(campaign, [cast.alice()] * 2)
    amount_fen = FORCED[0].amount_fen
    status, _ = answer_to(order(voucher, store, cast.alice(), amount_fen=amount_fen))
    assert status == 201
    tester = replace(till_of(store), is_test=True)
    request = order(other, store, cast.alice(), caller=tester, amount_fen=FORCED[1].amount_fen)
    status, body = answer_to(request)
    assert (status, body["code"]) == (404, "voucher_not_usable"), "a live voucher stays absent"
