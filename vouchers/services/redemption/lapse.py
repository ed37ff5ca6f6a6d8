"""Lapse: authorisations that nobody captured in time give back all they hold."""

from datetime import datetime
from functools import partial

from vouchers.models import Redemption
from vouchers.rules.redemption.undo import has_lapsed
from vouchers.services.redemption.acts import hold, lock_order, tried
from vouchers.services.redemption.undo import undo
from vouchers.states import RedemptionState, TransferReason


def lapse_due(*, at: datetime) -> int:
    """Void every authorisation whose time is over, each in a transaction of its own; returns how
    many there were. One that a till captured or undid meanwhile is left alone; one that lost every
    race waits for the next sweep.
    """
    due = Redemption.objects.filter(state=RedemptionState.AUTHORISED, expires_at__lte=at)
    rows = due.order_by("expires_at", "id").values_list(
        "id", "voucher_id", "store__external_id", "order_no"
    )
    return sum(tried(partial(_lapse, *row, at=at), otherwise=False) for row in rows)


def _lapse(
    redemption_id: int, voucher_id: int, store_no: str, order_no: str, *, at: datetime
) -> bool:
    lock_order(store_no=store_no, order_no=order_no)
    held = hold(redemption_id=redemption_id, voucher_id=voucher_id)
    if not has_lapsed(held.facts, at):
        return False
    undo(held, state=RedemptionState.VOIDED, reason=TransferReason.LAPSE, at=at, by="")
    return True
