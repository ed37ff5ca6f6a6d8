"""What of the subsidy follows a refund: to the fen, to each source its own, and never too much."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from merchants.errors import Refusal
from vouchers.errors import explain
from vouchers.money import split_pro_rata
from vouchers.rules.redemption.refunds import (
    Clawback,
    ClawbackPart,
    Refundable,
    Share,
    VoucherFate,
    clawback_fen,
    judge_refund,
    number_used,
    promised_anew,
    share_clawback,
)
from vouchers.states import AccountKind, RedemptionState, RefundPolicy, SettlementState

CITY, GROUP = 1, 2
PAYABLE, RISK_HELD, SETTLED = (
    AccountKind.PAYABLE,
    AccountKind.RISK_HELD,
    AccountKind.SETTLED,
)
FREE, OUTSTANDING, RECOVERABLE = (
    AccountKind.FREE,
    AccountKind.OUTSTANDING,
    AccountKind.RECOVERABLE,
)
READY, PAID = SettlementState.READY, SettlementState.PAID

BOUGHT = Refundable(
    state=RedemptionState.CAPTURED,
    policy=RefundPolicy.RETURN,
    order_amount_fen=20_000,
    discount_fen=5_000,
    refunded_fen=0,
    shares=(Share(CITY, 3_000), Share(GROUP, 2_000)),
    is_held=False,
    is_window_open=True,
)
"""满200减50 on ¥200: the shopper paid ¥150, the city ¥30 and the group ¥20."""

POLICIES = st.sampled_from(list(RefundPolicy))


def yes(redemption: Refundable, amount_fen: int) -> Clawback:
    decision = judge_refund(redemption, amount_fen)
    assert isinstance(decision, Clawback), decision
    return decision


def no(redemption: Refundable, amount_fen: int) -> Refusal:
    decision = judge_refund(redemption, amount_fen)
    assert isinstance(decision, Refusal), decision
    return decision


def settled(state: SettlementState) -> Refundable:
    shares = [share._replace(settlement=state) for share in BOUGHT.shares]
    return replace(BOUGHT, shares=shares)


def after(redemption: Refundable, amount_fen: int, clawback: Clawback) -> Refundable:
    """The redemption once a refund is written."""
    back = {part.source_id: part.amount_fen for part in clawback.parts}
    return replace(
        redemption,
        refunded_fen=redemption.refunded_fen + amount_fen,
        shares=[
            share._replace(clawed_fen=share.clawed_fen + back.get(share.source_id, 0))
            for share in redemption.shares
        ],
        state=RedemptionState.REFUNDED if clawback.is_everything else redemption.state,
    )


# Everything at once


def test_everything_refunded_in_time_gives_the_voucher_back() -> None:
    assert yes(BOUGHT, 15_000) == Clawback(
        parts=(
            ClawbackPart(CITY, 3_000, PAYABLE, OUTSTANDING),
            ClawbackPart(GROUP, 2_000, PAYABLE, OUTSTANDING),
        ),
        voucher=VoucherFate.GIVEN_BACK,
        is_everything=True,
        voucher_usable=True,
    )


def test_after_the_window_the_money_is_free_and_the_voucher_lost() -> None:
    late = yes(replace(BOUGHT, is_window_open=False), 15_000)
    assert late.voucher is VoucherFate.WITHDRAWN
    assert late.freed() == [(CITY, 3_000), (GROUP, 2_000)]


@pytest.mark.parametrize("policy", [RefundPolicy.PRO_RATA, RefundPolicy.FORFEIT])
def test_only_the_policy_return_gives_a_voucher_back(policy: RefundPolicy) -> None:
    decision = yes(replace(BOUGHT, policy=policy), 15_000)
    assert (decision.voucher, decision.fen) == (VoucherFate.WITHDRAWN, 5_000)
    assert decision.freed() == [(CITY, 3_000), (GROUP, 2_000)]


def test_a_voucher_that_was_refunded_in_parts_never_comes_back() -> None:
    first = yes(BOUGHT, 1)
    last = yes(after(BOUGHT, 1, first), 14_999)
    assert (first.voucher, last.voucher) == (VoucherFate.STAYS, VoucherFate.WITHDRAWN)
    assert first.fen + last.fen == 5_000


# In parts


def test_a_part_calls_back_its_proportion_rounded_down() -> None:
    assert yes(BOUGHT, 5_000).parts == (
        ClawbackPart(CITY, 1_000, PAYABLE, FREE),
        ClawbackPart(GROUP, 666, PAYABLE, FREE),
    )


def test_what_cannot_be_divided_waits_for_the_next_refund() -> None:
    """A third of ¥50 is ¥16.66 and two thirds ¥33.33; the last fen comes with the last third."""
    redemption, fens = BOUGHT, []
    for _ in range(3):
        decision = yes(redemption, 5_000)
        fens.append(decision.fen)
        redemption = after(redemption, 5_000, decision)
    assert fens == [1_666, 1_667, 1_667]
    assert redemption.state == RedemptionState.REFUNDED


def test_a_refund_too_small_for_a_fen_of_subsidy_calls_nothing_back() -> None:
    assert yes(BOUGHT, 2).parts == ()


def test_under_forfeit_part_of_an_order_is_not_refunded() -> None:
    refusal = no(replace(BOUGHT, policy=RefundPolicy.FORFEIT), 14_999)
    assert (refusal.code, refusal.rule) == ("redemption_state", "refund_whole_only")
    assert "whole order" in explain(refusal, "en")


# Where the money is


def test_held_money_comes_out_of_the_hold() -> None:
    assert {part.origin for part in yes(replace(BOUGHT, is_held=True), 1_000).parts} == {RISK_HELD}


@pytest.mark.parametrize(("state", "origin"), [(READY, PAYABLE), (PAID, SETTLED)])
def test_what_a_settlement_has_taken_is_owed_by_the_merchant(
    state: SettlementState, origin: AccountKind
) -> None:
    assert yes(settled(state), 5_000).parts == (
        ClawbackPart(CITY, 1_000, origin, RECOVERABLE),
        ClawbackPart(GROUP, 666, origin, RECOVERABLE),
    )


def test_each_source_by_the_state_of_its_own_settlement() -> None:
    shares = [Share(CITY, 3_000, 0, PAID), Share(GROUP, 2_000, 0, READY)]
    parts = yes(replace(BOUGHT, shares=shares), 15_000).parts
    assert [part.origin for part in parts] == [SETTLED, PAYABLE]
    assert {part.target for part in parts} == {RECOVERABLE}


def test_a_voucher_that_comes_back_after_its_settlement_is_promised_anew() -> None:
    decision = yes(settled(PAID), 15_000)
    assert decision.voucher is VoucherFate.GIVEN_BACK
    assert decision.reissued() == [(CITY, 3_000), (GROUP, 2_000)]
    assert promised_anew(settled(PAID), 15_000) == decision.reissued()


def test_without_room_in_the_quota_cells_the_voucher_is_lost_and_nothing_promised() -> None:
    full = replace(settled(PAID), has_quota_room=False)
    lost = yes(full, 15_000)
    assert (lost.voucher, lost.reissued(), lost.fen) == (VoucherFate.WITHDRAWN, [], 5_000)
    assert promised_anew(full, 15_000) == [(CITY, 3_000), (GROUP, 2_000)]


def test_room_is_asked_for_only_by_a_voucher_that_comes_back_after_its_settlement() -> None:
    assert promised_anew(BOUGHT, 15_000) == []
    assert promised_anew(settled(PAID), 14_999) == []
    assert promised_anew(settled(PAID), 15_001) == []
    assert promised_anew(replace(settled(PAID), policy=RefundPolicy.PRO_RATA), 15_000) == []
    assert yes(replace(BOUGHT, has_quota_room=False), 15_000).voucher is VoucherFate.GIVEN_BACK


def test_a_voucher_given_back_in_a_campaign_that_is_over_cannot_be_used() -> None:
    assert yes(BOUGHT, 15_000).voucher_usable
    over = yes(replace(BOUGHT, is_campaign_over=True), 15_000)
    assert (over.voucher, over.voucher_usable) == (VoucherFate.GIVEN_BACK, False)


def test_before_its_settlement_nothing_is_promised_anew() -> None:
    assert yes(BOUGHT, 15_000).reissued() == []


# What a percentage had left of the face


def test_the_rest_of_the_face_goes_with_a_voucher_that_is_lost() -> None:
    used = replace(BOUGHT, rest=((CITY, 600), (GROUP, 0)), policy=RefundPolicy.PRO_RATA)
    decision = yes(used, 15_000)
    assert decision.released() == [(CITY, 600)]
    assert decision.freed() == [(CITY, 3_600), (GROUP, 2_000)]


def test_the_rest_stays_with_a_voucher_that_is_used_or_given_back() -> None:
    used = replace(BOUGHT, rest=((CITY, 600), (GROUP, 400)))
    for amount_fen in (5_000, 15_000):
        assert yes(used, amount_fen).released() == []
    full = replace(used, shares=settled(PAID).shares, has_quota_room=False)
    assert yes(full, 15_000).released() == [(CITY, 600), (GROUP, 400)]


# Refusals


@pytest.mark.parametrize("state", set(RedemptionState) - {RedemptionState.CAPTURED})
def test_only_what_is_captured_is_refunded(state: RedemptionState) -> None:
    refusal = no(replace(BOUGHT, state=state), 1)
    assert (refusal.code, refusal.rule) == ("redemption_state", "refund_state")


def test_no_more_is_refunded_than_the_shopper_paid() -> None:
    refusal = no(BOUGHT, 15_001)
    assert refusal.code == "refund_too_large"
    assert refusal.facts == {"left_fen": 15_000, "amount_fen": 15_001}
    assert no(replace(BOUGHT, refunded_fen=1), 15_000).facts["left_fen"] == 14_999


def test_a_used_number_says_which() -> None:
    for language in ("en", "zh"):
        assert "R-7" in explain(number_used("R-7"), language)


# For any purchase and any sequence of refunds


@st.composite
def purchases(draw: st.DrawFn) -> Refundable:
    discount_fen = draw(st.integers(1, 10**7))
    weights = draw(st.lists(st.integers(0, 100), min_size=1, max_size=5).filter(any))
    states = st.none() | st.sampled_from(SettlementState)
    is_settled = draw(st.booleans())
    return Refundable(
        state=RedemptionState.CAPTURED,
        policy=RefundPolicy.PRO_RATA,
        order_amount_fen=discount_fen + draw(st.integers(1, 10**7)),
        discount_fen=discount_fen,
        refunded_fen=0,
        shares=[
            Share(number, fen, 0, draw(states) if is_settled else None)
            for number, fen in enumerate(split_pro_rata(discount_fen, weights), 1)
        ],
        is_held=draw(st.booleans()),
        is_window_open=draw(st.booleans()),
    )


@st.composite
def sequences(draw: st.DrawFn) -> tuple[Refundable, Sequence[int]]:
    """A purchase and refunds of all that was paid, in one to twelve parts."""
    bought = draw(purchases())
    cuts = draw(st.lists(st.integers(1, bought.paid_fen), max_size=11))
    marks = sorted({0, bought.paid_fen, *cuts})
    return bought, [high - low for low, high in pairwise(marks)]


@given(sequences(), POLICIES)
def test_any_sequence_of_refunds_gives_each_source_its_share_to_the_fen(
    sequence: tuple[Refundable, Sequence[int]], policy: RefundPolicy
) -> None:
    redemption, amounts_fen = sequence
    assume(policy is not RefundPolicy.FORFEIT or len(amounts_fen) == 1)
    redemption = replace(redemption, policy=policy)
    back: Counter[int] = Counter()
    for amount_fen in amounts_fen:
        left = {share.source_id: share.left_fen for share in redemption.shares}
        decision = yes(redemption, amount_fen)
        for part in decision.parts:
            assert 0 < part.amount_fen <= left[part.source_id]
            back[part.source_id] += part.amount_fen
        redemption = after(redemption, amount_fen, decision)
        assert back.total() == redemption.clawed_fen <= redemption.discount_fen
        assert decision.is_everything == (back.total() == redemption.discount_fen)
    assert {s.source_id: back[s.source_id] for s in redemption.shares} == {
        s.source_id: s.share_fen for s in redemption.shares
    }
    assert redemption.state == RedemptionState.REFUNDED


@given(sequences())
def test_how_refunds_are_cut_makes_no_difference_to_what_comes_back(
    sequence: tuple[Refundable, Sequence[int]],
) -> None:
    redemption, amounts_fen = sequence
    for number, amount_fen in enumerate(amounts_fen, 1):
        redemption = after(redemption, amount_fen, yes(redemption, amount_fen))
        exact_times_paid = redemption.discount_fen * sum(amounts_fen[:number])
        clawed_fen, paid_fen = redemption.clawed_fen, redemption.paid_fen
        assert clawed_fen * paid_fen <= exact_times_paid < (clawed_fen + 1) * paid_fen


@given(purchases(), st.integers(0, 10**8))
def test_a_refund_is_refused_exactly_when_it_exceeds_what_was_paid(
    redemption: Refundable, extra_fen: int
) -> None:
    assert no(redemption, redemption.paid_fen + 1 + extra_fen).code == "refund_too_large"
    assert yes(redemption, max(1, redemption.paid_fen - extra_fen)).fen <= redemption.discount_fen


@given(discount_fen=st.integers(1, 10**9), paid_fen=st.integers(1, 10**9), data=st.data())
def test_the_clawback_grows_with_what_is_refunded(
    discount_fen: int, paid_fen: int, data: st.DataObject
) -> None:
    less, more = sorted(data.draw(st.tuples(*[st.integers(0, paid_fen)] * 2)))
    at_less, at_more, at_all = (
        clawback_fen(discount_fen=discount_fen, refunded_fen=fen, paid_fen=paid_fen)
        for fen in (less, more, paid_fen)
    )
    assert 0 <= at_less <= at_more <= at_all == discount_fen


@given(
    st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), min_size=1, max_size=6),
    st.data(),
)
def test_a_clawback_is_shared_without_remainder_and_beyond_no_sources_rest(
    amounts_fen: list[tuple[int, int]], data: st.DataObject
) -> None:
    shares = [Share(n, a + b, b) for n, (a, b) in enumerate(amounts_fen, 1)]
    total_fen = data.draw(st.integers(0, sum(share.left_fen for share in shares)))
    parts = dict(share_clawback(total_fen, shares))
    assert sum(parts.values()) == total_fen
    assert all(0 <= parts[share.source_id] <= share.left_fen for share in shares)
