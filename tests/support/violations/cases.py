"""What breaks each guard of cases and back-tests, by the guard's own name."""

from collections.abc import Mapping

from tests.support.violations.constraints import again

CLEARED = "UPDATE vouchers_case SET state = 'cleared', decided_at = opened_at, decided_by = 'rosa',"


def case_constraints() -> Mapping[str, str]:
    """By name of a CHECK or UNIQUE constraint: statements it must refuse."""
    return {
        "back_test_ends_after_start": again("vouchers_backtest", last_day="first_day - 1"),
        "back_test_finished_with_result": (
            "UPDATE vouchers_backtest SET finished_at = requested_at"
        ),
        "case_counts_not_negative": again("vouchers_case", window_no="9", signal_count="0"),
        "case_decided_with_reason": f"{CLEARED} reason = ''",
        "one_open_case_per_subject": again("vouchers_case"),
    }


def case_triggers() -> Mapping[str, str]:
    """By name of a trigger that guards changes: statements it must refuse."""
    return {
        "back_test_finished_once": (
            "UPDATE vouchers_backtest SET finished_at = requested_at, result = '[1]';"
            "UPDATE vouchers_backtest SET result = '[2]'"
        ),
        "back_test_question_frozen": "UPDATE vouchers_backtest SET last_day = last_day + 1",
        "case_arrows": "UPDATE vouchers_case SET state = 'closed'",
        "case_begins_open": again(
            "vouchers_case",
            state="'cleared'",
            decided_at="opened_at",
            decided_by="'rosa'",
            reason="'x'",
        ),
        "case_counts_never_fall": "UPDATE vouchers_case SET subsidy_fen = subsidy_fen - 1",
        "case_decided_once": (f"{CLEARED} reason = 'x'; UPDATE vouchers_case SET reason = 'y'"),
        "case_signal_fits": again(
            "vouchers_casesignal",
            signal_id="(SELECT id FROM vouchers_signal WHERE setting = 'shadow' LIMIT 1)",
        ),
        "case_subject_frozen": "UPDATE vouchers_case SET subject_id = subject_id + 1",
    }
