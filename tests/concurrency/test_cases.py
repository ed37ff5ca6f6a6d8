"""Sweeps and officers at once: each case is opened once, and no signal slips into a decided one."""

from functools import partial
from threading import Barrier

import pytest

from merchants.errors import Refused
from tests.support import cast
from tests.support.cases import at_noon, opened, seen, used, watched
from tests.support.cast import NOON
from tests.support.concurrency.invariants import assert_proven
from tests.support.concurrency.threads import PATIENCE_S, at_once
from vouchers.models import Campaign, Case, CaseSignal, Signal
from vouchers.rules.limits.cases import Seen
from vouchers.services.limits.cases import gather_signals
from vouchers.services.redemption import case_decisions
from vouchers.states import CaseState

pytestmark = pytest.mark.django_db(transaction=True)

SWEEPS = 4


def noticed() -> Campaign:
    """A campaign whose rule has noticed two orders of each of two stores."""
    campaign = watched(at_noon())
    for store in (cast.nanjing_road(), cast.xujiahui()):
        used(campaign, [cast.alice(), cast.bob()], store=store)
    return campaign


def test_sweeps_at_once_open_each_case_once() -> None:
    campaign = noticed()
    counts = at_once([partial(gather_signals, at=NOON)] * SWEEPS)
    assert sum(counts) == Signal.objects.count() == CaseSignal.objects.count() == 4
    assert sorted(campaign.cases.values_list("signal_count", flat=True)) == [2, 2]


def open_naively(campaign: Campaign, have_looked: Barrier, number: int) -> bool:
    """Look whether there is an open case, open one if not: every step right by itself. Each writer
    has a week of its own, so that the database does not see that they mean the same."""
    signal = Signal.objects.filter(campaign=campaign).earliest("id")
    known = {"kind": signal.kind, "subject": signal.subject, "subject_id": signal.subject_id}
    if Case.objects.filter(state=CaseState.OPEN, **known).exists():
        return False
    have_looked.wait(PATIENCE_S)
    Case.objects.create(
        campaign=campaign,
        window_no=number,
        store_id=signal.store_id,
        severity=1,
        signal_count=1,
        subsidy_fen=0,
        opened_at=NOON,
        deadline_at=NOON,
        **known,
    )
    return True


def test_control_sweeps_that_look_first_open_a_case_twice() -> None:
    campaign = noticed()
    have_looked = Barrier(SWEEPS)
    yes = at_once(
        [partial(open_naively, campaign, have_looked, number) for number in range(SWEEPS)]
    )
    assert sum(yes) == SWEEPS


def decided(case: Case, saw: Seen) -> str:
    try:
        case_decisions.clear(case=case, reason="a festival", seen=saw, by=cast.ren(), at=NOON)
    except Refused as refused:
        return refused.refusal.rule
    return "cleared"


def test_a_signal_beside_a_decision_is_seen_first_or_opens_another_case() -> None:
    campaign = watched(at_noon())
    used(campaign, [cast.alice()])
    case = opened(campaign)
    saw = seen(case)
    used(campaign, [cast.bob()])
    cast.ren()
    outcome, _ = at_once([lambda: decided(case, saw), lambda: str(gather_signals(at=NOON))])
    case.refresh_from_db()
    if outcome == "cleared":
        assert (case.state, case.signal_count) == (CaseState.CLEARED, saw.signals)
        assert campaign.cases.get(state=CaseState.OPEN).signal_count == 1
    else:
        assert outcome == "case_signals_seen"
        assert (case.state, case.signal_count) == (CaseState.OPEN, 2)
    assert_proven()


def test_of_two_officers_one_decides() -> None:
    campaign = watched(at_noon())
    used(campaign, [cast.alice()])
    case = opened(campaign)
    saw = seen(case)
    cast.ren()
    outcomes = at_once([partial(decided, case, saw)] * 2)
    assert sorted(outcomes) == ["case_open", "cleared"]
    assert_proven()
