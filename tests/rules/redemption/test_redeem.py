"""No discount unless everything is right; and when it is, the right one, split to the last fen."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchants.errors import Refusal
from vouchers.http.answers import problem
from vouchers.money import split_pro_rata
from vouchers.rules.redemption.redeem import (
    Case,
    Decision,
    Order,
    ShopperFacts,
    StoreFacts,
    TrancheFacts,
    VoucherFacts,
    judge,
    recompute,
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

FROM = datetime(2026, 4, 1, tzinfo=UTC)
UNTIL = datetime(2026, 4, 15, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
HOLDER, FRIEND, STRANGER = 1, 2, 3


@st.composite
def tranches(draw: st.DrawFn) -> TrancheFacts:
    """Terms as a tier can have them: its constraints hold, and its shares add up to the face."""
    kind = draw(st.sampled_from(TierKind))
    face_fen = draw(st.integers(1, 50_000))
    floor_fen = face_fen + 1 if kind is TierKind.THRESHOLD else 0
    weights = draw(st.lists(st.integers(1, 100), min_size=1, max_size=4))
    shares = [fen for fen in split_pro_rata(face_fen, weights) if fen]
    return TrancheFacts(
        id=9,
        campaign_id=5,
        state=TrancheState.OUTSTANDING,
        kind=kind,
        face_fen=face_fen,
        threshold_fen=draw(st.integers(floor_fen, 100_000)),
        threshold_basis=draw(st.sampled_from(ThresholdBasis)),
        percent_bp=draw(st.integers(1, 9_999)) if kind is TierKind.PERCENT else None,
        split=tuple(enumerate(shares, 1)),
        valid_from_at=FROM,
        valid_until_at=UNTIL,
        campaign_state=CampaignState.RUNNING,
        zone="Asia/Shanghai",
        is_test=False,
        excluded_categories=("tobacco",),
        order_kinds=("in_store",),
    )


@st.composite
def cases(draw: st.DrawFn, *, is_good: bool = False) -> Case:
    """A voucher shown in the right place by the right person; the amounts do when `is_good`."""
    tranche = draw(tranches())
    least_fen = least_eligible_fen(tranche) if is_good else 0
    eligible_fen = draw(st.integers(least_fen, 200_000))
    shown_by = draw(st.sampled_from([HOLDER, FRIEND]))
    return Case(
        order=Order(
            at=FROM + draw(st.timedeltas(timedelta(0), UNTIL - FROM - INSTANT)),
            order_no="A-1",
            order_amount_fen=eligible_fen + draw(st.integers(0, 50_000)),
            eligible_amount_fen=eligible_fen,
            order_kind="in_store",
            category=draw(st.sampled_from(["", "food"])),
        ),
        voucher=VoucherFacts(9 << 20, HOLDER, VoucherState.ISSUED),
        tranche=tranche,
        holder_state=ResidentState.ACTIVE,
        shopper=ShopperFacts(shown_by, ResidentState.ACTIVE, frozenset({HOLDER})),
        store=StoreFacts(7, 70, is_open=True, participates=True, category="food"),
        caller_is_test=False,
        claim=None,
    )


def least_eligible_fen(tranche: TrancheFacts) -> int:
    """The smallest eligible amount that is good under any basis of the threshold."""
    if tranche.percent_bp is None:
        return max(tranche.threshold_fen, tranche.face_fen + 1)
    return max(tranche.threshold_fen, -(-10_000 // tranche.percent_bp))


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


good_cases = cases(is_good=True)


class Fault(NamedTuple):
    """One thing that can be wrong, with which fact, and what the till must hear."""

    fact: str
    code: str
    spoil: Callable[[Case], Case]


def changed(facts: Any, **change: Any) -> Any:
    """The same facts but for what is named; they are dataclasses or named tuples."""
    if isinstance(facts, tuple):
        return facts._replace(**change)  # type: ignore[attr-defined]
    return replace(facts, **change)


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
    """Unknown, forged and somebody else's: one answer, byte for byte, whatever else is wrong."""
    unknown = judge(changed(case, voucher=None, tranche=None))
    stranger = ShopperFacts(STRANGER, ResidentState.ACTIVE, frozenset())
    foreign = judge(changed(fault.spoil(case), shopper=stranger))
    nobody = judge(changed(fault.spoil(case), shopper=None))
    answers = {problem(r) for r in (unknown, foreign, nobody) if isinstance(r, Refusal)}
    assert len(answers) == 1
    assert answers.pop()[0] == 404


