"""Capture an authorisation (确认核销): the discount is recomputed on the order as it was paid."""

from datetime import datetime

import msgspec

from merchants.errors import Refusal
from vouchers.errors import explain
from vouchers.models import Redemption
from vouchers.models.issuing.vouchers import MOVE_VOUCHERS
from vouchers.queries.redemption import SourceShare
from vouchers.rules.redemption.redeem import Decision, Order, Split, recompute
from vouchers.rules.redemption.undo import judge_capture
from vouchers.services.ledger import transfers
from vouchers.services.redemption.acts import Held, act_on, encode, note_attempt, refuse
from vouchers.services.redemption.undo import count_less, given_back, make_room, posting_of, undo
from vouchers.services.requests import Answer, CaptureRequest
from vouchers.sql.pipeline import pipeline
from vouchers.states import AccountKind, RedemptionState, TransferReason, VoucherState


class CaptureBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer to a capture; `code` and `because` say why the final order earned no discount."""

    id: int
    state: str
    discount_fen: int
    by_source: list[SourceShare]
    payable_fen: int
    order_amount_fen: int
    # Of what was authorised; to the holder's hand, or free once the voucher is over.
    returned_fen: int
    voucher_usable: bool
    captured_at: datetime | None = None
    voided_at: datetime | None = None
    code: str = ""
    because: str = ""
    because_zh: str = ""


def capture(*, request: CaptureRequest) -> Answer:
    """Capture an authorisation on its final order. The same key gets the same answer.

    The discount is what the frozen terms give on that order, at most what was authorised; the rest
    goes back. An order that earns no discount any more voids the redemption: state `voided`, with
    the reason. Whether the voucher's window or the campaign ended meanwhile makes no difference.
    Refuses `not_found` (also another merchant's), `redemption_state`.
    """
    return act_on(
        request, redemption_id=request.redemption_id, act=lambda held: _capture(request, held)
    )


def _capture(request: CaptureRequest, held: Held) -> Answer:
    refusal = judge_capture(held.facts, request.at)
    if refusal is not None:
        return refuse(request, refusal, redemption=held.redemption)
    order = _final_order(request, held.redemption)
    authorised = tuple((source_id, fen) for source_id, fen in held.redemption.split)
    decision = recompute(order, held.terms.facts, authorised)
    if isinstance(decision, Refusal):
        return _give_up(request, held, decision)
    return _settle_on(order, held, decision, authorised)


def _final_order(request: CaptureRequest, redemption: Redemption) -> Order:
    eligible_fen = request.eligible_amount_fen
    return Order(
        # Never before the authorisation, though this clock may lag behind the one that told that.
        at=max(request.at, redemption.redeemed_at),
        order_no=redemption.order_no,
        order_amount_fen=request.order_amount_fen,
        eligible_amount_fen=request.order_amount_fen if eligible_fen is None else eligible_fen,
        order_kind=redemption.order_kind,
        category=redemption.category,
    )


def _settle_on(order: Order, held: Held, decision: Decision, authorised: Split) -> Answer:
    """The discount becomes payable, what was authorised beyond it goes back."""
    redemption = held.redemption
    final = dict(decision.split)
    rest = [(source_id, fen - final[source_id]) for source_id, fen in authorised]
    rest_fen = redemption.discount_fen - decision.discount_fen
    if rest_fen:
        count_less(held, fen=rest_fen, places=0)
    with pipeline() as raw:
        MOVE_VOUCHERS.send(
            raw, {"voucher_ids": [redemption.voucher_id], "state": VoucherState.REDEEMED.value}
        )
    row = Redemption.objects.filter(pk=redemption.pk, voucher_id=redemption.voucher_id)
    row.update(
        state=RedemptionState.CAPTURED,
        order_amount_fen=order.order_amount_fen,
        eligible_amount_fen=order.eligible_amount_fen,
        discount_fen=decision.discount_fen,
        split=decision.split,
        captured_at=order.at,
    )
    lines = transfers.move_lines(
        held.terms.campaign.accounts,
        split=decision.split,
        allocation_id=redemption.allocation_id,
        origin=AccountKind.AUTHORISED,
        target=AccountKind.PAYABLE,
    )
    lines += given_back(held, rest, origin=AccountKind.AUTHORISED)
    transfers.post(
        postings=[posting_of(held, reason=TransferReason.CAPTURE, at=order.at, lines=lines)]
    )
    if rest_fen:
        make_room(held, rest, vouchers=0)
    codes = held.terms.campaign.source_codes
    body = CaptureBody(
        id=redemption.pk,
        state=RedemptionState.CAPTURED.name.lower(),
        discount_fen=decision.discount_fen,
        by_source=[SourceShare(codes[source_id], fen) for source_id, fen in decision.split],
        payable_fen=order.order_amount_fen - decision.discount_fen,
        order_amount_fen=order.order_amount_fen,
        returned_fen=rest_fen,
        voucher_usable=False,
        captured_at=order.at,
    )
    return Answer(200, encode(body))


def _give_up(request: CaptureRequest, held: Held, reason: Refusal) -> Answer:
    """The final order earns no discount: the redemption is voided, and the reason noted."""
    note_attempt(request, reason, redemption=held.redemption)
    is_usable = undo(
        held,
        state=RedemptionState.VOIDED,
        reason=TransferReason.VOID,
        at=request.at,
        by=request.signature,
    )
    body = CaptureBody(
        id=held.redemption.pk,
        state=RedemptionState.VOIDED.name.lower(),
        discount_fen=0,
        by_source=[],
        payable_fen=request.order_amount_fen,
        order_amount_fen=request.order_amount_fen,
        returned_fen=held.redemption.discount_fen,
        voucher_usable=is_usable,
        voided_at=request.at,
        code=reason.code,
        because=explain(reason, "en"),
        because_zh=explain(reason, "zh"),
    )
    return Answer(200, encode(body))
