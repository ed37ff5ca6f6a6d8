"""What a redemption still allows: only the state machine's arrows, and those only in time."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from merchants.errors import Refusal
from vouchers.errors import CATALOGUE, explain
from vouchers.rules.redemption.undo import (
    RedemptionFacts,
    Undoing,
    has_lapsed,
    judge_capture,
    judge_reverse,
    judge_void,
    undoing,
)
from vouchers.states import (
    REDEMPTION_ARROWS,
    AccountKind,
    CampaignState,
    RedemptionState,
    TrancheState,
)

NOON = datetime(2026, 4, 1, 4, 0, tzinfo=UTC)
MIDNIGHT = NOON + timedelta(hours=12)
INSTANT = timedelta(microseconds=1)
UNDOING = (judge_void, judge_reverse)

Judge = Callable[[RedemptionFacts, datetime], Undoing | Refusal | None]


def redemption(state: RedemptionState = RedemptionState.CAPTURED, **change: Any) -> RedemptionFacts:
    """One of noon, 1 April in Shanghai; an authorisation until a quarter past."""
    facts = RedemptionFacts(
        state=state,
        business_day=date(2026, 4, 1),
        zone="Asia/Shanghai",
        is_settled=False,
        is_refunded=False,
        expires_at=NOON + timedelta(minutes=15),
        is_held=False,
        tranche_state=TrancheState.OUTSTANDING,
        valid_until_at=NOON + timedelta(days=30),
        campaign_state=CampaignState.RUNNING,
    )
    return facts._replace(**change)


def rule_of(decision: Undoing | Refusal | None) -> str:
    return decision.rule if isinstance(decision, Refusal) else "yes"


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
    decision = judge(redemption(state), NOON)
    is_refused = isinstance(decision, Refusal)
    assert is_refused != ((state, target) in REDEMPTION_ARROWS)
    if isinstance(decision, Refusal):
        assert (decision.code, decision.rule.split("_")[1]) == ("redemption_state", "state")


@pytest.mark.parametrize("judge", UNDOING)
@pytest.mark.parametrize("state", [RedemptionState.AUTHORISED, RedemptionState.CAPTURED])
def test_it_can_be_undone_until_the_end_of_its_business_day(
    judge: Judge, state: RedemptionState
) -> None:
    assert isinstance(judge(redemption(state), MIDNIGHT - INSTANT), Undoing)
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
    ("state", "is_held", "origin"),
    [
        (RedemptionState.AUTHORISED, False, AccountKind.AUTHORISED),
        (RedemptionState.CAPTURED, False, AccountKind.PAYABLE),
        (RedemptionState.CAPTURED, True, AccountKind.RISK_HELD),
    ],
)
def test_money_comes_from_where_it_is_and_a_hold_ends_with_it(
    state: RedemptionState, is_held: bool, origin: AccountKind
) -> None:
    decision = undoing(redemption(state, is_held=is_held), NOON)
    assert (decision.origin, decision.releases_hold) == (origin, is_held)


def test_money_goes_to_the_voucher_while_its_tranche_is_outstanding() -> None:
    assert undoing(redemption(), NOON) == (AccountKind.PAYABLE, AccountKind.OUTSTANDING, True)
    expired = undoing(redemption(tranche_state=TrancheState.EXPIRED), NOON)
    assert expired == (AccountKind.PAYABLE, AccountKind.FREE, False)
    assert expired.returns_to_quota


@pytest.mark.parametrize("state", CampaignState)
def test_a_voucher_is_usable_again_until_its_end_unless_the_campaign_is_over(
    state: CampaignState,
) -> None:
    facts = redemption(campaign_state=state)
    is_over = state in (CampaignState.ENDED, CampaignState.SETTLED, CampaignState.CLOSED)
    assert undoing(facts, NOON).voucher_usable == (not is_over)
    assert undoing(facts, facts.valid_until_at - INSTANT).voucher_usable == (not is_over)
    assert not undoing(facts, facts.valid_until_at).voucher_usable


@pytest.mark.parametrize(
    ("refusal", "en", "zh"),
    [
        (
            judge_void(redemption(RedemptionState.REVERSED), NOON),
            "This redemption can't be voided: it is already reversed.",
            "该笔核销已冲正，不能撤销。",
        ),
        (
            judge_capture(redemption(RedemptionState.AUTHORISED), MIDNIGHT),
            "The authorisation ended on 1 April, 12:15. Use the voucher again on the order.",
            "预核销已于 4月1日 12:15 失效，请重新用券。",
        ),
        (
            judge_reverse(redemption(), MIDNIGHT),
            "This redemption can't be reversed: its day, 1 April, is over. Use a refund.",
            "该笔核销的账务日 4月1日 已过，不能冲正，请走退款。",
        ),
    ],
)
def test_a_cashier_reads_why_in_both_languages(refusal: Refusal, en: str, zh: str) -> None:
    assert refusal.code in CATALOGUE
    assert (explain(refusal, "en"), explain(refusal, "zh-hans")) == (en, zh)
