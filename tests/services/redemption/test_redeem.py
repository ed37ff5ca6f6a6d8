"""Redeeming: one verdict for each request, exact limits, the same answer for the same key."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db.models import Sum

from tests.support import cast, till
from tests.support.cast import NOON
from tests.support.till import (
    answer_to,
    decoded,
    issue_vouchers,
    order,
    redeem,
    refusal_of,
    till_of,
)
from vouchers.models import (
    Attempt,
    Campaign,
    Leg,
    LimitCounter,
    Proxy,
    Redemption,
    RequestRecord,
    Voucher,
)
from vouchers.services.campaigns import lifecycle
from vouchers.states import AccountKind, LimitKind, VoucherState

pytestmark = pytest.mark.django_db


def balance_fen(campaign: Campaign, kind: AccountKind) -> int:
    """Σ of the legs on a campaign's accounts of one kind."""
    legs = Leg.objects.filter(account__campaign=campaign, account__kind=kind.value)
    return legs.aggregate(fen=Sum("amount_fen"))["fen"] or 0


@pytest.fixture(scope="module")
def standing(rows_of_module: None) -> Campaign:
    return cast.running_campaign()


@pytest.fixture
def campaign(standing: Campaign) -> Campaign:
    return Campaign.objects.get(pk=standing.pk)


@pytest.fixture
def alices(campaign: Campaign) -> Voucher:
    """A 满100减20 in Alice's hand."""
    return issue_vouchers(campaign, [cast.alice()])[0]


@pytest.fixture
def unmoved(campaign: Campaign) -> Iterator[Callable[[], None]]:
    """Asserts at the end that no money moved and nothing was redeemed."""

    def state() -> object:
        return {kind: balance_fen(campaign, kind) for kind in AccountKind}, list(
            LimitCounter.objects.values_list("kind", "subject_id", "used_count")
        )

    before: object = None

    def start() -> None:
        nonlocal before
        before = state()

    yield start
    assert before is not None
    assert state() == before
    assert not Redemption.objects.exists()
    assert set(Voucher.objects.values_list("state", flat=True)) <= {VoucherState.ISSUED}


def test_a_good_order_is_redeemed_and_posted(campaign: Campaign, alices: Voucher) -> None:
    status, body = answer_to(order(alices, cast.nanjing_road(), cast.alice(), amount_fen=25_000))
    assert status == 201
    assert body["discount_fen"] == 2_000
    assert body["payable_fen"] == 23_000
    assert body["by_source"] == [{"source": "city", "fen": 2_000}]
    assert body["state"] == "captured"
    assert body["business_day"] == "2026-04-01"
    redemption = Redemption.objects.get(pk=body["id"])
    assert redemption.voucher_id == alices.pk
    assert Voucher.objects.get(pk=alices.pk).state == VoucherState.REDEEMED
    assert balance_fen(campaign, AccountKind.PAYABLE) == 2_000
    assert balance_fen(campaign, AccountKind.OUTSTANDING) == 0


def test_each_source_pays_its_frozen_share() -> None:
    campaign = cast.running_campaign(funding=cast.CO_FUNDED)
    (voucher,) = issue_vouchers(campaign, [cast.alice()], tier="off50")
    _, body = answer_to(order(voucher, cast.nanjing_road(), cast.alice()))
    assert body["by_source"] == [
        {"source": "city", "fen": 3_000},
        {"source": "group", "fen": 2_000},
    ]


def test_the_same_key_and_body_get_the_same_bytes(alices: Voucher) -> None:
    request = order(alices, cast.nanjing_road(), cast.alice())
    first = redeem(requests=[request])[0]
    again = redeem(requests=[request])[0]
    assert again.body == first.body
    assert (first.status, again.status) == (201, 201)
    assert again.is_replay
    assert Redemption.objects.count() == 1


def test_the_same_key_with_another_body_is_refused(alices: Voucher) -> None:
    request = order(alices, cast.nanjing_road(), cast.alice(), key="k")
    changed = order(alices, cast.nanjing_road(), cast.alice(), key="k", amount_fen=99_999)
    assert redeem(requests=[request])[0].status == 201
    assert refusal_of(changed) == "idempotency_key_reused"
    assert Redemption.objects.count() == 1


