"""In the sandbox an amount forces its refusal and nothing moves; a live till knows no magic."""

from dataclasses import replace

import pytest

from tests.support import cast
from tests.support.concurrency.invariants import assert_proven
from tests.support.till import (
    answer_to,
    decoded,
    issue_vouchers,
    order,
    redeem,
    refunded,
    reversed_,
    till_of,
)
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


def test_numbers_of_the_sandbox_take_none_from_live_orders_and_refunds() -> None:
    """A till is tried with the numbers of its shop, and a key for trying may get lost."""
    store = cast.nanjing_road()
    tester, till = till_of(store, is_test=True), till_of(store)
    shopper = {tester: cast.ada(), till: cast.alice()}
    ours = {
        caller: issue_vouchers(cast.running_campaign(is_test=caller.is_test), [person] * 2)
        for caller, person in shopper.items()
    }
    assert decoded(reversed_(store, "A-2", caller=tester))[0] == 200
    for caller, (voucher, _) in ours.items():
        request = order(voucher, store, shopper[caller], caller=caller, order_no="A-1")
        status, body = answer_to(request)
        assert status == 201, body
        redemption = Redemption.objects.get(pk=body["id"])
        answer = refunded(redemption, caller=caller, refund_no="R-1", amount_fen=100)
        assert answer.status == 200, answer.body
    statuses = {
        caller.is_test: answer_to(order(other, store, person, caller=caller, order_no="a-2"))
        for (caller, person), (_, other) in zip(shopper.items(), ours.values(), strict=True)
    }
    assert (statuses[False][0], statuses[True][1]["code"]) == (201, "order_reversed")
    assert_proven()
