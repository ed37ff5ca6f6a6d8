"""Vouchers and counters are locked before they are judged, the lowest number first."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from threading import Event

import pytest
from django.db import OperationalError, connection, connections, transaction

from merchants.errors import Refused
from merchants.references import folded
from tests.support import cast
from tests.support.cast import NOON
from tests.support.concurrency.threads import wait_until_a_session_waits
from tests.support.risk import rule, with_rules
from tests.support.till import decoded, issue_vouchers, order, redeem, till_of, voided
from vouchers.models import Campaign, LimitCounter, Redemption, Voucher
from vouchers.models.locks import LIMIT_COUNTER, ORDER_CLAIM, RISK_TALLY
from vouchers.rules.limits.limits import (
    EPOCH,
    LimitRule,
    Subjects,
    business_day,
    counter_keys,
)
from vouchers.rules.limits.tallies import WHOLE_CAMPAIGN, subject_no
from vouchers.services.acts import Answer
from vouchers.services.redemption import RedeemRequest, holds
from vouchers.states import LimitKind, RedemptionState, RiskKind, TallyKind, VoucherState

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE_S = 20


@pytest.fixture
def campaign() -> Campaign:
    return cast.running_campaign(limits={})


@contextmanager
def session_holds(
    take: Callable[[], object], at_last: Callable[[], object] = int
) -> Iterator[None]:
    """Another connection has a lock, as an act under way would, and may change what it locked."""
    held, done = Event(), Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                take()
                held.set()
                assert done.wait(PATIENCE_S)
                at_last()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(hold)
        try:
            assert held.wait(PATIENCE_S)
            yield
        finally:
            done.set()
            holding.result(PATIENCE_S)


def lock_row(voucher: Voucher) -> Voucher:
    """Lock a voucher as an act on it does."""
    return Voucher.objects.select_for_update(no_key=True).get(pk=voucher.pk)


def lock_counter(key: int) -> bool:
    """Try to lock a counter as a batch does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [key])
        return bool(cursor.fetchone()[0])


def redeemed(requests: list[RedeemRequest]) -> list[Answer]:
    try:
        return redeem(requests=requests)
    finally:
        connections.close_all()


def is_free(voucher: Voucher) -> bool:
    """Whether no session has locked the voucher's row."""
    try:
        with transaction.atomic():
            Voucher.objects.select_for_update(no_key=True, nowait=True).get(pk=voucher.pk)
    except OperationalError:
        return False
    return True


def counter_locks(campaign: Campaign, voucher: Voucher) -> list[int]:
    """The locks of the counters that a redemption in Nanjing Road counts in, in their order."""
    place = cast.nanjing_road()
    rules = [
        LimitRule(campaign.pk, *limit)
        for limit in campaign.limits.values_list("kind", "limit_count", "limit_fen")
    ]
    subjects = Subjects(voucher.resident_id, place.pk, place.merchant_id, ())
    keys = counter_keys(rules, subjects, NOON, campaign.zone)
    return sorted(LIMIT_COUNTER.key(*key) for key, _ in keys)


def withdraw(voucher: Voucher) -> None:
    Voucher.objects.filter(pk=voucher.pk).update(state=VoucherState.WITHDRAWN)


def test_a_till_waits_for_the_session_that_has_the_voucher(campaign: Campaign) -> None:
    """And judges the voucher as they left it."""
    (voucher,) = issue_vouchers(campaign, [cast.alice()])
    request = order(voucher, cast.nanjing_road(), cast.alice())
    with ThreadPoolExecutor(1) as pool:
        with session_holds(partial(lock_row, voucher), partial(withdraw, voucher)):
            waiting: Future[list[Answer]] = pool.submit(redeemed, [request])
            wait_until_a_session_waits()
            assert not waiting.done()
        (answer,) = waiting.result(PATIENCE_S)
    assert decoded(answer)[1]["code"] == "voucher_withdrawn"


