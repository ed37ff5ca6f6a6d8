"""A capture earns what the final order does, for no source more than was authorised."""

from hypothesis import given
from hypothesis import strategies as st

from merchants.errors import Refusal
from tests.support.redeem_facts import changed, good_cases
from vouchers.rules.redemption.redeem import (
    Case,
    Decision,
    Order,
    judge,
    recompute,
    split_like,
)
from vouchers.states import (
    TierKind,
)


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
