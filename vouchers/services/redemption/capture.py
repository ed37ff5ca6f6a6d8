"""Capture an authorisation (确认核销): the discount is recomputed on the order as it was paid."""

from datetime import datetime

from merchants.errors import Refusal
from vouchers.models import Redemption, Signal
from vouchers.models.issuing.vouchers import MOVE_VOUCHERS
from vouchers.queries.redemption import SourceShare
from vouchers.rules.redemption.capture import CaptureVoiding, Capturing, judge_final_order
from vouchers.rules.redemption.redeem import Decision, Order, missing_number
from vouchers.rules.redemption.undo import judge_capture
from vouchers.services.acts import Answer, Render, perform
from vouchers.services.acts.attempts import record_attempts
from vouchers.services.acts.kernel import attempt_on
from vouchers.services.ledger import transfers
from vouchers.services.redemption.clocks import act_at_campaign_time
from vouchers.services.redemption.events import announce_captured
from vouchers.services.redemption.locked import LockedRedemption
from vouchers.services.redemption.outcomes import Captured, CaptureVoided
from vouchers.services.redemption.own import RedemptionAct
from vouchers.services.redemption.requests import CaptureRequest
from vouchers.services.redemption.risk_effects import (
    Held,
    hold_posting,
    noted_to_hold,
    opened_on,
)
from vouchers.services.redemption.undo import (
    move,
    posting_of,
    release_counters,
    return_to_quota,
    undo,
    update_redemption,
)
from vouchers.sql.pipeline import pipeline
from vouchers.states import AccountKind, RedemptionState, TransferReason, VoucherState


def capture(*, request: CaptureRequest, render: Render) -> Answer:
    """Capture an authorisation on its final order. The same key gets the same answer.

    The discount is what the frozen terms give on that order, at most what was authorised; the rest
    goes back. An order that earns no discount any more voids the redemption, with the reason.
    The outcome rendered is `Captured`, `CaptureVoided`, or a refusal: `not_found` (also another
    merchant's), `redemption_state`, `order_incomplete`.
    """
    return perform(_Capture(), act_at_campaign_time(request), render=render)


class _Capture(RedemptionAct[CaptureRequest, Capturing | CaptureVoiding]):
    def judge(
        self, request: CaptureRequest, facts: LockedRedemption
    ) -> Capturing | CaptureVoiding | Refusal:
        order = _final_order(request, facts.redemption)
        refusal = judge_capture(facts.facts, request.at)
        refusal = refusal or missing_number(order, facts.terms.facts)
        if refusal is not None:
            return refusal
        authorised = tuple((source_id, fen) for source_id, fen in facts.redemption.split)
        return judge_final_order(facts.facts, order, facts.terms.facts, authorised)

    def write(
        self,
        request: CaptureRequest,
        facts: LockedRedemption,
        decision: Capturing | CaptureVoiding,
    ) -> Captured | CaptureVoided:
        if isinstance(decision, CaptureVoiding):
            return _void(request, facts, decision)
        return _capture(_final_order(request, facts.redemption), facts, decision)


def _final_order(request: CaptureRequest, redemption: Redemption) -> Order:
    eligible_fen = request.eligible_amount_fen
    return Order(
        # Never before the authorisation: this clock may lag behind the one that wrote that.
        at=max(request.at, redemption.redeemed_at),
        order_no=redemption.order_no,
        order_amount_fen=request.order_amount_fen,
        eligible_amount_fen=request.order_amount_fen if eligible_fen is None else eligible_fen,
        order_kind=redemption.order_kind,
        category=redemption.category,
        payment_ref=request.payment_ref or redemption.payment_ref,
        receipt_no=request.receipt_no or redemption.receipt_no,
    )


def _capture(order: Order, locked: LockedRedemption, decided: Capturing) -> Captured:
    """The discount becomes payable, what was authorised beyond it goes back."""
    redemption, decision = locked.redemption, decided.decision
    with pipeline() as raw:
        MOVE_VOUCHERS.send(
            raw, {"voucher_ids": [redemption.voucher_id], "state": VoucherState.REDEEMED.value}
        )
    update_redemption(
        locked,
        state=RedemptionState.CAPTURED,
        order_amount_fen=order.order_amount_fen,
        eligible_amount_fen=order.eligible_amount_fen,
        discount_fen=decision.discount_fen,
        split=decision.split,
        captured_at=order.at,
        payment_ref=order.payment_ref,
        receipt_no=order.receipt_no,
    )
    authorised = AccountKind.AUTHORISED
    lines = move(locked, decision.split, origin=authorised, target=AccountKind.PAYABLE)
    lines += move(locked, decided.rest, origin=authorised, target=decided.target)
    transfers.post(
        postings=[posting_of(locked, reason=TransferReason.CAPTURE, at=order.at, lines=lines)]
    )
    if signal := noted_to_hold(redemption):
        _hold(signal, locked, decision, order.at)
    if decided.rest_fen and decided.target is AccountKind.FREE:
        return_to_quota(locked, decided.rest, vouchers=0)
    if decided.rest_fen:
        release_counters(locked, fen=decided.rest_fen, places=0)
    announce_captured(locked, at=order.at, discount_fen=decision.discount_fen)
    codes = locked.terms.campaign.source_codes
    return Captured(
        id=redemption.pk,
        state=RedemptionState.CAPTURED.name.lower(),
        discount_fen=decision.discount_fen,
        by_source=[SourceShare(codes[source_id], fen) for source_id, fen in decision.split],
        payable_fen=order.order_amount_fen - decision.discount_fen,
        order_amount_fen=order.order_amount_fen,
        returned_fen=decided.rest_fen,
        captured_at=order.at,
    )


def _hold(signal: Signal, locked: LockedRedemption, decision: Decision, at: datetime) -> None:
    """Hold the money, as it becomes payable, if a risk rule asked for that at the authorisation."""
    redemption = locked.redemption
    opened = opened_on(signal, redemption, at)
    held = Held(
        redemption.pk,
        redemption.voucher_id,
        redemption.allocation_id,
        decision.split,
        at,
        opened.reason,
        opened.opened_by,
        signal.version_id,
    )
    transfers.post(postings=[hold_posting(opened.pk, held, locked.terms.campaign)])


def _void(
    request: CaptureRequest, locked: LockedRedemption, decided: CaptureVoiding
) -> CaptureVoided:
    """The final order earns no discount: the redemption is voided, and the reason recorded."""
    with pipeline() as raw:
        record_attempts(raw, [attempt_on(request, decided.reason, locked.redemption)])
    undo(
        locked,
        decided.undoing,
        state=RedemptionState.VOIDED,
        reason=TransferReason.VOID,
        at=request.at,
        by=request.signature,
    )
    return CaptureVoided(
        id=locked.redemption.pk,
        state=RedemptionState.VOIDED.name.lower(),
        order_amount_fen=request.order_amount_fen,
        returned_fen=locked.redemption.discount_fen,
        voucher_usable=decided.undoing.voucher_usable,
        voided_at=request.at,
        reason=decided.reason,
    )
