"""What is shown at the till: good once, in its time, by its own person; guesses are slowed down."""

from datetime import timedelta

import pytest

from tests.support.cast import NOON
from vouchers.rules.redemption.shown import (
    PAPER_TRIES,
    PRINTED,
    WINDOW,
    Shown,
    Way,
    Wrong,
    WrongKey,
    judge_pause,
    judge_shown,
    pause_s,
    window_no,
)
from vouchers.states import WrongCodeKind

END = NOON + timedelta(seconds=60)
GOOD = Shown(Way.PRESENTED, 1, expires_at=END)
PAPER = Shown(Way.PAPER, 1, digits_match=True)
FREE = 10


def rule_of(shown: Shown, after_s: float = 0) -> str | None:
    refusal = judge_shown(shown, NOON + timedelta(seconds=after_s))
    return refusal.rule if refusal else None


def wrong(codes: int, kind: WrongCodeKind = WrongCodeKind.TERMINAL) -> dict[WrongKey, Wrong]:
    return {WrongKey(kind, 1, window_no(NOON)): Wrong(codes, NOON)}


def test_a_presented_code_is_good_for_sixty_seconds_and_no_more() -> None:
    assert rule_of(GOOD, 59.999999) is None
    assert rule_of(GOOD, 60) == "presentation_expired"


def test_a_presented_code_is_good_once() -> None:
    assert rule_of(Shown(Way.PRESENTED, 1, expires_at=END, is_used=True)) == "presentation_used"


def test_a_presented_code_is_not_another_persons() -> None:
    foreign = Shown(Way.PRESENTED, 1, expires_at=END, is_of_another=True)
    assert rule_of(foreign) == "presentation_of_another"


def test_expired_used_and_foreign_codes_read_alike() -> None:
    bad = (
        judge_shown(GOOD, END),
        judge_shown(Shown(Way.PRESENTED, 1, expires_at=END, is_used=True), NOON),
        judge_shown(Shown(Way.PRESENTED, 1, expires_at=END, is_of_another=True), NOON),
    )
    assert {refusal.code for refusal in bad if refusal} == {"voucher_not_usable"}


def test_a_paper_is_good_with_the_right_digits() -> None:
    assert rule_of(PAPER) is None
    assert rule_of(Shown(Way.PAPER, 1)) == "paper_digits"


@pytest.mark.parametrize(
    ("tries", "rule"), [(PAPER_TRIES - 1, None), (PAPER_TRIES, "paper_locked")]
)
def test_a_paper_is_locked_after_five_wrong_tries(tries: int, rule: str | None) -> None:
    assert rule_of(Shown(Way.PAPER, 1, wrong_count=tries, digits_match=True)) == rule


def test_a_replaced_paper_is_refused() -> None:
    assert rule_of(Shown(Way.PAPER, 1, is_replaced=True, digits_match=True)) == "paper_replaced"


def test_a_printed_code_is_not_asked_more() -> None:
    assert rule_of(PRINTED, 10**6) is None


@pytest.mark.parametrize(
    ("codes", "wait_s"),
    [(0, 0), (9, 0), (10, 2), (11, 4), (12, 8), (14, 32), (15, 60), (19, 60), (20, 3600)],
)
def test_wrong_codes_are_first_free_then_slow_then_refused(codes: int, wait_s: int) -> None:
    assert pause_s(Wrong(codes, NOON), NOON, free=FREE) == wait_s


def test_a_wait_ends_when_it_is_over_and_not_before() -> None:
    at = NOON + timedelta(seconds=2)
    assert pause_s(Wrong(10, NOON), at - timedelta(microseconds=1), free=FREE) == 1
    assert pause_s(Wrong(10, NOON), at, free=FREE) == 0


@pytest.mark.parametrize(
    ("kind", "free"),
    [
        (WrongCodeKind.TERMINAL, 10),
        (WrongCodeKind.VOUCHER, 10),
        (WrongCodeKind.STORE, 50),
        (WrongCodeKind.CALLER, 500),
    ],
)
def test_every_subject_has_its_own_measure(kind: WrongCodeKind, free: int) -> None:
    assert judge_pause(wrong(free - 1, kind), NOON, free=FREE) is None
    assert judge_pause(wrong(free, kind), NOON, free=FREE) is not None


def test_the_longest_wait_counts() -> None:
    both = {**wrong(11), **wrong(10, WrongCodeKind.VOUCHER)}
    refusal = judge_pause(both, NOON, free=FREE)
    assert refusal is not None
    assert refusal.facts == {"wait_s": 4}


def test_another_hours_wrong_codes_count_for_nothing() -> None:
    assert judge_pause(wrong(20), NOON + WINDOW, free=FREE) is None
