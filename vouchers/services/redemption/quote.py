"""Quote (询价): what a voucher would be worth on an order just now, by the rules of `redeem`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from django.db import connection, transaction

from merchants.errors import Refusal
from vouchers.queries.redemption import SourceShare
from vouchers.rules.redemption.shown import WrongKey
from vouchers.services.acts.attempts import Attempt, record_attempts
from vouchers.services.redemption.batch_facts import gather
from vouchers.services.redemption.batch_judge import BatchJudge, Effect
from vouchers.services.redemption.batch_known import Pending
from vouchers.services.redemption.clocks import at_campaign_time
from vouchers.services.redemption.codebook import is_wrong_try
from vouchers.services.redemption.outcomes import Quoted
from vouchers.services.redemption.own_numbers import with_known_stores
from vouchers.services.redemption.papers import count_wrong_try
from vouchers.services.redemption.requests import RedeemOrder, RedeemRequest
from vouchers.services.redemption.shown import codes_of, send_wrong_codes
from vouchers.sql.pipeline import pipeline

ONE_SNAPSHOT: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
# Inside a transaction of the caller's, which has its snapshots already.
NO_WRITES: Final = "SET TRANSACTION READ ONLY"


def quote(*, request: RedeemRequest) -> Quoted | Refusal:
    """The discount that `redeem` would give, or the refusal it would have. A quote promises
    nothing: nothing is locked, and another till may use the voucher meanwhile. The request's key is
    not looked at.

    All is read in one snapshot, in a transaction that the database lets write nothing. Only the
    refusal `voucher_not_usable` leaves a record afterwards, as it does when redeeming, so that
    codes and a paper's digits can't be guessed here uncounted.
    """
    with _read_only():
        (known,) = with_known_stores([request])
        (code,) = codes_of([known.order])
        (pending,) = at_campaign_time([Pending(known, code)])
        judge = BatchJudge(gather([pending], for_update=False))
        found = judge.quote(0, pending)
    if not isinstance(found, Refusal):
        return _quoted(found, request.order)
    if found.code == "voucher_not_usable":
        _record(pending, found, judge.wrong_of(0, pending, found))
    return found


@contextmanager
def _read_only() -> Iterator[None]:
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(ONE_SNAPSHOT if is_outermost else NO_WRITES)
        yield


def _record(pending: Pending, refusal: Refusal, wrong: Sequence[WrongKey]) -> None:
    order = pending.request.order
    facts = {**refusal.facts, "voucher": order.voucher, "store": order.store, "act": "quote"}
    attempt = Attempt(pending.request, refusal, facts, voucher_id=pending.voucher_id)
    with transaction.atomic():
        if is_wrong_try(refusal) and pending.voucher_id is not None:
            count_wrong_try(voucher_id=pending.voucher_id, paper_id=pending.code.row_id)
        with pipeline() as raw:
            record_attempts(raw, [attempt])
            if wrong:
                send_wrong_codes(raw, [(wrong, pending.request.at)])


def _quoted(effect: Effect, order: RedeemOrder) -> Quoted:
    codes = effect.terms.campaign.source_codes
    decision = effect.decision
    return Quoted(
        discount_fen=decision.discount_fen,
        by_source=[SourceShare(codes[source_id], fen) for source_id, fen in decision.split],
        payable_fen=order.order_amount_fen - decision.discount_fen,
        voucher=order.voucher,
        merchant=effect.store.merchant,
        store=effect.store.external_id,
        order_no=order.order_no,
        order_amount_fen=order.order_amount_fen,
        campaign=effect.terms.campaign.row.code,
    )
