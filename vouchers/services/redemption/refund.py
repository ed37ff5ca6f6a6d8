"""Refund the shopper's money (退款): the subsidy that follows it goes back to each source."""

from datetime import datetime

import msgspec
from django.db.models import Sum

from merchants.errors import Refusal
from merchants.models import Store
from merchants.references import folded
from vouchers.errors import problem
from vouchers.models import Hold, Redemption, Refund, RefundPart
from vouchers.models.locks import LOCK_BATCH, lock_key
from vouchers.models.settlement import LOCK_SETTLEMENTS_OF
from vouchers.queries.redemption import SourceShare
from vouchers.rules.limits.limits import business_day
from vouchers.rules.redemption.refunds import (
    Clawback,
    Refundable,
    Share,
    VoucherFate,
    judge_refund,
    number_used,
)
from vouchers.services.redemption.acts import (
    Held,
    encode,
    hold,
    refuse,
    remember,
    take_up,
    tried,
)
from vouchers.services.redemption.clawback import with_room, write
from vouchers.services.redemption.redeem import BUSY
from vouchers.services.requests import Answer, RefundRequest
from vouchers.sql.pipeline import pipeline, raw_connection
from vouchers.states import RedemptionState, TrancheState


class RefundBody(msgspec.Struct, frozen=True):
    """The answer to a refund; `id` and `state` are the redemption's."""

    id: int
    refund_no: str
    amount_fen: int
    clawback_fen: int
    by_source: list[SourceShare]
    voucher_usable: bool
    state: str
    refunded_at: datetime


def refund(*, request: RefundRequest) -> Answer:
    """Refund some of what the shopper paid, or all, at any store of the merchant, however late. The
    same key gets the same answer.

    The campaign's policy says how much of the subsidy goes back and whether the voucher does
    (`rules/refunds`). What a settlement has taken is owed by the merchant from now on: kept back
    from their next settlement, or collected. Refuses `not_found` (also another merchant's),
    `store_not_found`, `redemption_state`, `refund_too_large`, and `busy` after losing too many
    races, which is not kept.
    """
    return tried(lambda: _refund_once(request), otherwise=BUSY)


def _refund_once(request: RefundRequest) -> Answer:
    found = _found(request)
    if found is None:
        return Answer(*problem(Refusal("not_found")))
    known = take_up(request, store_no=found.store.external_id, order_no=found.order_no)
    if known is not None:
        return known
    answer = _refund(request, found)
    remember(request, answer)
    return answer


def _found(request: RefundRequest) -> Redemption | None:
    """Also a redemption of another store: the merchant is the same."""
    caller = request.caller
    of_merchants = Redemption.objects.filter(
        merchant_id__in=caller.merchant_ids, campaign__is_test=caller.is_test
    )
    return of_merchants.filter(pk=request.redemption_id).select_related("store").first()


def _refund(request: RefundRequest, found: Redemption) -> Answer:
    _lock_number(found.merchant_id, request.refund_no)
    held = hold(redemption_id=found.pk, voucher_id=found.voucher_id)
    decision = _decide(request, held)
    if isinstance(decision, Refusal):
        return refuse(request, decision, redemption=held.redemption)
    store, clawback = decision
    clawback = with_room(held, clawback)
    row = _row(request, held, clawback, store)
    write(row, held, clawback)
    return Answer(200, encode(_body(row, held, clawback)))


def _lock_number(merchant_id: int, refund_no: str) -> None:
    """After the order, before the tranche: of two refunds with one number the second finds it."""
    number = lock_key("refund", merchant_id, folded(refund_no))
    with pipeline() as raw:
        LOCK_BATCH.send(raw, {"request_keys": [], "order_keys": [number], "tranche_ids": []})


