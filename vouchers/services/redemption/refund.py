"""Refund the shopper's money (退款): the subsidy that follows it goes back to each source."""

from dataclasses import dataclass, replace

from merchants.errors import Refusal
from merchants.models import Store
from merchants.references import folded
from vouchers.models import Redemption, Refund
from vouchers.models.locks import LOCK_BATCH, REFUND_NO
from vouchers.queries.redemption import SourceShare
from vouchers.rules.limits.limits import business_day
from vouchers.rules.limits.tallies import Tally, TallyKey, refunds_of
from vouchers.rules.redemption.refunds import (
    Clawback,
    Refundable,
    VoucherFate,
    judge_refund,
    number_used,
    promised_anew,
)
from vouchers.services.acts import Act, Answer, Render, perform
from vouchers.services.ledger import quotas
from vouchers.services.ledger.quotas import AllocationShare, LockedNeeds
from vouchers.services.limits.risk import count_refund, lock_refunds
from vouchers.services.redemption.clawback import refundable_of, write
from vouchers.services.redemption.clocks import act_at_campaign_time
from vouchers.services.redemption.locked import LockedRedemption, lock_redemption
from vouchers.services.redemption.outcomes import Refunded
from vouchers.services.redemption.own import order_lock_of
from vouchers.services.redemption.own_numbers import of_refund
from vouchers.services.redemption.requests import RefundRequest
from vouchers.sql.pipeline import pipeline
from vouchers.states import RedemptionState


def refund(*, request: RefundRequest, render: Render) -> Answer:
    """Refund some of what the shopper paid, or all, at any store of the merchant, however late. The
    same key gets the same answer.

    The campaign's policy says how much of the subsidy goes back and whether the voucher does
    (`rules/redemption/refunds`). What a settlement has taken is owed by the merchant from now on:
    kept back from their next settlement, or collected. The outcome rendered is `Refunded`, or a
    refusal: `not_found` (also another merchant's), `store_not_found`, `redemption_state`,
    `refund_too_large`.
    """
    return perform(_Refund(), act_at_campaign_time(of_refund(request)), render=render)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a refund is decided on."""

    locked: LockedRedemption
    # None where the caller has no such store.
    store: Store | None
    is_number_used: bool
    refundable: Refundable
    # The buckets that a voucher promised anew would take from; None where none can be.
    promised: LockedNeeds | None
    # How many redemptions of the store were refunded, where a risk rule looks at it.
    refunds: Tally | None


class _Refund(Act[RefundRequest, Redemption, _Facts, Clawback]):
    def find(self, request: RefundRequest) -> Redemption | Refusal:
        """Also a redemption of another store: the merchant is the same."""
        caller = request.caller
        of_merchants = Redemption.objects.filter(
            merchant_id__in=caller.merchant_ids, campaign__is_test=caller.is_test
        )
        found = of_merchants.filter(pk=request.redemption_id).select_related("store").first()
        return found or Refusal("not_found")

    def order_lock(self, request: RefundRequest, target: Redemption) -> int:
        return order_lock_of(target)

    def facts(self, request: RefundRequest, target: Redemption) -> _Facts:
        _lock_number(target.merchant_id, request.refund_no)
        locked = lock_redemption(redemption_id=target.pk, voucher_id=target.voucher_id)
        refundable = refundable_of(locked, at=request.at)
        locked.lock_counters()
        refunds = lock_refunds(locked.terms.campaign.risk, _refunds_of(target))
        promised = _lock_quotas(locked, promised_anew(refundable, request.amount_fen))
        is_test = request.caller.is_test
        of_number = Refund.of_number(target.merchant_id, request.refund_no, is_test=is_test)
        return _Facts(
            locked=locked,
            store=_store(request, target.merchant_id),
            is_number_used=of_number.exists(),
            refundable=replace(refundable, has_quota_room=promised is None or promised.have_room),
            promised=promised,
            refunds=refunds,
        )

    def judge(self, request: RefundRequest, facts: _Facts) -> Clawback | Refusal:
        if facts.store is None:
            return Refusal("store_not_found")
        if facts.is_number_used:
            return number_used(request.refund_no)
        return judge_refund(facts.refundable, request.amount_fen)

    def write(self, request: RefundRequest, facts: _Facts, decision: Clawback) -> Refunded:
        row = _row(request, facts, decision)
        by = f"refund {row.refund_no}"
        write(row, facts.locked, decision, promised=facts.promised, by=by)
        if facts.refunds is not None and facts.refundable.refunded_fen == 0:
            count_refund(_refunds_of(facts.locked.redemption), facts.refunds)
        return _refunded(row, facts.locked, decision)

    def redemption(self, facts: _Facts) -> Redemption | None:
        return facts.locked.redemption


def _refunds_of(redemption: Redemption) -> TallyKey:
    """The counter of the redeeming store, even if another store refunds."""
    return refunds_of(redemption.campaign_id, redemption.store_id)


def _lock_number(merchant_id: int, refund_no: str) -> None:
    """After the order, before the tranche: of two refunds with one number the second finds it."""
    number = REFUND_NO.key(merchant_id, folded(refund_no))
    with pipeline() as raw:
        LOCK_BATCH.send(raw, {"request_keys": [], "order_keys": [number], "tranche_ids": []})


def _store(request: RefundRequest, merchant_id: int) -> Store | None:
    """A store of the redemption's merchant, so that its number says which; a merchant named as
    well has to be that one."""
    numbered = Store.objects.filter(external_id__iexact=request.store, merchant_id=merchant_id)
    if request.merchant:
        numbered = numbered.filter(merchant__code__iexact=request.merchant)
    if request.caller.store_ids is not None:
        numbered = numbered.filter(pk__in=request.caller.store_ids)
    return numbered.first()


def _lock_quotas(locked: LockedRedemption, promised: list[tuple[int, int]]) -> LockedNeeds | None:
    """The quota buckets of money that would be promised anew; the last locks there are."""
    if not promised:
        return None
    return quotas.lock_shares(
        shares=[AllocationShare(locked.redemption.allocation_id, promised, vouchers=0)]
    )


def _row(request: RefundRequest, facts: _Facts, clawback: Clawback) -> Refund:
    redemption = facts.locked.redemption
    assert facts.store is not None
    # Never before what it undoes: this clock may lag behind the one that wrote that.
    at = max(request.at, redemption.captured_at or redemption.redeemed_at)
    return Refund(
        redemption=redemption,
        voucher_id=redemption.voucher_id,
        merchant_id=redemption.merchant_id,
        store=facts.store,
        refund_no=request.refund_no,
        is_test=request.caller.is_test,
        amount_fen=request.amount_fen,
        clawback_fen=clawback.fen,
        policy=redemption.campaign.refund_policy,
        gives_voucher_back=clawback.voucher is VoucherFate.GIVEN_BACK,
        caller_id=request.caller.credential_id,
        business_day=business_day(at, facts.locked.facts.zone),
        refunded_at=at,
    )


def _refunded(row: Refund, locked: LockedRedemption, clawback: Clawback) -> Refunded:
    codes = locked.terms.campaign.source_codes
    state = RedemptionState.REFUNDED if clawback.is_everything else RedemptionState.CAPTURED
    return Refunded(
        id=row.redemption_id,
        refund_no=row.refund_no,
        amount_fen=row.amount_fen,
        clawback_fen=clawback.fen,
        by_source=[SourceShare(codes[part.source_id], part.amount_fen) for part in clawback.parts],
        voucher_usable=clawback.voucher_usable,
        state=state.name.lower(),
        refunded_at=row.refunded_at,
    )