def test_copies_in_one_batch_are_one_redemption(alices: Voucher) -> None:
    request = order(alices, cast.nanjing_road(), cast.alice(), key="k")
    changed = order(alices, cast.nanjing_road(), cast.alice(), key="k", amount_fen=99_999)
    first, copy, other = redeem(requests=[request, request, changed])
    assert first.body == copy.body
    assert decoded(other)[1]["code"] == "idempotency_key_reused"
    assert Redemption.objects.count() == 1


def test_a_refusal_of_money_stays_a_refusal_under_its_key(alices: Voucher) -> None:
    early = order(alices, cast.nanjing_road(), cast.alice(), amount_fen=5_000, key="k")
    assert refusal_of(early) == "below_threshold"
    assert refusal_of(early) == "below_threshold"
    assert RequestRecord.objects.filter(key="K", status=422).count() == 1
    assert Attempt.objects.count() == 1


def test_two_orders_for_one_voucher_in_one_batch_redeem_once(alices: Voucher) -> None:
    requests = [order(alices, cast.nanjing_road(), cast.alice()) for _ in range(3)]
    statuses = [answer.status for answer in redeem(requests=requests)]
    assert sorted(statuses) == [201, 409, 409]
    assert statuses[0] == 201


def test_a_used_voucher_is_refused(alices: Voucher) -> None:
    answer_to(order(alices, cast.nanjing_road(), cast.alice()))
    assert refusal_of(order(alices, cast.xujiahui(), cast.alice())) == "voucher_redeemed"


def test_one_order_takes_one_voucher(campaign: Campaign) -> None:
    first, second = issue_vouchers(campaign, [cast.alice(), cast.alice()])
    answer_to(order(first, cast.nanjing_road(), cast.alice(), order_no="A-1"))
    again = order(second, cast.nanjing_road(), cast.alice(), order_no="A-1")
    assert refusal_of(again) == "order_already_used"


class TestRefused:
    """Each refused for its own reason, and nothing has moved afterwards."""

    @pytest.fixture(autouse=True)
    def _nothing_moves(self, alices: Voucher, unmoved: Callable[[], None]) -> None:
        unmoved()

    def test_below_its_threshold(self, alices: Voucher) -> None:
        status, body = answer_to(order(alices, cast.nanjing_road(), cast.alice(), amount_fen=9_999))
        assert (status, body["code"]) == (422, "below_threshold")
        assert body["facts"] == {"threshold_fen": 10_000, "missing_fen": 1}
        assert body["title"] == "The order is ¥0.01 short of the ¥100 this voucher needs."
        assert body["title_zh"] == "订单未满 100元，还差 0.01元。"

    def test_when_only_the_eligible_part_is_below_the_threshold(self, alices: Voucher) -> None:
        request = order(
            alices,
            cast.nanjing_road(),
            cast.alice(),
            amount_fen=30_000,
            eligible_amount_fen=9_000,
        )
        assert refusal_of(request) == "below_threshold"

    def test_shown_by_another_resident_without_disclosing_whose_it_is(
        self, alices: Voucher
    ) -> None:
        unknown = answer_to(order("8" + "0" * 19, cast.nanjing_road(), cast.carol()))
        foreign = answer_to(order(alices, cast.nanjing_road(), cast.carol()))
        assert foreign[0] == unknown[0] == 404
        assert foreign[1] == unknown[1]
        assert set(Attempt.objects.values_list("rule", flat=True)) == {
            "voucher_unknown",
            "holder_or_proxy",
        }

    def test_in_a_store_that_takes_no_part(self, alices: Voucher) -> None:
        request = order(alices, cast.rival_shop(), cast.alice())
        assert refusal_of(request) == "store_not_participating"

    def test_in_a_closed_store(self, alices: Voucher) -> None:
        assert refusal_of(order(alices, cast.closed_shop(), cast.alice())) == "store_closed"

    def test_by_a_terminal_of_another_merchant(self, alices: Voucher) -> None:
        request = order(
            alices, cast.nanjing_road(), cast.alice(), caller=till_of(cast.rival_shop())
        )
        assert refusal_of(request) == "store_not_found"

    def test_after_its_end(self, alices: Voucher) -> None:
        late = cast.NOON + 31 * cast.DAY
        request = order(alices, cast.nanjing_road(), cast.alice(), at=late)
        assert refusal_of(request) == "voucher_expired"

    def test_before_its_beginning(self, alices: Voucher) -> None:
        early = NOON - timedelta(seconds=1)
        request = order(alices, cast.nanjing_road(), cast.alice(), at=early)
        assert refusal_of(request) == "voucher_not_yet_valid"

    def test_while_the_campaign_is_paused(self, campaign: Campaign, alices: Voucher) -> None:
        lifecycle.pause(campaign=campaign, by=cast.mei(), at=NOON)
        request = order(alices, cast.nanjing_road(), cast.alice())
        assert refusal_of(request) == "campaign_not_running"

    def test_with_a_guessed_code(self, alices: Voucher) -> None:
        code = till.code_of(alices)
        guess = code[:-1] + str((int(code[-1]) + 1) % 10)
        assert refusal_of(order(guess, cast.nanjing_road(), cast.alice())) == "voucher_not_usable"

    def test_with_a_test_key(self, alices: Voucher) -> None:
        caller = till_of(cast.nanjing_road(), is_test=True)
        request = order(alices, cast.nanjing_road(), cast.alice(), caller=caller)
        assert refusal_of(request) == "voucher_not_usable"


