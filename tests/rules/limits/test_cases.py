"""Cases as the rules see them: weeks, severity, deadlines, what an officer may still decide."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from vouchers.rules.limits.cases import (
    MANY_SIGNALS,
    MUCH_FEN,
    TIME_FOR,
    CaseSeverity,
    Seen,
    judge_act,
    judge_decision,
    key_of,
    severity_of,
    standing_with,
)
from vouchers.states import CaseState, RiskVerdict

WEDNESDAY = datetime(2026, 4, 1, 4, tzinfo=UTC)
LOW, MEDIUM, HIGH = CaseSeverity


def signal(*, at: datetime = WEDNESDAY, verdict: str = "hold", fen: int = 0) -> Any:
    return SimpleNamespace(
        campaign_id=1,
        zone="Asia/Shanghai",
        kind="merchant_day",
        subject="merchant",
        subject_id=7,
        verdict=verdict,
        raised_at=at,
        discount_fen=fen,
    )


@pytest.mark.parametrize(
    ("hours", "is_same"),
    [(0, True), (24 * 4 + 11, True), (24 * 4 + 12, False), (-24 * 2 - 12, True), (-24 * 3, False)],
)
def test_a_case_gathers_one_week_of_the_campaigns_zone(hours: int, is_same: bool) -> None:
    other = signal(at=WEDNESDAY + timedelta(hours=hours))
    assert (key_of(other) == key_of(signal())) is is_same


@pytest.mark.parametrize(
    ("signals", "fen", "verdicts", "expected"),
    [
        (1, 0, [RiskVerdict.PAY], LOW),
        (1, 0, [RiskVerdict.PAY, RiskVerdict.HOLD], MEDIUM),
        (1, 0, [RiskVerdict.REFUSE], MEDIUM),
        (MANY_SIGNALS - 1, MUCH_FEN - 1, [RiskVerdict.PAY], LOW),
        (MANY_SIGNALS, 0, [RiskVerdict.PAY], HIGH),
        (1, MUCH_FEN, [RiskVerdict.PAY], HIGH),
    ],
)
def test_severity_is_by_number_money_and_verdict(
    signals: int, fen: int, verdicts: list[RiskVerdict], expected: CaseSeverity
) -> None:
    assert severity_of(signals, fen, verdicts) is expected


def test_a_case_never_becomes_less_grave_nor_later() -> None:
    grave = standing_with(None, [signal(fen=MUCH_FEN)], WEDNESDAY)
    later = WEDNESDAY + timedelta(hours=5)
    after = standing_with(grave, [signal(verdict="pay")], later)
    assert (after.severity, after.deadline_at) == (HIGH, WEDNESDAY + TIME_FOR[HIGH])
    assert (after.signals, after.subsidy_fen) == (2, MUCH_FEN)


def test_a_graver_case_is_to_be_decided_sooner_but_never_later() -> None:
    first = standing_with(None, [signal(verdict="pay")], WEDNESDAY)
    short = first._replace(deadline_at=WEDNESDAY + timedelta(hours=1))
    for before, expected in (
        (first, WEDNESDAY + TIME_FOR[MEDIUM]),
        (short, short.deadline_at),
    ):
        after = standing_with(before, [signal()], WEDNESDAY)
        assert (after.severity, after.deadline_at) == (MEDIUM, expected)


def test_what_is_decided_or_was_acted_on_meanwhile_is_left_alone() -> None:
    assert judge_act(state=CaseState.OPEN, acts=2, seen_acts=2) is None
    for state, seen, rule in (
        (CaseState.CLEARED, 2, "case_open"),
        (CaseState.CONFIRMED, 2, "case_open"),
        (CaseState.OPEN, 1, "case_as_seen"),
    ):
        refusal = judge_act(state=state, acts=2, seen_acts=seen)
        assert refusal is not None
        assert refusal.rule == rule


@pytest.mark.parametrize(
    ("seen", "reason", "rule"),
    [
        (Seen(2, 9), "why", None),
        (Seen(1, 9), "why", "case_as_seen"),
        (Seen(2, 8), "why", "case_signals_seen"),
        (Seen(2, 9), "  ", "case_reason"),
    ],
)
def test_a_decision_needs_everything_seen_and_a_reason(
    seen: Seen, reason: str, rule: str | None
) -> None:
    refusal = judge_decision(state=CaseState.OPEN, acts=2, signals=9, seen=seen, reason=reason)
    assert (refusal.rule if refusal else None) == rule