def _decide(request: RefundRequest, held: Held) -> tuple[Store, Clawback] | Refusal:
    redemption = held.redemption
    store = _store(request, redemption.merchant_id)
    if store is None:
        return Refusal("store_not_found")
    if Refund.of_number(redemption.merchant_id, request.refund_no).exists():
        return number_used(request.refund_no)
    clawback = judge_refund(_facts(held, request.at), request.amount_fen)
    return clawback if isinstance(clawback, Refusal) else (store, clawback)


def _store(request: RefundRequest, merchant_id: int) -> Store | None:
    """A store of the redemption's merchant, so that its number says which; a merchant named as
    well has to be that one."""
    numbered = Store.objects.filter(external_id__iexact=request.store, merchant_id=merchant_id)
    if request.merchant:
        numbered = numbered.filter(merchant__code__iexact=request.merchant)
    if request.caller.store_ids is not None:
        numbered = numbered.filter(pk__in=request.caller.store_ids)
    return numbered.first()


def _facts(held: Held, at: datetime) -> Refundable:
    redemption, tranche = held.redemption, held.terms.facts
    refunds = Refund.objects.filter(redemption=redemption).aggregate(fen=Sum("amount_fen"))
    lasts = tranche.state == TrancheState.OUTSTANDING
    used_fen = dict(redemption.split)
    return Refundable(
        state=redemption.state,
        policy=redemption.campaign.refund_policy,
        order_amount_fen=redemption.order_amount_fen,
        discount_fen=redemption.discount_fen,
        refunded_fen=refunds["fen"] or 0,
        shares=_shares(redemption),
        is_held=Hold.objects.filter(redemption=redemption, released_at=None).exists(),
        is_window_open=lasts and tranche.valid_from_at <= at < tranche.valid_until_at,
        rest=[
            (source_id, face_fen - used_fen.get(source_id, 0))
            for source_id, face_fen in (tranche.split if lasts else ())
        ],
    )


def _shares(redemption: Redemption) -> list[Share]:
    """The settlements are locked: a payout waits until the clawback is there to be seen, and after
    a payout the money is found where it went."""
    parts = RefundPart.objects.filter(refund__redemption=redemption).values_list("source_id")
    clawed_fen = dict(parts.annotate(fen=Sum("amount_fen")))
    of_redemption = {"redemption_id": redemption.pk}
    settlements = dict(LOCK_SETTLEMENTS_OF.send(raw_connection(), of_redemption).rows())
    return [
        Share(source_id, fen, clawed_fen.get(source_id, 0), settlements.get(source_id))
        for source_id, fen in redemption.split
    ]


def _row(request: RefundRequest, held: Held, clawback: Clawback, store: Store) -> Refund:
    redemption = held.redemption
    # Never before what it undoes, though this clock may lag behind the one that told that.
    at = max(request.at, redemption.captured_at or redemption.redeemed_at)
    return Refund(
        redemption=redemption,
        voucher_id=redemption.voucher_id,
        merchant_id=redemption.merchant_id,
        store=store,
        refund_no=request.refund_no,
        amount_fen=request.amount_fen,
        clawback_fen=clawback.fen,
        policy=redemption.campaign.refund_policy,
        gives_voucher_back=clawback.voucher is VoucherFate.GIVEN_BACK,
        caller_id=request.caller.credential_id,
        business_day=business_day(at, held.facts.zone),
        refunded_at=at,
    )


def _body(row: Refund, held: Held, clawback: Clawback) -> RefundBody:
    codes = held.terms.campaign.source_codes
    state = RedemptionState.REFUNDED if clawback.is_everything else RedemptionState.CAPTURED
    return RefundBody(
        id=row.redemption_id,
        refund_no=row.refund_no,
        amount_fen=row.amount_fen,
        clawback_fen=row.clawback_fen,
        by_source=[SourceShare(codes[part.source_id], part.amount_fen) for part in clawback.parts],
        voucher_usable=row.gives_voucher_back,
        state=state.name.lower(),
        refunded_at=row.refunded_at,
    )