def test_a_window_is_half_open(campaign: Campaign) -> None:
    first, second = issue_vouchers(
        campaign, [cast.alice(), cast.alice()], valid_until_at=NOON + timedelta(hours=1)
    )
    end = NOON + timedelta(hours=1)
    store = cast.nanjing_road()
    last_moment = end - timedelta(microseconds=1)
    assert refusal_of(order(first, store, cast.alice(), at=end)) == "voucher_expired"
    assert answer_to(order(second, store, cast.alice(), at=last_moment))[0] == 201


def test_something_must_be_left_to_pay() -> None:
    campaign = cast.running_campaign(tiers={"half": (5_000, 5_001)})
    first, second = issue_vouchers(campaign, [cast.alice(), cast.alice()], tier="half")
    store = cast.nanjing_road()
    exact = order(first, store, cast.alice(), amount_fen=5_001)
    assert answer_to(exact)[1]["payable_fen"] == 1
    short = order(second, store, cast.alice(), amount_fen=5_000)
    assert refusal_of(short) == "below_threshold"


def test_a_declared_proxy_may_show_it(alices: Voucher) -> None:
    Proxy.objects.create(holder=cast.alice(), proxy=cast.carol(), declared_at=NOON)
    status, body = answer_to(order(alices, cast.nanjing_road(), cast.carol()))
    assert status == 201
    assert Redemption.objects.get(pk=body["id"]).shown_by == cast.carol()


def test_the_dead_redeem_nothing(campaign: Campaign) -> None:
    (voucher,) = issue_vouchers(campaign, [cast.dan()])
    assert refusal_of(order(voucher, cast.nanjing_road(), cast.dan())) == "resident_not_active"


