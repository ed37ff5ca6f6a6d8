"""One request sent many times in the same moment, and one order paid with two vouchers."""

from functools import partial
from threading import Event

import pytest
from django.db import connection, transaction

from tests.support import cast
from tests.support.cast import NOON
from tests.support.concurrency import naive
from tests.support.concurrency.invariants import assert_proven, live_fen, spent_fen
from tests.support.concurrency.threads import PATIENCE_S, at_once
from tests.support.till import decoded, issue_vouchers, order, redeem, till_of
from vouchers.models import Attempt, OrderClaim, Redemption, RequestRecord
from vouchers.models.locks import REQUEST_KEY
from vouchers.services.acts import Answer
from vouchers.services.redemption import RedeemRequest

pytestmark = pytest.mark.django_db(transaction=True)

SENDERS = 16
FACE_FEN = 2_000


def send(request: RedeemRequest) -> Answer:
    return redeem(requests=[request])[0]


def is_in_flight(answer: Answer) -> bool:
    return answer.status == 409 and decoded(answer)[1]["code"] == "request_in_flight"


def test_control_looking_a_key_up_first_is_not_enough() -> None:
    """A look for a record before an act does not keep it from happening more than once."""
    campaign = cast.running_campaign(limits={})
    (voucher,) = issue_vouchers(campaign, [cast.alice()])
    request = order(voucher, cast.nanjing_road(), cast.alice())

    def act_if_new(number: int) -> bool:
        if Attempt.objects.filter(key=request.key).exists():
            return False
        with transaction.atomic():
            naive.pay_face(voucher, cause_id=number)
            Attempt.objects.create(
                id=number, at=NOON, caller_id=1, key=request.key, code="acted", rule="naive"
            )
        return True

    acted = sum(at_once([partial(act_if_new, number) for number in range(1, SENDERS + 1)]))
    assert acted > 1, "the senders never met: the race below would prove nothing"
    assert spent_fen(campaign) == acted * FACE_FEN > FACE_FEN


def test_one_key_from_many_threads_is_one_redemption_and_one_answer() -> None:
    campaign = cast.running_campaign(limits={})
    (voucher,) = issue_vouchers(campaign, [cast.alice()])
    request = order(voucher, cast.nanjing_road(), cast.alice())
    answers = at_once([partial(send, request)] * SENDERS)
    answered = [answer for answer in answers if not is_in_flight(answer)]
    assert len({(answer.status, answer.body) for answer in answered}) == 1
    assert answered[0].status == 201
    assert [answer.is_replay for answer in answered].count(False) == 1
    again = send(request)
    assert (again.status, again.body, again.is_replay) == (201, answered[0].body, True)
    assert Redemption.objects.count() == RequestRecord.objects.count() == 1
    assert spent_fen(campaign) == live_fen(campaign) == FACE_FEN
    assert_proven()


def test_a_duplicate_does_not_wait_for_the_one_in_flight() -> None:
    """It is answered at once to ask again, and nothing of it is kept."""
    (voucher,) = issue_vouchers(cast.running_campaign(limits={}), [cast.alice()])
    request = order(voucher, cast.nanjing_road(), cast.alice())
    in_flight, answered = Event(), Event()

    def be_in_flight() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            key = REQUEST_KEY.key(request.caller.credential_id, request.key)
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [key])
            in_flight.set()
            assert answered.wait(PATIENCE_S)

    def duplicate() -> Answer:
        assert in_flight.wait(PATIENCE_S)
        try:
            return send(request)
        finally:
            answered.set()

    _, answer = at_once([be_in_flight, duplicate])
    assert answer is not None
    assert is_in_flight(answer)
    assert not RequestRecord.objects.exists()
    assert send(request).status == 201


def test_one_key_with_many_bodies_serves_one_of_them() -> None:
    campaign = cast.running_campaign(limits={})
    vouchers = issue_vouchers(campaign, [cast.alice()] * SENDERS)
    requests = [order(v, cast.nanjing_road(), cast.alice(), key="k") for v in vouchers]
    at_once([partial(send, request) for request in requests])
    codes = sorted(decoded(send(request))[1].get("code", "201") for request in requests)
    assert codes == ["201"] + ["idempotency_key_reused"] * (SENDERS - 1)
    assert Redemption.objects.count() == RequestRecord.objects.count() == 1
    assert_proven()


def test_a_replay_is_found_beside_a_changed_body_in_one_batch() -> None:
    campaign = cast.running_campaign(limits={})
    first, other = issue_vouchers(campaign, [cast.alice()] * 2)
    original = order(first, cast.nanjing_road(), cast.alice(), key="k")
    changed = order(other, cast.nanjing_road(), cast.alice(), key="k")
    original_answer = send(original)
    refused, again, more = redeem(requests=[changed, original, changed])
    assert (again.status, again.body, again.is_replay) == (201, original_answer.body, True)
    assert refused.status == more.status == 422


def test_one_order_takes_one_voucher_from_many_tills() -> None:
    campaign = cast.running_campaign(limits={})
    store = cast.nanjing_road()
    for number in range(4):
        vouchers = issue_vouchers(campaign, [cast.alice()] * SENDERS)
        requests = [
            order(
                voucher,
                store,
                cast.alice(),
                order_no=f"A-{number}",
                caller=till_of(store, credential_id=till),
            )
            for till, voucher in enumerate(vouchers)
        ]
        answers = [decoded(answer) for answer in at_once([partial(send, r) for r in requests])]
        codes = sorted(body.get("code", "201") for _, body in answers)
        assert codes == ["201"] + ["order_already_used"] * (SENDERS - 1)
    assert OrderClaim.objects.count() == Redemption.objects.count() == 4
    assert_proven()