@given(good_cases)
def test_a_proxy_shows_for_those_who_declared_it_and_nobody_else(case: Case) -> None:
    friend = ShopperFacts(FRIEND, ResidentState.ACTIVE, frozenset({HOLDER}))
    assert isinstance(judge(changed(case, shopper=friend)), Decision)
    of_another = friend._replace(may_show_for=frozenset({STRANGER}))
    assert isinstance(judge(changed(case, shopper=of_another)), Refusal)


@given(good_cases)
def test_judging_is_a_function_of_its_facts(case: Case) -> None:
    assert judge(case) == judge(case)


def final_orders(case: Case) -> st.SearchStrategy[Order]:
    """What may be paid in the end, smaller or larger than what was authorised."""
    return st.tuples(st.integers(0, 200_000), st.integers(0, 50_000)).map(
        lambda fen: changed(
            case.order, eligible_amount_fen=fen[0], order_amount_fen=max(1, fen[0] + fen[1])
        )
    )


@given(st.data(), good_cases)
def test_a_capture_earns_what_the_final_order_does_but_never_more_than_authorised(
    data: st.DataObject, case: Case
) -> None:
    authorised = judge(case)
    assert isinstance(authorised, Decision)
    final = data.draw(final_orders(case))
    assert case.tranche is not None
    alone = judge(changed(case, order=final))
    captured = recompute(final, case.tranche, authorised.split)
    if isinstance(alone, Decision):
        assert isinstance(captured, Decision)
        assert captured.discount_fen == min(alone.discount_fen, authorised.discount_fen)
    elif isinstance(captured, Refusal):
        assert captured == alone
    else:
        # Capped by what was authorised, something is left to pay after all.
        assert alone.code == "payable_too_small"
        assert captured.discount_fen == authorised.discount_fen < final.eligible_amount_fen


@given(good_cases)
def test_a_larger_final_order_earns_no_more_than_was_set_aside(case: Case) -> None:
    assert case.tranche is not None
    tenth = changed(
        case.tranche, kind=TierKind.PERCENT.value, percent_bp=1_000, threshold_fen=0, face_fen=5_000
    )
    small, large = (
        changed(case.order, order_amount_fen=fen, eligible_amount_fen=fen) for fen in (100, 999)
    )
    authorised = ((tenth.split[0][0], 10),)
    assert recompute(small, tenth, authorised) == Decision(10, authorised)
    assert recompute(large, tenth, authorised) == Decision(10, authorised)


@given(st.data(), good_cases)
def test_no_source_pays_more_at_the_capture_than_was_set_aside_of_its_money(
    data: st.DataObject, case: Case
) -> None:
    authorised = judge(case)
    assert isinstance(authorised, Decision)
    assert case.tranche is not None
    captured = recompute(data.draw(final_orders(case)), case.tranche, authorised.split)
    if isinstance(captured, Refusal):
        return
    assert sum(fen for _, fen in captured.split) == captured.discount_fen
    for (source, fen), (set_aside_of, most_fen) in zip(
        captured.split, authorised.split, strict=True
    ):
        assert source == set_aside_of
        assert 0 <= fen <= most_fen


@given(good_cases)
def test_the_order_as_it_was_authorised_is_captured_whole(case: Case) -> None:
    authorised = judge(case)
    assert isinstance(authorised, Decision)
    assert case.tranche is not None
    assert recompute(case.order, case.tranche, authorised.split) == authorised


def test_split_like_the_face_a_smaller_discount_could_cost_a_source_more() -> None:
    """Why a capture is split like its authorisation (the old paradox of largest remainders)."""
    face = ((1, 3), (2, 3), (3, 1))
    authorised = split_like(4, face)
    assert authorised == ((1, 2), (2, 2), (3, 0))
    assert split_like(3, face) == ((1, 1), (2, 1), (3, 1))
    assert split_like(3, authorised) == ((1, 2), (2, 1), (3, 0))


@given(st.data(), st.lists(st.integers(1, 10_000), min_size=1, max_size=5))
def test_a_part_of_a_face_is_split_like_the_face(data: st.DataObject, shares: list[int]) -> None:
    face_split = tuple(enumerate(shares))
    amount_fen = data.draw(st.integers(0, sum(shares)))
    parts = split_like(amount_fen, face_split)
    assert sum(fen for _, fen in parts) == amount_fen
    assert all(fen <= share for (_, fen), share in zip(parts, shares, strict=True))
