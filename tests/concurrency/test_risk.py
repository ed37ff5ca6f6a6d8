"""Risk rules that look at tallies are exact under a crowd."""

from functools import partial
from threading import Barrier

import pytest
from django.db.models import F

from tests.concurrency.test_limits import codes
from tests.support import cast
from tests.support.concurrency.invariants import assert_proven
from tests.support.concurrency.threads import at_once
from tests.support.risk import rule, with_rules
from tests.support.till import issue_vouchers, order, redeem, till_of
from vouchers.models import Campaign, Hold, Redemption, Resident, RiskTally, Signal
from vouchers.rules.limits.risk_rules import RiskRule
from vouchers.services.redemption import RedeemRequest
from vouchers.states import RiskKind, RiskVerdict, TallyKind

pytestmark = pytest.mark.django_db(transaction=True)

CROWD = 16
ALLOWED = 5
FACE_FEN = 2_000
MEETING_S = 30.0


def watched(*rules: RiskRule) -> Campaign:
    return with_rules(cast.running_campaign(limits={}), *rules)


def crowd(campaign: Campaign, people: list[Resident]) -> list[RedeemRequest]:
    """Each person's own voucher on an order of its own at one till, with one device."""
    store, vouchers = cast.nanjing_road(), issue_vouchers(campaign, people)
    return [
        order(voucher, store, person, caller=till_of(store, credential_id=number), device="shared")
        for number, (voucher, person) in enumerate(zip(vouchers, people, strict=True), 1)
    ]


def guests(number: int) -> list[Resident]:
    return [cast.resident(f"guest{index}") for index in range(number)]


EXACT = {
    RiskKind.TERMINAL_MINUTE: {"orders": ALLOWED},
    RiskKind.MERCHANT_DAY: {"fen": ALLOWED * FACE_FEN},
    RiskKind.DEVICE_SHARED: {"people": ALLOWED},
    # From the sixth order on, of any shopper.
    RiskKind.FEW_PEOPLE: {"orders": ALLOWED + 1, "people": 10_000},
}


@pytest.mark.parametrize("kind", EXACT, ids=lambda kind: kind.value)
def test_of_a_crowd_exactly_as_many_pass_as_a_rule_lets(kind: RiskKind) -> None:
    campaign = watched(rule(kind, figures=EXACT[kind]))
    answered = codes(crowd(campaign, guests(CROWD)))
    assert answered == ["201"] * ALLOWED + ["risk_refused"] * (CROWD - ALLOWED)
    assert Redemption.objects.count() == ALLOWED
    assert Signal.objects.count() == CROWD - ALLOWED
    assert_proven()


def test_one_person_at_sixteen_tills_splits_one_order_once() -> None:
    campaign = watched(rule(RiskKind.SPLIT_ORDERS, minutes=10))
    assert codes(crowd(campaign, [cast.alice()] * CROWD)).count("201") == 1


def test_of_a_crowd_all_but_the_first_are_held() -> None:
    campaign = watched(rule(RiskKind.TERMINAL_MINUTE, orders=1, verdict=RiskVerdict.HOLD))
    assert codes(crowd(campaign, guests(CROWD))) == ["201"] * CROWD
    assert Hold.objects.count() == CROWD - 1
    assert_proven()


def count_naively(campaign: Campaign, met: Barrier) -> bool:
    """Read the tally, decide, add to it: every step right by itself, but that all have read before
    the first adds."""
    tallies = RiskTally.objects.filter(campaign=campaign, kind=TallyKind.TERMINAL_MINUTE)
    seen = tallies.values_list("used_count", flat=True).get()
    met.wait(MEETING_S)
    if seen >= ALLOWED:
        return False
    tallies.update(used_count=F("used_count") + 1)
    return True


def test_control_a_naive_tally_lets_too_many_through() -> None:
    campaign = watched(rule(RiskKind.TERMINAL_MINUTE, orders=ALLOWED))
    redeem(requests=crowd(campaign, guests(1)))
    yes = at_once([partial(count_naively, campaign, Barrier(CROWD))] * CROWD)
    assert sum(yes) + 1 > ALLOWED, "the tills never met: the races above would prove nothing"
