"""Back-tests: a rule tried on past redemptions finds what it would have found at the till."""

from datetime import date, datetime, timedelta

import pytest
from django.contrib.auth.models import User

from merchants.errors import Refused
from tests.support import cast
from tests.support.cases import watched
from tests.support.cast import DAY, NOON
from tests.support.risk import rule
from tests.support.till import answer_to, issue_vouchers, merchant_of, order, refunded, till_of
from vouchers.models import BackTest, Campaign, Redemption, Signal
from vouchers.rules.limits.back_test import REPLAYED, Replayed
from vouchers.rules.limits.risk_rules import RiskRule
from vouchers.services.limits import back_tests
from vouchers.services.limits.back_tests import request_back_test, work_off
from vouchers.states import RiskKind, RiskSetting, RiskVerdict

pytestmark = pytest.mark.django_db

TODAY = date(2026, 4, 1)
FACE_FEN = 2_000
FIGURES = {
    RiskKind.TERMINAL_MINUTE: {"orders": 1},
    RiskKind.MERCHANT_DAY: {"fen": 3 * FACE_FEN},
    RiskKind.DEVICE_SHARED: {"people": 1},
    RiskKind.IMPOSSIBLE_TRAVEL: {"km_per_hour": 10, "metres": 100},
    RiskKind.THRESHOLD_HUGGING: {"within_percent": 5, "share_percent": 50, "orders": 2},
    RiskKind.SPLIT_ORDERS: {"minutes": 10},
    RiskKind.NIGHT_HOURS: {"from_hour": 12, "to_hour": 13},
    RiskKind.FEW_PEOPLE: {"orders": 2, "people": 1},
    RiskKind.TERMINAL_ROAMING: {"stores": 1},
    RiskKind.REFUND_RATE: {"share_percent": 10, "orders": 2},
}


def clock() -> datetime:
    return NOON + DAY


@pytest.fixture(scope="module")
def standing(rows_of_module: None) -> Campaign:
    """Two days at two stores, with every rule that can be tried in shadow."""
    campaign = watched(
        *(rule(kind, setting=RiskSetting.SHADOW, figures=named) for kind, named in FIGURES.items())
    )
    here, there = cast.nanjing_road(), cast.xujiahui()
    alice, bob = cast.alice(), cast.bob()
    first, second, third, fourth, fifth, sixth = issue_vouchers(
        campaign, [alice, alice, bob, alice, bob, alice]
    )
    for voucher, store, minutes, amount_fen in (
        (first, here, 0, 10_000),
        (second, here, 0, 10_100),
        (third, here, 5, 30_000),
        (fourth, there, 6, 10_000),
        (fifth, here, 180, 20_000),
        (sixth, here, 24 * 60, 10_000),
    ):
        asked = order(
            voucher,
            store,
            voucher.resident,
            at=NOON + timedelta(minutes=minutes),
            amount_fen=amount_fen,
            caller=merchant_of(here),
            terminal="N1",
            device="d",
        )
        assert answer_to(asked)[0] == 201
        if voucher == third:
            bought = Redemption.objects.latest("redeemed_at")
            later = NOON + timedelta(minutes=60)
            refunded(bought, caller=till_of(here), amount_fen=100, at=later)
    return campaign


@pytest.fixture
def campaign(standing: Campaign) -> Campaign:
    return Campaign.objects.get(pk=standing.pk)


@pytest.fixture
def rosa() -> User:
    return cast.member("rosa", "risk officer")


def tried(
    campaign: Campaign,
    changed: RiskRule,
    by: User,
    *,
    first: date = TODAY,
    last: date = TODAY + timedelta(days=1),
) -> BackTest:
    test = request_back_test(
        campaign=campaign, rule=changed, first_day=first, last_day=last, by=by, at=NOON
    )
    assert work_off(clock=clock) == 1
    test.refresh_from_db()
    return test


def test_every_rule_that_can_be_tried_has_its_figures_here() -> None:
    assert FIGURES.keys() == {kind for kind, how in REPLAYED.items() if how is not Replayed.NOT}


