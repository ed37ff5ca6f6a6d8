"""The same voucher at many tills in the same moment: one of them gets it.

The control sends the same crowd to a spender that reads, decides and then saves: it overspends,
which proves that this crowd does collide.
"""

import random
from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest
from django.db import connection, transaction

from tests.support import cast
from tests.support.concurrency import naive
from tests.support.concurrency.invariants import assert_proven, spent_fen
from tests.support.concurrency.threads import at_once
from tests.support.till import issue_vouchers, order, redeem, till_of
from vouchers.models import Campaign, Redemption, Voucher
from vouchers.services.redemption import RedeemRequest
from vouchers.states import LimitKind, VoucherState

pytestmark = pytest.mark.django_db(transaction=True)

TILLS = 12
VOUCHERS = 8
FACE_FEN = 2_000

Spend = Callable[[Voucher, int], bool]


@pytest.fixture
def campaign() -> Campaign:
    return cast.running_campaign(limits={})


def race(campaign: Campaign, spend: Spend) -> list[int]:
    """Show each voucher at every till at once; how many tills said yes, voucher by voucher."""
    vouchers = issue_vouchers(campaign, [cast.alice()] * VOUCHERS)
    return [
        sum(at_once([partial(spend, voucher, till) for till in range(TILLS)]))
        for voucher in vouchers
    ]


def spend(voucher: Voucher, till: int) -> bool:
    """The engine, asked by one till."""
    store = (cast.nanjing_road(), cast.xujiahui())[till % 2]
    (answer,) = redeem(
        requests=[order(voucher, store, cast.alice(), caller=till_of(store, credential_id=till))]
    )
    assert answer.status in {201, 409}, answer.body
    return answer.status == 201


def spend_naively(voucher: Voucher, till: int) -> bool:
    """Read, decide, save: every step right by itself."""
    found = Voucher.objects.get(pk=voucher.pk)
    if found.state != VoucherState.ISSUED:
        return False
    with transaction.atomic():
        Voucher.objects.filter(pk=found.pk).update(state=VoucherState.REDEEMED)
        naive.pay_face(found, cause_id=till)
    return True


def deadlocks() -> int:
    """How many PostgreSQL had to break up so far."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def test_control_a_naive_spender_overspends(campaign: Campaign) -> None:
    yes = race(campaign, spend_naively)
    assert max(yes) > 1, "the tills never met: the race below would prove nothing"
    assert spent_fen(campaign) == sum(yes) * FACE_FEN > VOUCHERS * FACE_FEN


def test_exactly_one_till_redeems_it(campaign: Campaign) -> None:
    assert race(campaign, spend) == [1] * VOUCHERS
    assert spent_fen(campaign) == VOUCHERS * FACE_FEN
    assert_proven()


def test_batches_in_opposite_orders_neither_deadlock_nor_overspend() -> None:
    """Every batch wants every voucher and every order number, each in an order of its own; the
    vouchers lie in several partitions, count in several counters, and are waited for."""
    campaign = cast.running_campaign(
        limits={
            LimitKind.RESIDENT_DAY: 999,
            LimitKind.STORE_DAY: 999,
            LimitKind.MERCHANT_CAMPAIGN: 999,
        }
    )
    vouchers = [
        v for _ in range(4) for v in issue_vouchers(campaign, [cast.alice(), cast.carol()] * 2)
    ]
    stores = (cast.nanjing_road(), cast.xujiahui())

    def batch(till: int) -> list[RedeemRequest]:
        requests = [
            order(
                voucher,
                store,
                cast.alice() if number % 2 == 0 else cast.carol(),
                order_no=f"order of {voucher.pk}",
                caller=till_of(store, credential_id=till),
            )
            for number, voucher in enumerate(vouchers)
            for store in stores
        ]
        random.Random(till).shuffle(requests)
        return requests

    batches = [batch(till) for till in range(8)]
    before = deadlocks()
    results = at_once([partial(redeem, requests=requests) for requests in batches])
    answers = [answer for answered in results for answer in answered]
    assert Counter(answer.status for answer in answers) == {
        201: len(vouchers),
        409: len(answers) - len(vouchers),
    }
    assert deadlocks() == before
    live = Redemption.objects.values_list("voucher_id", flat=True)
    assert sorted(live) == sorted(voucher.pk for voucher in vouchers)
    assert_proven()