class TestLimits:
    """Exact, also within one batch."""

    def test_per_resident_and_day(self) -> None:
        campaign = cast.running_campaign(limits={LimitKind.RESIDENT_DAY: 2})
        vouchers = issue_vouchers(campaign, [cast.alice()] * 4)
        requests = [order(v, cast.nanjing_road(), cast.alice()) for v in vouchers[:3]]
        statuses = [answer.status for answer in redeem(requests=requests)]
        assert statuses == [201, 201, 422]
        tomorrow = NOON + cast.DAY
        next_day = order(vouchers[3], cast.nanjing_road(), cast.alice(), at=tomorrow)
        assert answer_to(next_day)[0] == 201

    def test_per_store_and_minute(self) -> None:
        campaign = cast.running_campaign(limits={LimitKind.STORE_MINUTE: 2})
        vouchers = issue_vouchers(campaign, [cast.alice()] * 4)
        store = cast.nanjing_road()
        requests = [order(v, store, cast.alice()) for v in vouchers[:3]]
        answers = [decoded(answer) for answer in redeem(requests=requests)]
        assert [status for status, _ in answers] == [201, 201, 429]
        assert answers[2][1]["facts"]["next_at"] == "2026-04-01T12:01:00+08:00"
        next_minute = order(vouchers[3], store, cast.alice(), at=NOON + timedelta(minutes=1))
        assert answer_to(next_minute)[0] == 201

    def test_per_resident_and_campaign(self) -> None:
        campaign = cast.running_campaign(limits={LimitKind.RESIDENT_CAMPAIGN: 1})
        first, second = issue_vouchers(campaign, [cast.alice()] * 2)
        assert answer_to(order(first, cast.nanjing_road(), cast.alice()))[0] == 201
        later = order(second, cast.nanjing_road(), cast.alice(), at=NOON + cast.DAY)
        assert refusal_of(later) == "resident_limit"


class TestVoid:
    """A void undoes everything a redemption did, by new entries."""

    @pytest.fixture
    def redemption(self, alices: Voucher) -> Redemption:
        _, body = answer_to(order(alices, cast.nanjing_road(), cast.alice(), order_no="A-1"))
        return Redemption.objects.get(pk=body["id"])

    @pytest.mark.parametrize(("state", "is_usable"), [("paused", True), ("ended", False)])
    def test_says_whether_the_voucher_can_be_used_again(
        self, redemption: Redemption, state: str, is_usable: bool
    ) -> None:
        Campaign.objects.filter(pk=redemption.campaign_id).update(state=state)
        status, body = decoded(till.voided(redemption, caller=till_of(cast.nanjing_road())))
        assert (status, body["voucher_usable"]) == (200, is_usable)

    def test_gives_voucher_money_counters_and_order_back(
        self, campaign: Campaign, alices: Voucher, redemption: Redemption
    ) -> None:
        status, body = decoded(till.voided(redemption, caller=till_of(cast.nanjing_road())))
        assert status == 200
        assert body["voucher_usable"] is True
        assert balance_fen(campaign, AccountKind.PAYABLE) == 0
        assert balance_fen(campaign, AccountKind.OUTSTANDING) == 2_000
        assert set(LimitCounter.objects.values_list("used_count", "used_fen")) == {(0, 0)}
        again = order(alices, cast.nanjing_road(), cast.alice(), order_no="A-1")
        assert answer_to(again)[0] == 201

    def test_answers_the_same_key_alike(self, redemption: Redemption) -> None:
        caller = till_of(cast.nanjing_road())
        first = till.voided(redemption, caller=caller, key="v")
        again = till.voided(redemption, caller=caller, key="v")
        assert (first.body, first.status) == (again.body, again.status)
        assert again.is_replay

    def test_happens_once(self, campaign: Campaign, redemption: Redemption) -> None:
        caller = till_of(cast.nanjing_road())
        till.voided(redemption, caller=caller)
        status, body = decoded(till.voided(redemption, caller=caller))
        assert (status, body["code"]) == (409, "redemption_state")
        assert balance_fen(campaign, AccountKind.OUTSTANDING) == 2_000

    def test_is_refused_after_the_business_day(
        self, campaign: Campaign, redemption: Redemption
    ) -> None:
        midnight = NOON + timedelta(hours=12)
        answer = till.voided(redemption, caller=till_of(cast.nanjing_road()), at=midnight)
        assert decoded(answer)[1]["code"] == "redemption_state"
        assert balance_fen(campaign, AccountKind.PAYABLE) == 2_000

    def test_of_another_merchant_is_not_found(
        self, campaign: Campaign, redemption: Redemption
    ) -> None:
        answer = till.voided(redemption, caller=till_of(cast.rival_shop()))
        assert decoded(answer)[1]["code"] == "not_found"
        assert balance_fen(campaign, AccountKind.PAYABLE) == 2_000
