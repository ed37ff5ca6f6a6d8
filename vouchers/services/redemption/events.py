"""Events of redemptions for merchants and channels, built from the decisions, and only where there
may be a subscriber."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from vouchers.errors import CATALOGUE
from vouchers.models import Redemption, Refund
from vouchers.rules.redemption.refunds import Clawback
from vouchers.rules.webhooks import EventType
from vouchers.services.redemption.batch_judge import Effect, Verdict
from vouchers.services.redemption.locked import LockedRedemption
from vouchers.services.webhooks import LISTENERS, Event, publish
from vouchers.states import RedemptionState, TransferReason

LIMITS = frozenset({"resident_limit", "store_limit", "merchant_limit"})
UNDONE = {
    RedemptionState.VOIDED: EventType.REDEMPTION_VOIDED,
    RedemptionState.REVERSED: EventType.REDEMPTION_REVERSED,
}


def events_of_batch(verdicts: Sequence[Verdict]) -> list[Event]:
    """Redemptions written, and orders that an exact limit refused."""
    listeners = LISTENERS.current()
    if not listeners:
        return []
    return [
        event
        for verdict in verdicts
        if verdict.store is not None
        and listeners.hear_of(
            verdict.store.merchant_id, is_test=verdict.pending.request.caller.is_test
        )
        for event in _events_of(verdict)
    ]


def _events_of(verdict: Verdict) -> Iterator[Event]:
    if verdict.effect is not None:
        yield _redeemed(verdict, verdict.effect)
    elif verdict.refusal is not None and verdict.refusal.code in LIMITS:
        yield _limited(verdict)


def _redeemed(verdict: Verdict, effect: Effect) -> Event:
    """The answer that the till gets, but for the voucher's code."""
    data = msgspec.to_builtins(verdict.outcome)
    del data["voucher"]
    is_captured = effect.expires_at is None
    return Event(
        type=EventType.REDEMPTION_CAPTURED if is_captured else EventType.REDEMPTION_AUTHORISED,
        subject=str(effect.redemption_id),
        at=verdict.pending.request.at,
        is_test=effect.terms.facts.is_test,
        data=data,
        merchant_ids=(effect.store.merchant_id,),
        allocation_id=effect.allocation_id,
    )


def _limited(verdict: Verdict) -> Event:
    """An order that a limit refused. The facts of one on a resident stay out of it."""
    request, refusal, store = verdict.pending.request, verdict.refusal, verdict.store
    assert refusal is not None
    assert store is not None
    names = ("limit", "window", "next_at")
    facts = {name: refusal.facts[name] for name in names if name in refusal.facts}
    return Event(
        type=EventType.LIMIT_REACHED,
        subject=f"{request.caller.credential_id}:{request.key}",
        at=request.at,
        is_test=request.caller.is_test,
        data={
            "code": refusal.code,
            "rule": CATALOGUE[refusal.code].answered_rule(refusal.rule),
            "merchant": store.merchant,
            "store": store.external_id,
            "order_no": request.order.order_no,
            **facts,
        },
        merchant_ids=(store.merchant_id,),
    )


def announce_captured(locked: LockedRedemption, *, at: datetime, discount_fen: int) -> None:
    """An authorisation was captured."""
    _announce(
        locked,
        EventType.REDEMPTION_CAPTURED,
        at=at,
        state=RedemptionState.CAPTURED.name.lower(),
        discount_fen=discount_fen,
        captured_at=at,
    )


def announce_undone(
    locked: LockedRedemption, *, state: RedemptionState, reason: TransferReason, at: datetime
) -> None:
    """A redemption was undone: by a void, a reversal, a capture that earned nothing, or because its
    authorisation lapsed."""
    _announce(
        locked,
        UNDONE[state],
        at=at,
        state=state.name.lower(),
        reason=reason.value,
        discount_fen=0,
        returned_fen=locked.redemption.discount_fen,
        undone_at=at,
    )


def announce_refunded(locked: LockedRedemption, row: Refund, clawback: Clawback) -> None:
    """Some of the shopper's money was refunded, or all; or the office called back the rest of a
    subsidy, which has no number."""
    state = RedemptionState.REFUNDED if clawback.is_everything else RedemptionState.CAPTURED
    _announce(
        locked,
        EventType.REDEMPTION_REFUNDED,
        at=row.refunded_at,
        subject=f"{row.redemption_id}/{row}",
        state=state.name.lower(),
        refund_no=row.refund_no,
        amount_fen=row.amount_fen,
        clawback_fen=clawback.fen,
        refunded_at=row.refunded_at,
    )


def _announce(
    locked: LockedRedemption, kind: EventType, *, at: datetime, subject: str = "", **more: Any
) -> None:
    redemption, facts = locked.redemption, locked.terms.facts
    if not LISTENERS.current().hear_of(redemption.merchant_id, is_test=facts.is_test):
        return
    event = Event(
        type=kind,
        subject=subject or str(redemption.pk),
        at=at,
        is_test=facts.is_test,
        data={**_named(redemption, locked), **more},
        merchant_ids=(redemption.merchant_id,),
        allocation_id=redemption.allocation_id,
    )
    publish([event])


def _named(redemption: Redemption, locked: LockedRedemption) -> dict[str, Any]:
    """What tells the redemption apart, in the words of the interface."""
    store = redemption.store
    return {
        "id": redemption.pk,
        "campaign": locked.terms.campaign.row.code,
        "merchant": store.merchant.code,
        "store": store.external_id,
        "order_no": redemption.order_no,
        "business_day": redemption.business_day,
    }
