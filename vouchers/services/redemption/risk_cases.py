"""A redemption asked for, as the risk rules of its campaign look at it."""

from vouchers.models.campaigns.facts import StoreRow
from vouchers.rules.limits.tallies import Place, RiskCase
from vouchers.rules.redemption.tills import Till
from vouchers.services.redemption.requests import RedeemRequest
from vouchers.services.redemption.tranche_terms import TrancheTerms
from vouchers.states import ThresholdBasis


def risk_case(
    request: RedeemRequest,
    terms: TrancheTerms,
    store: StoreRow,
    till: Till,
    *,
    holder_id: int,
    shopper_id: int,
) -> RiskCase | None:
    """None where no rule is in force."""
    rules, tranche, order = terms.campaign.risk, terms.facts, request.order
    if rules is None:
        return None
    eligible_fen = order.eligible_amount_fen
    is_whole = eligible_fen is None or tranche.threshold_basis == ThresholdBasis.PRE_DISCOUNT
    return RiskCase(
        rules=rules,
        campaign_id=tranche.campaign_id,
        zone=tranche.zone,
        at=request.at,
        holder_id=holder_id,
        shopper_id=shopper_id,
        store_id=store.id,
        merchant_id=store.merchant_id,
        terminal=till.code,
        stray_terminal=till.stray,
        device=order.device,
        is_in_store=order.order_kind == "in_store",
        counts_fen=order.order_amount_fen if is_whole else eligible_fen or 0,
        threshold_fen=tranche.threshold_fen,
        shown_at=None if request.shown_at is None else Place(*request.shown_at),
    )