@pytest.mark.parametrize("kind", FIGURES, ids=lambda kind: kind.value)
def test_the_rule_as_it_was_finds_exactly_what_it_found(
    campaign: Campaign, rosa: User, kind: RiskKind
) -> None:
    test = tried(campaign, rule(kind, verdict=RiskVerdict.HOLD, figures=FIGURES[kind]), rosa)
    noticed = Signal.objects.filter(campaign=campaign, kind=kind.value).count()
    assert noticed > 0
    assert (test.result["hits"], test.result["known"]) == (noticed, noticed)
    assert test.result["seen"] == test.done_count == test.total_count == 6


def test_a_stricter_rule_finds_more_and_says_where(campaign: Campaign, rosa: User) -> None:
    stricter = rule(RiskKind.MERCHANT_DAY, verdict=RiskVerdict.HOLD, fen=0)
    test = tried(campaign, stricter, rosa, last=TODAY)
    here, there = cast.nanjing_road().pk, cast.xujiahui().pk
    assert test.result["stores"] == [[here, 4, 4 * FACE_FEN], [there, 1, FACE_FEN]]
    assert test.result["subsidy_fen"] == 5 * FACE_FEN
    assert test.result["known"] == 2


def test_what_it_would_have_refused_does_not_count_any_more(campaign: Campaign, rosa: User) -> None:
    refusing = rule(RiskKind.DEVICE_SHARED, verdict=RiskVerdict.REFUSE, people=1)
    holding = rule(RiskKind.DEVICE_SHARED, verdict=RiskVerdict.HOLD, people=1)
    assert tried(campaign, refusing, rosa).result["hits"] == 2, "Bob's, and Alice stays alone"
    assert tried(campaign, holding, rosa).result["hits"] == 4


def test_the_whole_campaign_is_counted_whatever_days_are_asked_about(
    campaign: Campaign, rosa: User
) -> None:
    tomorrow = TODAY + timedelta(days=1)
    shared = rule(RiskKind.DEVICE_SHARED, verdict=RiskVerdict.HOLD, people=1)
    test = tried(campaign, shared, rosa, first=tomorrow, last=tomorrow)
    assert (test.result["seen"], test.result["hits"]) == (1, 1)
    assert test.total_count == 6


@pytest.mark.parametrize(
    ("kind", "days", "broken"),
    [
        (RiskKind.STORE_DISTANCE, 1, "replayed"),
        (RiskKind.NIGHT_HOURS, 0, "replayed_days"),
        (RiskKind.NIGHT_HOURS, 93, "replayed_days"),
    ],
)
def test_what_cannot_be_tried_is_refused(
    campaign: Campaign, rosa: User, kind: RiskKind, days: int, broken: str
) -> None:
    last = TODAY + timedelta(days=days - 1)
    with pytest.raises(Refused) as refused:
        request_back_test(
            campaign=campaign, rule=rule(kind), first_day=TODAY, last_day=last, by=rosa, at=NOON
        )
    assert (refused.value.refusal.code, refused.value.refusal.rule) == ("risk_rule_invalid", broken)
    assert not BackTest.objects.exists()


def test_only_those_who_propose_rules_try_them(campaign: Campaign) -> None:
    with pytest.raises(Refused) as refused:
        tried(campaign, rule(RiskKind.NIGHT_HOURS), cast.li())
    assert refused.value.refusal.code == "not_permitted"


def test_a_killed_workers_test_is_taken_up_and_its_own_answer_refused(
    campaign: Campaign, rosa: User
) -> None:
    test = request_back_test(
        campaign=campaign,
        rule=rule(RiskKind.NIGHT_HOURS),
        first_day=TODAY,
        last_day=TODAY,
        by=rosa,
        at=NOON,
    )
    dead = back_tests._take(NOON)
    assert dead is not None
    assert work_off(clock=lambda: NOON + timedelta(seconds=30)) == 0
    assert work_off(clock=lambda: NOON + timedelta(seconds=61)) == 1
    with pytest.raises(back_tests.LostLeaseError):
        back_tests._answer(dead, clock)
    test.refresh_from_db()
    assert test.finished_at == NOON + timedelta(seconds=61)
