"""No discount unless everything is right; and when it is, the right one, split to the last fen."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchants.errors import Refusal
from tests.support.redeem_facts import (
    FRIEND,
    FROM,
    HOLDER,
    INSTANT,
    STRANGER,
    UNTIL,
    cases,
    changed,
    good_cases,
)
from vouchers.http.answers import problem
from vouchers.rules.redemption.redeem import (
    Case,
    Decision,
    ShopperFacts,
    judge,
    split_like,
)
from vouchers.states import (
    CampaignState,
    ResidentState,
    ThresholdBasis,
    TierKind,
    TrancheState,
    VoucherState,
)


def amounts_do(case: Case) -> bool:
    """The conditions on money, written down a second time."""
    tranche, order = case.tranche, case.order
    assert tranche is not None
    counts_fen = {
        ThresholdBasis.PRE_DISCOUNT: order.order_amount_fen,
        ThresholdBasis.POST_DISCOUNT: order.eligible_amount_fen,
    }[ThresholdBasis(tranche.threshold_basis)]
    return counts_fen >= tranche.threshold_fen and 0 < off_fen(case) < order.eligible_amount_fen


def off_fen(case: Case) -> int:
    """The discount by the words of the terms."""
    tranche = case.tranche
    assert tranche is not None
    if tranche.percent_bp is None:
        return tranche.face_fen
    return min(tranche.face_fen, case.order.eligible_amount_fen * tranche.percent_bp // 10_000)


class Fault(NamedTuple):
    """One thing that can be wrong, with which fact, and what the till must hear."""

    fact: str
    code: str
    spoil: Callable[[Case], Case]


def order_with(**change: Any) -> Callable[[Case], Case]:
    return lambda case: changed(case, order=changed(case.order, **change))


def case_with(**change: Any) -> Callable[[Case], Case]:
    return lambda case: changed(case, **change)


def part_with(part: str, **change: Any) -> Callable[[Case], Case]:
    def spoil(case: Case) -> Case:
        facts = getattr(case, part)
        spoilt: Case = changed(case, **{part: facts and changed(facts, **change)})
        return spoilt

    return spoil


# In the order in which the rules ask.
FAULTS = (
    Fault("voucher", "voucher_not_usable", case_with(voucher=None)),
    Fault("tranche", "voucher_not_usable", case_with(tranche=None)),
    Fault("sandbox", "voucher_not_usable", case_with(caller_is_test=True)),
    Fault("shopper", "voucher_not_usable", case_with(shopper=None)),
    Fault(
        "shopper",
        "voucher_not_usable",
        case_with(shopper=ShopperFacts(STRANGER, ResidentState.ACTIVE, frozenset({FRIEND}))),
    ),
    Fault("store", "store_closed", part_with("store", is_open=False)),
    Fault("participation", "store_not_participating", part_with("store", participates=False)),
    Fault("shopper state", "resident_not_active", part_with("shopper", state=ResidentState.FROZEN)),
    Fault("holder state", "resident_not_active", case_with(holder_state=ResidentState.DECEASED)),
    Fault("holder state", "resident_not_active", case_with(holder_state=ResidentState.ERASED)),
    *(
        Fault("campaign", "campaign_not_running", part_with("tranche", campaign_state=state))
        for state in CampaignState
        if state is not CampaignState.RUNNING
    ),
    Fault("voucher state", "voucher_redeemed", part_with("voucher", state=VoucherState.REDEEMED)),
    Fault("voucher state", "voucher_redeemed", part_with("voucher", state=VoucherState.AUTHORISED)),
    Fault("voucher state", "voucher_withdrawn", part_with("voucher", state=VoucherState.WITHDRAWN)),
    Fault("window", "voucher_not_yet_valid", order_with(at=FROM - INSTANT)),
    Fault("window", "voucher_expired", order_with(at=UNTIL)),
    Fault("window", "voucher_expired", part_with("tranche", state=TrancheState.EXPIRED)),
    Fault("claim", "order_already_used", case_with(claim="used")),
    Fault("claim", "order_reversed", case_with(claim="reversed")),
    Fault("category", "category_excluded", order_with(category="tobacco")),
    Fault("order kind", "order_kind_excluded", order_with(order_kind="delivered")),
    Fault("amounts", "below_threshold", part_with("tranche", threshold_fen=10**9)),
    Fault(
        "amounts", "payable_too_small", part_with("tranche", face_fen=0, split=(), threshold_fen=0)
    ),
)


@given(good_cases)
def test_when_everything_is_right_there_is_a_discount(case: Case) -> None:
    assert isinstance(judge(case), Decision)


@given(cases())
def test_money_alone_decides_when_all_else_is_right(case: Case) -> None:
    assert isinstance(judge(case), Decision) == amounts_do(case)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.code)
@given(case=good_cases)
def test_one_thing_wrong_is_enough_for_a_no(case: Case, fault: Fault) -> None:
    refusal = judge(fault.spoil(case))
    assert isinstance(refusal, Refusal)
    assert refusal.code == fault.code


@given(good_cases, st.lists(st.sampled_from(FAULTS), min_size=1, unique_by=lambda it: it.fact))
def test_of_many_things_wrong_the_first_asked_is_named(case: Case, faults: list[Fault]) -> None:
    in_order = sorted(faults, key=FAULTS.index)
    for fault in in_order:
        case = fault.spoil(case)
    refusal = judge(case)
    assert isinstance(refusal, Refusal)
    assert refusal.code == in_order[0].code


@given(good_cases)
def test_a_discount_leaves_something_to_pay_and_its_shares_add_up(case: Case) -> None:
    decision = judge(case)
    assert isinstance(decision, Decision)
    tranche, order = case.tranche, case.order
    assert tranche is not None
    assert decision.discount_fen == off_fen(case)
    assert order.order_amount_fen - decision.discount_fen >= 1
    assert sum(fen for _, fen in decision.split) == decision.discount_fen
    assert [source for source, _ in decision.split] == [source for source, _ in tranche.split]
    for (_, part_fen), (_, share_fen) in zip(decision.split, tranche.split, strict=True):
        assert 0 <= part_fen <= share_fen


@given(good_cases)
def test_a_full_face_is_paid_by_the_frozen_shares_as_they_are(case: Case) -> None:
    decision = judge(case)
    assert isinstance(decision, Decision)
    assert case.tranche is not None
    if decision.discount_fen == case.tranche.face_fen:
        assert decision.split == case.tranche.split


@given(good_cases)
def test_goods_that_do_not_count_earn_nothing(case: Case) -> None:
    """An order is never given more off than its eligible goods cost, whatever else is in it."""
    assert case.tranche is not None
    least_fen = 0 if case.tranche.percent_bp else case.tranche.face_fen
    poor = changed(case.order, eligible_amount_fen=least_fen)
    refusal = judge(changed(case, order=poor))
    assert isinstance(refusal, Refusal)
    assert refusal.code in {"below_threshold", "payable_too_small"}


@given(good_cases)
def test_of_the_eligible_goods_a_fen_stays_to_be_paid(case: Case) -> None:
    assert case.tranche is not None
    flat = changed(case.tranche, kind=TierKind.FLAT.value, percent_bp=None, threshold_fen=0)
    face_fen = flat.face_fen
    for eligible_fen, is_enough in ((face_fen, False), (face_fen + 1, True)):
        amounts = {"order_amount_fen": face_fen + 1, "eligible_amount_fen": eligible_fen}
        answer = judge(changed(case, tranche=flat, order=changed(case.order, **amounts)))
        if is_enough:
            assert isinstance(answer, Decision)
        else:
            assert isinstance(answer, Refusal)
            assert answer.code == "payable_too_small"


@given(good_cases)
def test_the_window_is_half_open(case: Case) -> None:
    outcomes = [
        judge(order_with(at=at)(case)) for at in (FROM - INSTANT, FROM, UNTIL - INSTANT, UNTIL)
    ]
    codes = [outcome.code if isinstance(outcome, Refusal) else "yes" for outcome in outcomes]
    assert codes == ["voucher_not_yet_valid", "yes", "yes", "voucher_expired"]


@given(good_cases)
def test_the_threshold_is_inclusive_and_the_missing_fen_are_exact(case: Case) -> None:
    assert case.tranche is not None
    case = part_with("tranche", threshold_basis=ThresholdBasis.PRE_DISCOUNT)(case)
    at_it = part_with("tranche", threshold_fen=case.order.order_amount_fen)(case)
    assert isinstance(judge(at_it), Decision)
    above = part_with("tranche", threshold_fen=case.order.order_amount_fen + 1)(case)
    refusal = judge(above)
    assert isinstance(refusal, Refusal)
    assert refusal.facts["missing_fen"] == 1


@given(good_cases)
def test_only_what_is_eligible_counts_after_the_shops_own_discounts(case: Case) -> None:
    basis = part_with("tranche", threshold_basis=ThresholdBasis.POST_DISCOUNT)
    threshold = part_with("tranche", threshold_fen=case.order.eligible_amount_fen + 1)
    refusal = judge(threshold(basis(case)))
    assert isinstance(refusal, Refusal)
    assert refusal.code == "below_threshold"


@given(good_cases)
def test_the_category_of_the_order_goes_before_that_of_the_store(case: Case) -> None:
    tobacconist = part_with("store", category="tobacco")(case)
    assert isinstance(judge(order_with(category="food")(tobacconist)), Decision)
    assert isinstance(judge(order_with(category="")(tobacconist)), Refusal)


@given(good_cases)
def test_a_campaign_that_names_no_order_kinds_takes_all(case: Case) -> None:
    free = part_with("tranche", order_kinds=())(case)
    assert isinstance(judge(order_with(order_kind="delivered")(free)), Decision)


@given(good_cases, st.sampled_from(FAULTS))
def test_strangers_learn_nothing_of_a_voucher(case: Case, fault: Fault) -> None:
    """Unknown, forged and another resident's: one answer, byte for byte, whatever else is wrong."""
    unknown = judge(changed(case, voucher=None, tranche=None))
    stranger = ShopperFacts(STRANGER, ResidentState.ACTIVE, frozenset())
    foreign = judge(changed(fault.spoil(case), shopper=stranger))
    unnamed = judge(changed(fault.spoil(case), shopper=None))
    answers = {problem(r) for r in (unknown, foreign, unnamed) if isinstance(r, Refusal)}
    assert len(answers) == 1
    assert answers.pop()[0] == 404


@given(good_cases)
def test_a_proxy_shows_for_those_who_declared_it_and_for_no_other(case: Case) -> None:
    friend = ShopperFacts(FRIEND, ResidentState.ACTIVE, frozenset({HOLDER}))
    assert isinstance(judge(changed(case, shopper=friend)), Decision)
    of_another = friend._replace(may_show_for=frozenset({STRANGER}))
    assert isinstance(judge(changed(case, shopper=of_another)), Refusal)


@given(good_cases)
def test_judging_is_a_function_of_its_facts(case: Case) -> None:
    assert judge(case) == judge(case)


@given(st.data(), st.lists(st.integers(1, 10_000), min_size=1, max_size=5))
def test_a_part_of_a_face_is_split_like_the_face(data: st.DataObject, shares: list[int]) -> None:
    face_split = tuple(enumerate(shares))
    amount_fen = data.draw(st.integers(0, sum(shares)))
    parts = split_like(amount_fen, face_split)
    assert sum(fen for _, fen in parts) == amount_fen
    assert all(fen <= share for (_, fen), share in zip(parts, shares, strict=True))
