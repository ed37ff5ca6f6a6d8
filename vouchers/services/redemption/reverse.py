"""Reverse by order number (冲正), for a till that does not know what became of its request."""

from datetime import datetime

import msgspec

from merchants.errors import Fact, Refusal
from merchants.references import folded
from vouchers.errors import problem
from vouchers.models import OrderClaim
from vouchers.models.campaigns.campaigns import StoreRow
from vouchers.rules.redemption.undo import judge_reverse
from vouchers.services.redemption.acts import Held, encode, hold, refuse, remember, take_up, tried
from vouchers.services.redemption.redeem import BUSY
from vouchers.services.redemption.stores import find_store, is_ambiguous
from vouchers.services.redemption.undo import undo
from vouchers.services.requests import Answer, ReverseRequest
from vouchers.states import RedemptionState, TransferReason


class ReverseBody(msgspec.Struct, frozen=True):
    """The answer to a reversal: the order is and stays reversed.

    Without an `id` there was nothing to undo, now or any more: no redemption had arrived, or it had
    been undone before.
    """

    id: int | None
    state: str
    merchant: str
    store: str
    order_no: str
    returned_fen: int
    # None where there was no voucher to give back.
    voucher_usable: bool | None
    reversed_at: datetime


def reverse(*, request: ReverseRequest) -> Answer:
    """Make sure that an order has no redemption, now and for ever. The same key gets the same
    answer, and reversing again does no harm.

    A live redemption is undone within the limits of a void. An order without one, because it was
    voided or has not arrived yet, is refused from now on (`order_reversed`). Refuses
    `store_not_found` (also another merchant's), `malformed_request` when several of the caller's
    merchants have the store's number (not kept), `redemption_state`, and `order_already_used` when
    the order belongs to the sandbox and the caller does not, or the other way round.
    """
    return tried(lambda: _reverse_once(request), otherwise=BUSY)


def _reverse_once(request: ReverseRequest) -> Answer:
    known = take_up(request, store_no=request.store, order_no=request.order_no)
    if known is not None:
        return known
    store = find_store(caller=request.caller, store_no=request.store, merchant=request.merchant)
    if isinstance(store, Refusal):
        return _without_store(request, store)
    answer = _reverse(request, store)
    remember(request, answer)
    return answer


def _without_store(request: ReverseRequest, refusal: Refusal) -> Answer:
    """Nothing is kept for a body that has to be completed, so its key stays free for that."""
    if is_ambiguous(refusal):
        return Answer(*problem(refusal))
    answer = refuse(request, Refusal(refusal.code, refusal.rule, _asked(request)))
    remember(request, answer)
    return answer


def _reverse(request: ReverseRequest, store: StoreRow) -> Answer:
    claims = OrderClaim.objects.filter(store_id=store.id, order_no=folded(request.order_no))
    claim = claims.select_related("redemption").first()
    if claim is None:
        OrderClaim.objects.create(
            store_id=store.id,
            order_no=folded(request.order_no),
            redemption=None,
            claimed_at=request.at,
        )
        return _answer(request, store)
    if claim.redemption is None:
        return _answer(request, store)
    held = hold(redemption_id=claim.redemption.pk, voucher_id=claim.redemption.voucher_id)
    return _undo(request, store, held)


def _undo(request: ReverseRequest, store: StoreRow, held: Held) -> Answer:
    redemption = held.redemption
    if held.terms.facts.is_test != request.caller.is_test:
        return refuse(request, Refusal("order_already_used", "other_books", _asked(request)))
    refusal = judge_reverse(held.facts, request.at)
    if refusal is not None:
        return refuse(request, refusal, redemption=redemption)
    is_usable = undo(
        held,
        state=RedemptionState.REVERSED,
        reason=TransferReason.REVERSE,
        at=request.at,
        by=request.signature,
    )
    return _answer(request, store, redemption.pk, redemption.discount_fen, is_usable)


def _answer(
    request: ReverseRequest,
    store: StoreRow,
    redemption_id: int | None = None,
    returned_fen: int = 0,
    is_usable: bool | None = None,
) -> Answer:
    body = ReverseBody(
        id=redemption_id,
        state=RedemptionState.REVERSED.name.lower(),
        merchant=store.merchant,
        store=store.external_id,
        order_no=request.order_no,
        returned_fen=returned_fen,
        voucher_usable=is_usable,
        reversed_at=request.at,
    )
    return Answer(200, encode(body))


def _asked(request: ReverseRequest) -> dict[str, Fact]:
    named: dict[str, Fact] = {"merchant": request.merchant} if request.merchant else {}
    return {**named, "store": request.store, "order_no": request.order_no}