def test_a_batch_that_waits_for_its_first_voucher_holds_none_of_the_later(
    campaign: Campaign,
) -> None:
    """Whatever the order of its requests, so that no two batches wait for each other."""
    first, second = issue_vouchers(campaign, [cast.alice(), cast.carol()])
    place = cast.nanjing_road()
    batch = [order(second, place, cast.carol()), order(first, place, cast.alice())]
    with ThreadPoolExecutor(1) as pool:
        with session_holds(partial(lock_row, first)):
            waiting = pool.submit(redeemed, batch)
            wait_until_a_session_waits()
            assert is_free(second)
        assert [answer.status for answer in waiting.result(PATIENCE_S)] == [201, 201]


def test_a_till_waits_for_the_session_that_has_the_order(campaign: Campaign) -> None:
    """And finds the order as they left it, be it reversed before it came."""
    (voucher,) = issue_vouchers(campaign, [cast.alice()])
    place = cast.nanjing_road()
    request = order(voucher, place, cast.alice(), order_no="A-1")
    key = ORDER_CLAIM.key(folded(place.external_id), "A-1")
    with ThreadPoolExecutor(1) as pool:
        with session_holds(partial(lock_counter, key)):
            waiting = pool.submit(redeemed, [request])
            wait_until_a_session_waits()
            assert is_free(voucher)
        assert [answer.status for answer in waiting.result(PATIENCE_S)] == [201]


def test_an_act_waits_for_the_session_that_has_the_redemption(campaign: Campaign) -> None:
    """And judges the redemption as they left it."""
    (voucher,) = issue_vouchers(campaign, [cast.alice()])
    assert redeem(requests=[order(voucher, cast.nanjing_road(), cast.alice())])[0].status == 201
    redemption = Redemption.objects.get()

    def hold() -> str:
        try:
            holds.hold(redemption=redemption, reason="odd", by=cast.ren(), at=NOON)
        except Refused as refused:
            return refused.refusal.code
        finally:
            connections.close_all()
        return "held"

    def lock() -> Redemption:
        return Redemption.objects.select_for_update(no_key=True).get(pk=redemption.pk)

    with ThreadPoolExecutor(1) as pool:
        with session_holds(lock, partial(void_row, redemption)):
            waiting = pool.submit(hold)
            wait_until_a_session_waits()
            assert not waiting.done()
        assert waiting.result(PATIENCE_S) == "hold_not_captured"


def void_row(redemption: Redemption) -> None:
    """As a void leaves the row itself."""
    state = RedemptionState.VOIDED.value
    Redemption.objects.filter(pk=redemption.pk).update(state=state, undone_at=NOON)


def test_a_till_waits_for_the_session_that_counts_and_holds_no_later_counter() -> None:
    limited = cast.running_campaign(limits={LimitKind.RESIDENT_DAY: 5, LimitKind.RESIDENT_WEEK: 9})
    (voucher,) = issue_vouchers(limited, [cast.alice()])
    lower, higher = counter_locks(limited, voucher)
    request = order(voucher, cast.nanjing_road(), cast.alice())
    with ThreadPoolExecutor(1) as pool:
        with session_holds(partial(lock_counter, lower)):
            waiting = pool.submit(redeemed, [request])
            wait_until_a_session_waits()
            with transaction.atomic():
                assert lock_counter(higher)
        assert [answer.status for answer in waiting.result(PATIENCE_S)] == [201]


def shared_counters(campaign: Campaign) -> list[tuple[int, ...]]:
    """The counters of store and merchant as their rows are locked."""
    keys = LimitCounter.objects.filter(campaign=campaign).values_list("pk", flat=True)
    return sorted(keys)


def lock_rows(*keys: tuple[int, ...]) -> list[LimitCounter]:
    """Lock rows of limit counters, or fail at once where another session has."""
    rows = LimitCounter.objects.filter(pk__in=keys)
    return list(rows.select_for_update(no_key=True, nowait=True))


def with_shared_limits(most: int) -> Campaign:
    """Limits on the store and on its merchant, of which one order has counted in both."""
    limits = {LimitKind.STORE_DAY: most, LimitKind.MERCHANT_DAY: most}
    campaign = cast.running_campaign(limits=limits)
    (voucher,) = issue_vouchers(campaign, [cast.carol()])
    (answer,) = redeem(requests=[order(voucher, cast.nanjing_road(), cast.carol())])
    assert answer.status == 201
    return campaign


