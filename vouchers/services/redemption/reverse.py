"""Reverse by order number (冲正), for a till that does not know what became of its request."""

from datetime import datetime

import msgspec

from merchants.errors import Refusal
from merchants.references import folded
from vouchers.models import OrderClaim
from vouchers.models.campaigns.campaigns import FIND_STORES, StoreRow
from vouchers.rules.redemption.undo import judge_reverse
from vouchers.services.redemption.acts import encode, hold, refuse, remember, take_up, tried
from vouchers.services.redemption.decide import may_act_for
from vouchers.services.redemption.redeem import BUSY
from vouchers.services.redemption.undo import undo
from vouchers.services.requests import Answer, ReverseRequest
from vouchers.sql.pipeline import raw_connection
from vouchers.states import RedemptionState, TransferReason


class ReverseBody(msgspec.Struct, frozen=True):
    """The answer to a reversal: the order is and stays reversed.

    Without an `id` there was nothing to undo, now or any more: no redemption had arrived, or it had
    been undone before.
    """

    id: int | None
    state: str
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
    `store_not_found` (also another merchant's), `redemption_state`, and `order_already_used` when
    the order belongs to the sandbox and the caller does not, or the other way round.
    """
    return tried(lambda: _reverse_once(request), otherwise=BUSY)


def _reverse_once(request: ReverseRequest) -> Answer:
    known = take_up(request, store_no=request.store, order_no=request.order_no)
    if known is not None:
        return known
    answer = _reverse(request)
    remember(request, answer)
    return answer


def _reverse(request: ReverseRequest) -> Answer:
    store = _own_store(request)
    if store is None:
        return refuse(request, Refusal("store_not_found", facts=_asked(request)))
    claims = OrderClaim.objects.filter(store_id=store.id, order_no=folded(request.order_no))
    claim = claims.select_related("redemption").first()
    if claim is None:
        OrderClaim.objects.create(
            store_id=store.id,
            order_no=folded(request.order_no),
            redemption=None,
            claimed_at=request.at,
        )
        return _answer(request)
    if claim.redemption is None:
        return _answer(request)
    return _undo(request, claim.redemption.pk, claim.redemption.voucher_id)


def _own_store(request: ReverseRequest) -> StoreRow | None:
    found = FIND_STORES.send(raw_connection(), {"store_nos": [request.store]}).rows()
    return next((store for store in found if may_act_for(request.caller, store)), None)


def _undo(request: ReverseRequest, redemption_id: int, voucher_id: int) -> Answer:
    held = hold(redemption_id=redemption_id, voucher_id=voucher_id)
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
    return _answer(request, redemption.pk, redemption.discount_fen, is_usable)


def _answer(
    request: ReverseRequest,
    redemption_id: int | None = None,
    returned_fen: int = 0,
    is_usable: bool | None = None,
) -> Answer:
    body = ReverseBody(
        id=redemption_id,
        state=RedemptionState.REVERSED.name.lower(),
        store=request.store,
        order_no=request.order_no,
        returned_fen=returned_fen,
        voucher_usable=is_usable,
        reversed_at=request.at,
    )
    return Answer(200, encode(body))


def _asked(request: ReverseRequest) -> dict[str, str]:
    return {"store": request.store, "order_no": request.order_no}
