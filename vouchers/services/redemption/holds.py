"""Holds (冻结): a redemption's money kept out of settlements until it is released."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from django.contrib.auth.models import User
from django.db.models import F, Sum, Value
from django.db.models.functions import Greatest
from django.utils.translation import gettext_noop as _

from merchants.errors import Refusal, Refused
from vouchers.models import Case, Hold, Redemption, RefundPart
from vouchers.rules.redemption.holds import judge_clawback, judge_hold, judge_release
from vouchers.rules.redemption.refunds import Clawback
from vouchers.services.acts import BUSY, in_one_transaction
from vouchers.services.acts.idempotency import lock_order
from vouchers.services.history import note
from vouchers.services.ledger import transfers
from vouchers.services.redemption.clawback import call_back_rest, refundable_of
from vouchers.services.redemption.locked import LockedRedemption, lock_redemption
from vouchers.services.redemption.undo import move, undo
from vouchers.services.refusals import refuse, refused_by_database
from vouchers.services.roles import require_permission
from vouchers.states import AccountKind, Cause, RedemptionState, TransferReason

Result = TypeVar("Result")


def hold(
    *, redemption: Redemption, reason: str, by: User, at: datetime, case: Case | None = None
) -> Hold:
    """Keep what is left of a redemption's discount out of settlements, payable → risk held. The
    decision of its case, where it is held for one, ends the hold.

    Refuses `not_permitted`, `hold_not_captured`, `already_settled`, `already_held`,
    `text_too_long`, and `busy` after losing too many races.
    """
    require_permission(by, "vouchers.add_hold", at=at, on=redemption)
    with refused_by_database():
        return _with_retry(lambda: _hold(redemption, reason, by, at, case))


def release(*, hold: Hold, by: User, at: datetime) -> None:
    """Release a hold's money, risk held → payable: the next settlement takes it.

    Refuses `not_permitted`, `not_held` for a hold that is over, and `busy` after losing too many
    races.
    """
    require_permission(by, "vouchers.change_hold", at=at, on=hold)
    release_as(hold=hold, by=by.get_username(), at=at)


def release_as(*, hold: Hold, by: str, at: datetime) -> None:
    """The same in a user's name, whose permission was required when the case was decided.

    Refuses `not_held`, and `busy` after losing too many races.
    """
    _with_retry(lambda: _release(hold, by, at))
    hold.refresh_from_db(fields=["released_at", "released_by"])


def call_back(*, hold: Hold, reason: str, by: User, at: datetime) -> None:
    """Call a hold's money back, because it may not be paid; the reason is kept in the hold's
    history. What becomes of order and voucher is as in `claw_back_as`.

    Refuses `not_permitted`, `why_missing`, `not_held` for a hold that is over, and `busy` after
    losing too many races.
    """
    require_permission(by, "vouchers.change_hold", at=at, on=hold)
    if not reason.strip():
        raise Refused("why_missing")

    def once() -> bool:
        done = _claw_back(hold, by.get_username(), at)
        note(hold, by=by, what=_("called back"), at=at, reason=reason)
        return done

    _with_retry(once)
    hold.refresh_from_db(fields=["released_at", "released_by"])


def claw_back_as(*, hold: Hold, by: str, at: datetime) -> None:
    """Undo a held redemption in a user's name, whose permission was required when its case was
    confirmed as fraud: the merchant is not paid, the money goes back to the voucher (or is free,
    where its validity has ended), and the order is refused for ever. Of one that was partly
    refunded the rest is called back and free, and the voucher is lost.

    Refuses `not_held`, and `busy` after losing too many races.
    """
    _with_retry(lambda: _claw_back(hold, by, at))
    hold.refresh_from_db(fields=["released_at", "released_by"])


def _with_retry(act: Callable[[], Result]) -> Result:
    results: list[Result | None] = in_one_transaction([None], lambda _: [act()], otherwise=None)
    if results[0] is None:
        raise Refused(BUSY.code)
    return results[0]


def _hold(redemption: Redemption, reason: str, by: User, at: datetime, case: Case | None) -> Hold:
    locked = lock_redemption(redemption_id=redemption.pk, voucher_id=redemption.voucher_id)
    refuse(judge_hold(locked.facts, redemption.pk))
    opened = Hold.objects.create(
        redemption=locked.redemption,
        voucher_id=redemption.voucher_id,
        reason=reason,
        opened_by=by.get_username(),
        opened_at=at,
        case=case,
    )
    _post(opened, locked, TransferReason.HOLD, at)
    return opened


def _claw_back(hold: Hold, by: str, at: datetime) -> bool:
    asked = Redemption.objects.select_related("store").get(
        pk=hold.redemption_id, voucher_id=hold.voucher_id
    )
    lock_order(store_no=asked.store.external_id, order_no=asked.order_no)
    locked = lock_redemption(redemption_id=asked.pk, voucher_id=asked.voucher_id)
    locked.lock_counters()
    # This very hold, not one that was opened after it was released.
    is_open = Hold.objects.filter(pk=hold.pk, released_at=None).exists()
    refundable = refundable_of(locked, at=at) if locked.facts.is_refunded else None
    facts = locked.facts._replace(is_held=is_open)
    decision = judge_clawback(facts, refundable, asked.pk, at)
    if isinstance(decision, Refusal):
        raise Refused(decision.code, decision.rule, **decision.facts)
    if isinstance(decision, Clawback):
        call_back_rest(hold, locked, decision, by=by, at=at)
        return True
    undo(
        locked,
        decision,
        state=RedemptionState.REVERSED,
        reason=TransferReason.REVERSE,
        at=at,
        by=by,
    )
    return True


def _release(hold: Hold, by: str, at: datetime) -> bool:
    redemption_id = hold.redemption_id
    locked = lock_redemption(redemption_id=redemption_id, voucher_id=hold.voucher_id)
    open_hold = Hold.objects.filter(pk=hold.pk, released_at=None)
    refuse(judge_release(is_open=open_hold.exists(), redemption_id=redemption_id))
    # A clock that lags behind the one that opened it must not end it before.
    released_at = Greatest(Value(at), F("opened_at"))
    open_hold.update(released_at=released_at, released_by=by)
    _post(hold, locked, TransferReason.UNHOLD, at)
    return True


def _post(hold: Hold, locked: LockedRedemption, reason: TransferReason, at: datetime) -> None:
    payable, risk_held = AccountKind.PAYABLE, AccountKind.RISK_HELD
    is_opening = reason is TransferReason.HOLD
    lines = move(
        locked,
        _left(locked.redemption),
        origin=payable if is_opening else risk_held,
        target=risk_held if is_opening else payable,
    )
    posting = transfers.Posting(
        campaign_id=locked.redemption.campaign_id,
        reason=reason,
        cause=Cause.HOLD,
        cause_id=hold.pk,
        at=at,
        lines=lines,
    )
    transfers.post(postings=[posting])


def _left(redemption: Redemption) -> Sequence[tuple[int, int]]:
    """What refunds have left of each source's share."""
    parts = RefundPart.objects.filter(refund__redemption=redemption).values_list("source_id")
    clawed_fen = dict(parts.annotate(fen=Sum("amount_fen")))
    return [(source_id, fen - clawed_fen.get(source_id, 0)) for source_id, fen in redemption.split]
