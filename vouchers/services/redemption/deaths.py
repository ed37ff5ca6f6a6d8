"""Lists of the dead: no voucher of theirs is accepted any more, and the money of what was redeemed
after the day of death is held until a person has looked into it."""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Final

from django.contrib.auth.models import User

from merchants.errors import Refused
from merchants.services.summaries import LoadSummary, RowFault
from vouchers.models import Redemption, Resident, Voucher
from vouchers.services.redemption.holds import hold
from vouchers.services.residents import record_death
from vouchers.services.residents.lists import Entry, load_list
from vouchers.services.roles import require_permission
from vouchers.states import RedemptionState, ResidentState

HELD_AFTER_DEATH: Final = "held_after_death"
PAID_AFTER_DEATH: Final = "paid_after_death"
_OUT_OF_REACH: Final = frozenset({"already_settled", "hold_not_captured"})


def import_deaths(
    *,
    path: Path,
    by: User,
    at: datetime,
    on_fault: Callable[[RowFault], None],
    on_progress: Callable[[int], None] = lambda done: None,
) -> LoadSummary:
    """Record the deaths of a CSV (external_id, document_no, optionally died_on) and hold the money
    of later redemptions; those that are settled already are counted as a warning.

    Refuses `not_permitted`; raises UnreadableFileError.
    """
    require_permission(by, "vouchers.change_resident", at=at)
    require_permission(by, "vouchers.add_hold", at=at)
    summary = LoadSummary()

    def record_entry(entry: Entry) -> bool:
        is_new = entry.resident.state != ResidentState.DECEASED
        if is_new:
            record_death(resident=entry.resident, document_no=entry.text, by=by, at=at)
        if entry.day is None:
            return is_new
        held, missed = _hold_after(entry.resident, entry.day, by, at)
        summary.warnings[HELD_AFTER_DEATH] += held
        summary.warnings[PAID_AFTER_DEATH] += missed
        return is_new or bool(held)

    loaded = load_list(
        path=path,
        column=("document_no", 60),
        day="died_on",
        today=at.date(),
        act=record_entry,
        on_fault=on_fault,
        on_progress=on_progress,
    )
    loaded.warnings.update(+summary.warnings)
    return loaded


def _hold_after(resident: Resident, died_on: date, by: User, at: datetime) -> tuple[int, int]:
    """Redemptions held, and those whose money has left. Business days after that of the death
    count: on the day itself the resident may have shopped."""
    mine = Voucher.objects.filter(resident=resident).values_list("pk", flat=True)
    later = Redemption.objects.filter(
        voucher_id__in=list(mine), state=RedemptionState.CAPTURED, business_day__gt=died_on
    )
    held = missed = 0
    for redemption in later.order_by("id"):
        try:
            hold(redemption=redemption, reason=f"after death on {died_on}", by=by, at=at)
        except Refused as refused:
            missed += refused.refusal.code in _OUT_OF_REACH
            if refused.refusal.code not in _OUT_OF_REACH | {"already_held"}:
                raise
        else:
            held += 1
    return held, missed
