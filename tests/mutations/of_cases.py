"""Mutations of cases and back-tests: what gathers, who decides on what was seen, what follows."""

from tests.mutations.mutation import (
    Mutation,
    database,
    source,
    without_constraint,
    without_index,
    without_trigger,
)

RULES = "vouchers/rules/limits"
SERVICES = "vouchers/services"
CASES = "tests/services/limits/test_cases.py"
PURE = "tests/rules/limits/test_cases.py"
DECISIONS = "tests/services/redemption/test_case_decisions.py"
BACK_TESTS = "tests/services/limits/test_back_tests.py"
GUARDS = "tests/models/test_guards.py"


def _trigger(
    table: str, name: str, test: str = "test_every_trigger_refuses_what_breaks_it"
) -> Mutation:
    sql = without_trigger(f"vouchers_{table}", name)
    return database(name, 9, f"trigger `{name}` dropped", sql, f"{GUARDS}::{test}")


def _constraint(name: str, sql: str) -> Mutation:
    test = f"{GUARDS}::test_every_constraint_refuses_what_breaks_it"
    return database(name, 9, f"constraint `{name}` dropped", sql, test)


OF_CASES: tuple[Mutation, ...] = (
    source(
        "shadow opens cases",
        9,
        "what a rule in shadow noticed opens a case",
        "vouchers/models/limits/cases.py",
        "     WHERE s.setting = '{RiskSetting.LIVE.value}'\n       AND s.id >",
        "     WHERE s.id >",
        f"{CASES}::TestGathering::test_shadow_rules_open_none_and_keep_none_from_opening",
    ),
    source(
        "the sandbox opens cases",
        9,
        "signals of the sandbox open cases",
        "vouchers/models/limits/cases.py",
        "c.id = s.campaign_id AND NOT c.is_test",
        "c.id = s.campaign_id",
        f"{CASES}::TestGathering::test_the_sandbox_opens_none",
    ),
    source(
        "signals join a decided case",
        9,
        "a signal joins a case whatever its state",
        f"{SERVICES}/limits/cases.py",
        "            state=CaseState.OPEN.value,\n            campaign_id__in",
        "            campaign_id__in",
        f"{CASES}::TestGathering::test_after_a_decision_the_next_signal_opens_another",
    ),
    source(
        "the second officer is not told",
        9,
        "an act on a case that another officer has changed meanwhile is carried out",
        f"{RULES}/cases.py",
        "    if acts != seen_acts:\n",
        "    if acts < seen_acts:\n",
        f"{CASES}::TestActs::test_an_act_on_an_outdated_case_is_refused",
        PURE,
    ),
    source(
        "signals decided on unseen",
        9,
        "a case is decided with signals that the officer has not seen",
        f"{RULES}/cases.py",
        "    if signals != seen.signals:\n",
        "    if signals < seen.signals:\n",
        f"{CASES}::TestActs::test_a_decision_needs_a_reason_and_all_signals_seen",
        PURE,
    ),
    source(
        "a case decided twice",
        9,
        "a decided case is decided again",
        f"{RULES}/cases.py",
        "    if state is not CaseState.OPEN:\n",
        "    if state is CaseState.CONFIRMED:\n",
        f"{DECISIONS}::test_the_second_of_two_decisions_is_refused",
        PURE,
    ),
    source(
        "anybody decides",
        9,
        "a case is decided without the right to",
        f"{SERVICES}/redemption/case_decisions.py",
        "    require_permission(by, HOLDS, at=at)\n    decide(",
        "    decide(",
        f"{CASES}::TestActs::test_only_risk_officers_act_and_are_assigned",
        f"{DECISIONS}::test_a_decision_needs_the_right_to_release_holds",
    ),
    source(
        "what another case is about released",
        9,
        "clearing one case releases money that another open case is about",
        f"{SERVICES}/redemption/case_decisions.py",
        "        if decision is CaseState.CLEARED and _is_of_another_case(hold):\n"
        "            continue\n",
        "",
        f"{DECISIONS}::TestClearing::test_what_another_open_case_is_about_stays_held",
    ),
    source(
        "clawback of what is not held",
        5,
        "a redemption is undone by the office though its money is not held",
        f"{RULES.replace('limits', 'redemption')}/holds.py",
        "    if not redemption.is_held:\n",
        "    if redemption_id < 0:\n",
        f"{DECISIONS}::TestConfirming::test_what_is_not_held_is_not_called_back",
    ),
    source(
        "what is left over is forgotten",
        10,
        "a sweep does not carry out what a killed process had decided",
        "vouchers/tasks.py",
        "    _sweep(cases.gather_signals, case_decisions.finish_decided)\n",
        "    _sweep(cases.gather_signals)\n",
        f"{DECISIONS}::test_a_sweep_carries_out_what_a_killed_process_left",
    ),
    source(
        "refused and counted",
        9,
        "a back-test counts what its rule would have refused",
        f"{RULES}/back_test.py",
        "        if not (is_noticed and self._is_refusing):\n",
        "        if case is not None:\n",
        f"{BACK_TESTS}::test_what_it_would_have_refused_does_not_count_any_more",
    ),
    source(
        "counted from the day asked about",
        9,
        "a back-test of a rule about the whole campaign counts the days asked about alone",
        f"{SERVICES}/limits/back_tests.py",
        "    if kind in FROM_THE_START:\n",
        "    if kind is None:\n",
        f"{BACK_TESTS}::test_the_whole_campaign_is_counted_whatever_days_are_asked_about",
    ),
    _trigger("case", "case_arrows"),
    _trigger("case", "case_begins_open"),
    _trigger("case", "case_counts_never_fall"),
    _trigger("case", "case_decided_once"),
    _trigger("case", "case_subject_frozen"),
    _trigger("case", "case_not_deleted", "TestLastingRows::test_none_is_taken_out"),
    _trigger("casesignal", "case_signal_fits"),
    _trigger("casesignal", "case_signal_append_only", "TestBooks"),
    _trigger("backtest", "back_test_finished_once"),
    _trigger("backtest", "back_test_question_frozen"),
    _constraint("one_open_case_per_subject", without_index("one_open_case_per_subject")),
    _constraint(
        "case_decided_with_reason", without_constraint("vouchers_case", "case_decided_with_reason")
    ),
    _constraint(
        "back_test_finished_with_result",
        without_constraint("vouchers_backtest", "back_test_finished_with_result"),
    ),
)
