"""Holds (冻结): a redemption's money kept back until somebody has looked, and let go again."""

from collections.abc import Sequence
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Sum, Value
from django.db.models.functions import Greatest

from merchants.errors import Refused
from vouchers.models import Hold, Redemption, RefundPart, SettlementLine
from vouchers.services import ledger
from vouchers.services.refusals import refused_by_database
from vouchers.services.roles import require_permission
from vouchers.states import AccountKind, Cause, RedemptionState, TransferReason


def hold(*, redemption: Redemption, reason: str, by: User, at: datetime) -> Hold:
    """Keep what is left of a redemption's discount out of settlements, payable → risk held.

    Refuses `not_permitted`, `hold_not_captured`, `already_settled` and `already_held`.
    """
    require_permission(by, "vouchers.add_hold")
    with refused_by_database(), transaction.atomic():
        held = Redemption.objects.select_for_update(no_key=True).get(pk=redemption.pk)
        _check_holdable(held)
        opened = Hold.objects.create(
            redemption=held, reason=reason, opened_by=by.get_username(), opened_at=at
        )
        _post(opened, held, TransferReason.HOLD, at)
    return opened


def release(*, hold: Hold, by: User, at: datetime) -> None:
    """Let a hold's money go, risk held → payable: the next settlement takes it.

    Refuses `not_permitted`, and `not_held` for a hold that is over.
    """
    require_permission(by, "vouchers.change_hold")
    with transaction.atomic():
        held = Redemption.objects.select_for_update(no_key=True).get(pk=hold.redemption_id)
        open_hold = Hold.objects.filter(pk=hold.pk, released_at=None)
        # A clock that lags behind the one that opened it must not end it before.
        released_at = Greatest(Value(at), F("opened_at"))
        if not open_hold.update(released_at=released_at, released_by=by.get_username()):
            raise Refused("not_held", redemption=held.pk)
        _post(hold, held, TransferReason.UNHOLD, at)
    hold.refresh_from_db(fields=["released_at", "released_by"])


def _check_holdable(redemption: Redemption) -> None:
    if redemption.state != RedemptionState.CAPTURED:
        state = RedemptionState(redemption.state).name.lower()
        raise Refused("hold_not_captured", redemption=redemption.pk, state=state)
    if SettlementLine.objects.filter(redemption=redemption).exists():
        raise Refused("already_settled", redemption=redemption.pk)
    if Hold.objects.filter(redemption=redemption, released_at=None).exists():
        raise Refused("already_held", redemption=redemption.pk)


def _post(hold: Hold, redemption: Redemption, reason: TransferReason, at: datetime) -> None:
    payable, risk_held = AccountKind.PAYABLE, AccountKind.RISK_HELD
    is_opening = reason is TransferReason.HOLD
    ledger.post(
        postings=[
            ledger.Posting(
                campaign_id=redemption.campaign_id,
                reason=reason,
                cause=Cause.HOLD,
                cause_id=hold.pk,
                at=at,
                lines=ledger.move_lines(
                    ledger.account_ids(redemption.campaign_id),
                    split=_left(redemption),
                    allocation_id=redemption.allocation_id,
                    origin=payable if is_opening else risk_held,
                    target=risk_held if is_opening else payable,
                ),
            )
        ]
    )


def _left(redemption: Redemption) -> Sequence[tuple[int, int]]:
    """What refunds have left of each source's share."""
    parts = RefundPart.objects.filter(refund__redemption=redemption).values_list("source_id")
    clawed_fen = dict(parts.annotate(fen=Sum("amount_fen")))
    return [(source_id, fen - clawed_fen.get(source_id, 0)) for source_id, fen in redemption.split]