def test_a_till_waits_for_the_row_of_its_store_s_counter_and_holds_no_later_row() -> None:
    campaign = with_shared_limits(50)
    (voucher,) = issue_vouchers(campaign, [cast.alice()])
    lower, higher = shared_counters(campaign)
    with ThreadPoolExecutor(1) as pool:
        with session_holds(partial(lock_rows, lower)):
            waiting = pool.submit(redeemed, [order(voucher, cast.nanjing_road(), cast.alice())])
            wait_until_a_session_waits()
            with transaction.atomic():
                assert lock_rows(higher)
        assert [answer.status for answer in waiting.result(PATIENCE_S)] == [201]


def test_a_void_waits_for_the_row_of_its_store_s_counter_and_holds_no_later_row() -> None:
    campaign = with_shared_limits(50)
    redemption = Redemption.objects.get()
    lower, higher = shared_counters(campaign)

    def void() -> int:
        try:
            return voided(redemption, caller=till_of(cast.nanjing_road())).status
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with session_holds(partial(lock_rows, lower)):
            waiting = pool.submit(void)
            wait_until_a_session_waits()
            with transaction.atomic():
                assert lock_rows(higher)
        assert waiting.result(PATIENCE_S) == 200


def test_an_order_that_another_session_left_no_room_for_is_refused_and_its_neighbour_is_not() -> (
    None
):
    """The counter was read before the other session's last order was in it."""
    campaign = with_shared_limits(2)
    others = cast.running_campaign(code="others", limits={})
    late, neighbour = (
        *issue_vouchers(campaign, [cast.alice()]),
        *issue_vouchers(others, [cast.carol()]),
    )
    place = cast.nanjing_road()
    batch = [order(late, place, cast.alice()), order(neighbour, place, cast.carol())]

    def count() -> None:
        LimitCounter.objects.filter(campaign=campaign).update(used_count=2)

    with ThreadPoolExecutor(1) as pool:
        with session_holds(partial(lock_rows, *shared_counters(campaign)), count):
            waiting = pool.submit(redeemed, batch)
            wait_until_a_session_waits()
            assert is_free(late) is False
        refused, accepted = waiting.result(PATIENCE_S)
    assert decoded(refused)[1]["code"] == "store_limit"
    assert accepted.status == 201
    assert Redemption.objects.count() == 2


def test_a_till_waits_for_the_session_that_tallies_and_holds_no_later_tally() -> None:
    watched = with_rules(
        cast.running_campaign(limits={}),
        rule(RiskKind.MERCHANT_DAY),
        rule(RiskKind.SPLIT_ORDERS),
    )
    alice, store = cast.alice(), cast.nanjing_road()
    (voucher,) = issue_vouchers(watched, [alice])
    day_no = (business_day(NOON, watched.zone) - EPOCH).days
    pair = subject_no("holder store", alice.pk, store.pk)
    lower, higher = sorted(
        (
            RISK_TALLY.key(TallyKind.MERCHANT_DAY.value, watched.pk, store.merchant_id, day_no),
            RISK_TALLY.key(TallyKind.HOLDER_STORE.value, watched.pk, pair, WHOLE_CAMPAIGN),
        )
    )
    with ThreadPoolExecutor(1) as pool:
        with session_holds(partial(lock_counter, lower)):
            waiting = pool.submit(redeemed, [order(voucher, store, alice)])
            wait_until_a_session_waits()
            with transaction.atomic():
                assert lock_counter(higher)
        assert [answer.status for answer in waiting.result(PATIENCE_S)] == [201]


def test_a_batch_that_reaches_a_limit_is_one_transaction_all_the_same() -> None:
    """It remembers what it gave; nothing has to be refused by the database and run again."""
    limited = cast.running_campaign(limits={LimitKind.STORE_DAY: 2})
    people = [cast.alice(), cast.carol(), cast.resident("erin")]
    vouchers = issue_vouchers(limited, people)
    batch = [
        order(voucher, cast.nanjing_road(), person)
        for voucher, person in zip(vouchers, people, strict=True)
    ]
    assert [answer.status for answer in redeem(requests=batch)] == [201, 201, 429]
    assert len(set(Redemption.objects.values_list("xid", flat=True))) == 1
