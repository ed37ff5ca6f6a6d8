"""Reverse by order number (冲正), for a till that does not know what became of its request."""

from dataclasses import dataclass

from merchants.errors import Fact, Refusal
from vouchers.models import OrderClaim, Redemption
from vouchers.models.campaigns.facts import StoreRow
from vouchers.models.redemption.redemptions import claimed_no
from vouchers.rules.redemption.undo import Undoing, judge_reverse
from vouchers.services.acts import Act, Answer, Render, perform
from vouchers.services.acts.idempotency import order_lock_key
from vouchers.services.redemption.clocks import reversal_at_campaign_time
from vouchers.services.redemption.locked import LockedRedemption, lock_redemption
from vouchers.services.redemption.outcomes import Reversed
from vouchers.services.redemption.own_numbers import of_reversal
from vouchers.services.redemption.requests import ReverseRequest
from vouchers.services.redemption.stores import find_store, is_ambiguous
from vouchers.services.redemption.undo import undo
from vouchers.states import RedemptionState, TransferReason


def reverse(*, request: ReverseRequest, render: Render) -> Answer:
    """Make sure that an order has no redemption, now and for ever. The same key gets the same
    answer, and reversing again does no harm.

    A live redemption is undone within the limits of a void. An order without one, because it was
    voided or has not arrived yet, is refused from now on (`order_reversed`). The outcome rendered
    is `Reversed`, or a refusal: `store_not_found` (also another merchant's), `malformed_request`
    when several of the caller's merchants have the store's number (not stored), and
    `redemption_state`. Orders of the sandbox are its own.
    """
    known = reversal_at_campaign_time(of_reversal(request))
    return perform(_Reverse(), known, render=render)


@dataclass(frozen=True, slots=True)
class _Order:
    """An order under its lock: its store (or that it is none of the caller's), whether it has a
    claim, and its live redemption."""

    store: StoreRow | Refusal
    is_claimed: bool = False
    locked: LockedRedemption | None = None


@dataclass(frozen=True, slots=True)
class _Reversal:
    """What a reversal does: undo the redemption, or set a tombstone, or nothing (both empty)."""

    undoing: Undoing | None = None
    sets_tombstone: bool = False


class _Reverse(Act[ReverseRequest, None, _Order, _Reversal]):
    def find(self, request: ReverseRequest) -> None:
        return None

    def order_lock(self, request: ReverseRequest, target: None) -> int:
        return order_lock_key(store_no=request.store, order_no=request.order_no)

    def facts(self, request: ReverseRequest, target: None) -> _Order | Refusal:
        store = find_store(caller=request.caller, store_no=request.store, merchant=request.merchant)
        if isinstance(store, Refusal):
            return store if is_ambiguous(store) else _Order(store)
        claims = OrderClaim.objects.filter(store_id=store.id, order_no=_claimed_no(request))
        claim = claims.first()
        if claim is None or claim.redemption_id is None:
            return _Order(store, is_claimed=claim is not None)
        assert claim.voucher_id is not None
        locked = lock_redemption(redemption_id=claim.redemption_id, voucher_id=claim.voucher_id)
        locked.lock_counters()
        return _Order(store, is_claimed=True, locked=locked)

    def judge(self, request: ReverseRequest, facts: _Order) -> _Reversal | Refusal:
        if isinstance(facts.store, Refusal):
            return Refusal(facts.store.code, facts.store.rule, _asked(request))
        if facts.locked is None:
            return _Reversal(sets_tombstone=not facts.is_claimed)
        decision = judge_reverse(facts.locked.facts, request.at)
        return decision if isinstance(decision, Refusal) else _Reversal(undoing=decision)

    def write(self, request: ReverseRequest, facts: _Order, decision: _Reversal) -> Reversed:
        assert not isinstance(facts.store, Refusal)  # judged
        if decision.sets_tombstone:
            OrderClaim.objects.create(
                store_id=facts.store.id,
                order_no=_claimed_no(request),
                redemption=None,
                claimed_at=request.at,
            )
        if decision.undoing is None or facts.locked is None:
            return _reversed(request, facts.store)
        undo(
            facts.locked,
            decision.undoing,
            state=RedemptionState.REVERSED,
            reason=TransferReason.REVERSE,
            at=request.at,
            by=request.signature,
        )
        return _reversed(request, facts.store, facts.locked.redemption, decision.undoing)

    def redemption(self, facts: _Order) -> Redemption | None:
        return facts.locked.redemption if facts.locked else None


def _claimed_no(request: ReverseRequest) -> str:
    return claimed_no(request.order_no, is_test=request.caller.is_test)


def _asked(request: ReverseRequest) -> dict[str, Fact]:
    named: dict[str, Fact] = {"merchant": request.merchant} if request.merchant else {}
    return {**named, "store": request.store, "order_no": request.order_no}


def _reversed(
    request: ReverseRequest,
    store: StoreRow,
    redemption: Redemption | None = None,
    undoing: Undoing | None = None,
) -> Reversed:
    return Reversed(
        id=redemption.pk if redemption else None,
        state=RedemptionState.REVERSED.name.lower(),
        merchant=store.merchant,
        store=store.external_id,
        order_no=request.order_no,
        returned_fen=redemption.discount_fen if redemption else 0,
        voucher_usable=undoing.voucher_usable if undoing else None,
        reversed_at=request.at,
    )
