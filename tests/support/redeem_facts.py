"""Generated facts of a redemption, good ones and such as each rule refuses."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from vouchers.money import split_pro_rata
from vouchers.rules.redemption.redeem import (
    Case,
    Order,
    ShopperFacts,
    StoreFacts,
    TrancheFacts,
    VoucherFacts,
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


good_cases = cases(is_good=True)


def changed(facts: Any, **change: Any) -> Any:
    """The same facts but for what is named; they are dataclasses or named tuples."""
    if isinstance(facts, tuple):
        return facts._replace(**change)  # type: ignore[attr-defined]
    return replace(facts, **change)
