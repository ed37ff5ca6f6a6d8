"""Changes of a launched campaign's money judged on made-up figures."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vouchers.rules.campaigns import proposals
from vouchers.rules.campaigns.proposals import Cap, CellState, Change, decide
from vouchers.rules.ledger.amounts import MOST_FEN, check_amount_fen, check_currency
from vouchers.states import CampaignState, ProposalKind

amounts = st.integers(0, 10**6)
SHARES = {"off20": {"city": 1_200, "group": 800}, "off50": {"city": 3_000, "group": 2_000}}


@given(st.integers(1, MOST_FEN))
def test_whole_amounts_up_to_the_largest_are_taken(fen: int) -> None:
    assert check_amount_fen(fen) is None


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (0, "amount_not_positive"),
        (-1, "amount_not_positive"),
        (1.0, "amount_not_whole"),
        (Decimal(1), "amount_not_whole"),
        (None, "amount_not_whole"),
        (True, "amount_not_whole"),
        (MOST_FEN + 1, "amount_too_large"),
    ],
)
def test_an_invalid_amount_is_refused(value: object, code: str) -> None:
    refusal = check_amount_fen(value)
    assert refusal is not None
    assert refusal.code == code


def test_a_figure_may_be_zero_where_it_is_asked_for() -> None:
    assert check_amount_fen(0, least_fen=0) is None


def test_there_is_one_currency() -> None:
    assert check_currency("CNY", wanted="CNY") is None
    refusal = check_currency("USD", wanted="CNY")
    assert refusal is not None
    assert refusal.code == "currency_mismatch"


@given(used=amounts, free=amounts, target=amounts)
def test_an_appropriation_goes_down_to_what_is_used_and_no_further(
    used: int, free: int, target: int
) -> None:
    current = used + free
    refusal = proposals.appropriation(
        current_fen=current, free_fen=free, expected_fen=current, target_fen=target
    )
    if target == current:
        assert refusal is not None
        assert refusal.code == "nothing_to_change"
    else:
        assert (refusal is None) == (target >= used)


@given(free=amounts, cash=amounts, amount=st.integers(1, 10**6))
def test_a_repayment_is_free_money_that_has_arrived(free: int, cash: int, amount: int) -> None:
    refusal = proposals.repayment(
        free_fen=free, cash_fen=cash, expected_free_fen=free, amount_fen=amount
    )
    assert (refusal is None) == (amount <= min(free, cash))


@pytest.mark.parametrize("kind", [it for it in ProposalKind if it != ProposalKind.RISK_RULES])
def test_nothing_on_money_is_proposed_before_the_launch(kind: ProposalKind) -> None:
    for state in (CampaignState.DRAFT, CampaignState.SUBMITTED, CampaignState.APPROVED):
        assert proposals.allowed(kind, state) is not None
    assert proposals.allowed(kind, CampaignState.RUNNING) is None


def test_after_the_closing_money_only_goes_back() -> None:
    allowed = [
        kind for kind in ProposalKind if proposals.allowed(kind, CampaignState.CLOSED) is None
    ]
    assert allowed == [ProposalKind.REPAYMENT]


def cell(fen: int | None, count: int | None, *, used: int = 0, **slice_: str) -> CellState:
    """A cell with caps and so many vouchers of ¥20 in it."""
    left = Cap(None if fen is None else fen - used * 2_000, None if count is None else count - used)
    return CellState(slice_, Cap(fen, count), left)


def resized(cells: dict[int, CellState], *targets: tuple[int, int], free: int = 10**9) -> str:
    """The code with which counts (cell, count) are refused; empty when they are taken."""
    changes = [
        Change(number, cells[number].cap, replace(cells[number].cap, count=count))
        for number, count in targets
    ]
    refusal = proposals.quotas(
        cells, changes, free_fen={"city": free * 6 // 10, "group": free * 4 // 10}, shares=SHARES
    )
    return refusal.code if refusal else ""


@given(cap=amounts, used=amounts, target=amounts)
def test_a_cap_goes_down_to_what_counts_in_it(cap: int, used: int, target: int) -> None:
    used = min(used, cap)
    code = resized({1: cell(None, cap, used=used, tier="off20")}, (1, target))
    assert code == (
        "cap_below_use" if target < used else "nothing_to_change" if target == cap else ""
    )


def test_cells_nest_also_when_only_the_wide_one_shrinks() -> None:
    cells = {1: cell(None, 10), 2: cell(None, 8, district="310101"), 3: cell(None, 9, tier="off20")}
    assert resized(cells, (1, 7)) == "cells_do_not_nest"
    assert resized(cells, (1, 7), (2, 7), (3, 7)) == ""


def test_a_round_is_covered_by_what_is_free_to_the_last_voucher() -> None:
    cells = {
        1: cell(None, 10, used=10, round="1", tier="off20"),
        2: cell(None, 0, round="2", tier="off20"),
        3: cell(None, 0, round="2", tier="off50"),
    }
    assert resized(cells, (2, 5), free=10_000) == ""
    assert resized(cells, (2, 6), free=10_000) == "not_free"
    assert resized(cells, (2, 5), (3, 2), free=20_000) == ""
    # Together they could hand out more than there is.
    assert resized(cells, (2, 5), (3, 2), free=19_999) == "not_free"


def test_a_round_of_no_tier_is_covered_when_its_cheapest_vouchers_are() -> None:
    cells = {1: cell(None, 0, round="1")}
    assert resized(cells, (1, 5), free=10_000) == ""
    assert resized(cells, (1, 6), free=10_000) == "not_free"


def test_a_round_that_shrinks_needs_no_money() -> None:
    assert resized({1: cell(None, 10, round="1")}, (1, 5), free=0) == ""


def test_of_a_sources_cell_in_a_round_only_that_source_must_pay() -> None:
    state = cell(0, None, round="1", source="group")
    change = Change(1, state.cap, Cap(5_000, None))
    free_fen = {"city": 0, "group": 5_000}
    assert proposals.quotas({1: state}, [change], free_fen=free_fen, shares=SHARES) is None
    refusal = proposals.quotas(
        {1: state}, [change], free_fen={"city": 9_999, "group": 4_999}, shares=SHARES
    )
    assert refusal is not None
    assert refusal.code == "not_free"


def test_no_decision_is_on_ones_own_nor_unseen_nor_twice() -> None:
    """The rule by itself: the database refuses the same, so acts alone would not show it."""
    sha = bytes(32)
    sound = {"approver_id": 2, "sha256": sha, "seen_sha256": sha, "is_decided": False}
    assert decide(proposer_id=1, **sound) is None  # type: ignore[arg-type]
    for change, code in (
        ({"approver_id": 1}, "approver_proposed"),
        ({"seen_sha256": b"other"}, "proposal_not_as_seen"),
        ({"is_decided": True}, "proposal_decided"),
    ):
        refusal = decide(proposer_id=1, **{**sound, **change})  # type: ignore[arg-type]
        assert refusal is not None
        assert refusal.code == code
