"""Lapse: authorisations not captured in time return their money."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from django.db.models import F

from vouchers.models import Redemption
from vouchers.models.sandbox import campaign_now
from vouchers.rules.redemption.undo import judge_lapse
from vouchers.services.acts import in_one_transaction
from vouchers.services.acts.idempotency import lock_order
from vouchers.services.redemption.locked import lock_redemption
from vouchers.services.redemption.undo import undo
from vouchers.services.sandbox import time_in
from vouchers.services.sweeps import for_each
from vouchers.states import RedemptionState, TransferReason

Due = tuple[int, int, str, str]
"""Redemption id, voucher id, store number, order number."""


def lapse_due(*, at: datetime) -> int:
    """Void every authorisation whose time is over, each in a transaction of its own; returns how
    many there were. One that a till captured or undid meanwhile is left alone; one that lost every
    race waits for the next sweep.
    """
    authorised = Redemption.objects.filter(state=RedemptionState.AUTHORISED)
    due = authorised.alias(now=campaign_now(at, "campaign__")).filter(expires_at__lte=F("now"))
    rows = due.order_by("expires_at", "id").values_list(
        "id", "voucher_id", "store__external_id", "order_no"
    )
    lapse = partial(_lapse, at=at)
    return sum(for_each(rows, lambda row: sum(in_one_transaction([row], lapse, otherwise=False))))


def _lapse(rows: Sequence[Due], *, at: datetime) -> list[bool]:
    return [_lapse_one(row, at) for row in rows]


def _lapse_one(row: Due, at: datetime) -> bool:
    redemption_id, voucher_id, store_no, order_no = row
    lock_order(store_no=store_no, order_no=order_no)
    locked = lock_redemption(redemption_id=redemption_id, voucher_id=voucher_id)
    locked.lock_counters()
    if locked.terms.facts.is_test:
        at = time_in(campaign_id=locked.redemption.campaign_id, at=at)
    decision = judge_lapse(locked.facts, at)
    if decision is None:
        return False
    undo(
        locked,
        decision,
        state=RedemptionState.VOIDED,
        reason=TransferReason.LAPSE,
        at=at,
        by="",
    )
    return True
