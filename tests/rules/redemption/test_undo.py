"""What a redemption still allows: only the state machine's arrows, and those only in time."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from merchants.errors import Refusal
from vouchers.errors import CATALOGUE, explain
from vouchers.rules.redemption.undo import (
    RedemptionFacts,
    has_lapsed,
    judge_capture,
    judge_reverse,
    judge_void,
)
from vouchers.states import REDEMPTION_ARROWS, RedemptionState

NOON = datetime(2026, 4, 1, 4, 0, tzinfo=UTC)
MIDNIGHT = NOON + timedelta(hours=12)
INSTANT = timedelta(microseconds=1)
QUARTER_PAST = "2026-04-01T04:15:00+00:00"
UNDOING = (judge_void, judge_reverse)

Judge = Callable[[RedemptionFacts, datetime], Refusal | None]


def redemption(state: RedemptionState = RedemptionState.CAPTURED, **change: Any) -> RedemptionFacts:
    """One of noon, 1 April in Shanghai; an authorisation until a quarter past."""
    facts = RedemptionFacts(
        state=state,
        business_day=date(2026, 4, 1),
        zone="Asia/Shanghai",
        is_settled=False,
        is_refunded=False,
        expires_at=NOON + timedelta(minutes=15),
    )
    return facts._replace(**change)


def rule_of(refusal: Refusal | None) -> str:
    return "yes" if refusal is None else refusal.rule


@pytest.mark.parametrize("state", RedemptionState)
@pytest.mark.parametrize(
    ("judge", "target"),
    [
        (judge_void, RedemptionState.VOIDED),
        (judge_reverse, RedemptionState.REVERSED),
        (judge_capture, RedemptionState.CAPTURED),
    ],
)
def test_an_act_is_allowed_exactly_where_the_state_machine_has_an_arrow(
    judge: Judge, target: RedemptionState, state: RedemptionState
) -> None:
    refusal = judge(redemption(state), NOON)
    assert (refusal is None) == ((state, target) in REDEMPTION_ARROWS)
    assert refusal is None or (refusal.code, refusal.rule.split("_")[1]) == (
        "redemption_state",
        "state",
    )


@pytest.mark.parametrize("judge", UNDOING)
@pytest.mark.parametrize("state", [RedemptionState.AUTHORISED, RedemptionState.CAPTURED])
def test_it_can_be_undone_until_the_end_of_its_business_day(
    judge: Judge, state: RedemptionState
) -> None:
    assert judge(redemption(state), MIDNIGHT - INSTANT) is None
    assert rule_of(judge(redemption(state), MIDNIGHT)).endswith("_cut_off")


@pytest.mark.parametrize("judge", UNDOING)
def test_what_a_settlement_or_a_refund_has_taken_up_is_not_undone(judge: Judge) -> None:
    assert rule_of(judge(redemption(is_settled=True), NOON)).endswith("_settled")
    assert rule_of(judge(redemption(is_refunded=True), NOON)).endswith("_refunded")


def test_an_authorisation_is_captured_or_lapses_and_never_both() -> None:
    facts = redemption(RedemptionState.AUTHORISED)
    end = NOON + timedelta(minutes=15)
    assert (judge_capture(facts, end - INSTANT), has_lapsed(facts, end - INSTANT)) == (None, False)
    assert (rule_of(judge_capture(facts, end)), has_lapsed(facts, end)) == ("capture_expired", True)


@pytest.mark.parametrize("state", set(RedemptionState) - {RedemptionState.AUTHORISED})
def test_only_authorisations_lapse(state: RedemptionState) -> None:
    assert not has_lapsed(redemption(state), NOON + timedelta(days=1))


@pytest.mark.parametrize(
    ("refusal", "en", "zh"),
    [
        (
            judge_void(redemption(RedemptionState.REVERSED), NOON),
            "This redemption does not allow that: it is reversed.",
            "该笔核销不能如此处理：已冲正。",
        ),
        (
            judge_capture(redemption(RedemptionState.AUTHORISED), MIDNIGHT),
            f"This redemption does not allow that: the authorisation ended at {QUARTER_PAST}.",
            f"该笔核销不能如此处理：预核销已于 {QUARTER_PAST} 失效。",
        ),
        (
            judge_reverse(redemption(), MIDNIGHT),
            "This redemption does not allow that: the business day 2026-04-01 is over.",
            "该笔核销不能如此处理：账务日 2026-04-01 已结束。",
        ),
    ],
)
def test_a_cashier_reads_why_in_both_languages(refusal: Refusal, en: str, zh: str) -> None:
    assert refusal.code in CATALOGUE
    assert (explain(refusal, "en"), explain(refusal, "zh-hans")) == (en, zh)
