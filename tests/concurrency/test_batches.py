"""The same orders in several batches at once, in any order, beside single calls and reversals."""

import random
from collections import defaultdict
from collections.abc import Callable
from functools import partial

import pytest

from tests.support import cast
from tests.support.concurrency.invariants import assert_proven, live_fen, spent_fen
from tests.support.concurrency.threads import at_once
from tests.support.till import decoded, issue_vouchers, order, redeem, reversed_, till_of
from vouchers.models import OrderClaim, Redemption, Voucher
from vouchers.services.acts import Answer
from vouchers.services.redemption import RedeemRequest
from vouchers.services.redemption.redeem import TRANSACTION_MAX
from vouchers.states import RedemptionState, VoucherState

pytestmark = pytest.mark.django_db(transaction=True)

ORDERS = TRANSACTION_MAX + 32
SENDERS = 6
FACE_FEN = 2_000
Sender = Callable[[], list[Answer]]
AGAIN = {"request_in_flight", "busy"}


@pytest.fixture
def requests() -> list[RedeemRequest]:
    """An order for each of so many vouchers of Alice's."""
    vouchers = issue_vouchers(cast.running_campaign(limits={}), [cast.alice()] * ORDERS)
    store = cast.nanjing_road()
    return [order(voucher, store, cast.alice()) for voucher in vouchers]


def is_kept(answer: Answer) -> bool:
    """Whether the answer is the one of its key, and not that it has to be asked for again."""
    return decoded(answer)[1].get("code") not in AGAIN


def test_overlapping_batches_and_single_calls_do_every_order_once(
    requests: list[RedeemRequest], seed: int
) -> None:
    chance = random.Random(seed)
    sent = [chance.sample(requests, len(requests)) for _ in range(SENDERS - 1)]
    # One sender knows no batches.
    senders: list[Sender] = [partial(redeem, requests=batch) for batch in sent]
    senders.append(lambda: [redeem(requests=[request])[0] for request in requests])
    answered = at_once(senders)
    kept: dict[str, set[tuple[int, bytes]]] = defaultdict(set)
    for batch, answers in zip([*sent, requests], answered, strict=True):
        for request, answer in zip(batch, answers, strict=True):
            if is_kept(answer):
                kept[request.key].add((answer.status, answer.body))
    assert kept.keys() == {request.key for request in requests}
    assert {len(answers) for answers in kept.values()} == {1}
    assert {status for answers in kept.values() for status, _ in answers} == {201}
    assert Redemption.objects.count() == ORDERS
    campaign = Redemption.objects.first().campaign  # type: ignore[union-attr]
    assert spent_fen(campaign) == live_fen(campaign) == ORDERS * FACE_FEN
    assert_proven()


def test_an_order_that_is_reversed_while_its_batch_arrives_has_no_redemption(
    requests: list[RedeemRequest],
) -> None:
    """Whichever comes first: undone, or refused for ever."""
    store = cast.nanjing_road()
    batch = requests[:20]

    def reverse(order_no: str) -> list[Answer]:
        return [reversed_(store, order_no, caller=till_of(store))]

    senders: list[Sender] = [partial(reverse, request.order.order_no) for request in batch[::4]]
    senders.append(partial(redeem, requests=batch))
    *undone, answers = at_once(senders)
    assert {answer.status for (answer,) in undone} == {200}
    reversed_nos = {request.order.order_no for request in batch[::4]}
    for request, answer in zip(batch, answers, strict=True):
        if request.order.order_no in reversed_nos:
            assert decoded(answer)[1].get("code", "captured") in {"captured", "order_reversed"}
        else:
            assert answer.status == 201
    assert OrderClaim.objects.filter(redemption=None).count() == len(reversed_nos)
    live = Redemption.objects.filter(state=RedemptionState.CAPTURED)
    assert live.count() == len(batch) - len(reversed_nos)
    assert Voucher.objects.filter(state=VoucherState.REDEEMED).count() == live.count()
    assert_proven()
