"""The red button on merchants, stores, tills and callers: nothing of theirs redeems from the next
request on, until a person lifts it or, where an end was given, the clock does.

A campaign is stopped by `services.campaigns.lifecycle.pause`.
"""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from merchants.errors import Refused
from merchants.models import Credential, Merchant, State, Store, Terminal
from merchants.services.edits import void_code, void_codes
from vouchers.rules.campaigns.stops import is_longer, judge_end
from vouchers.services.campaigns.lifecycle import PAUSE, resume_due
from vouchers.services.history import clock, note_state
from vouchers.services.refusals import refuse
from vouchers.services.roles import require_permission
from vouchers.services.sweeps import for_each

Stoppable = Merchant | Store | Terminal | Credential


def suspend(
    *,
    row: Stoppable,
    why: str,
    by: User,
    at: datetime,
    until_at: datetime | None,
    case: int | None = None,
) -> None:
    """Suspend a merchant with all its stores, a store, a till (for orders that name it too, whoever
    sends them), or a caller of the API, until `until_at` or (None) until it is lifted; of a case,
    by its number. What is suspended already stays so for longer.

    Refuses `not_permitted` for one who may neither stop campaigns nor change the row, `stop_over`
    for an end that has passed, and `already_stopped` for what is closed or suspended for as long.
    """
    _require(by, row, at)
    refuse(judge_end(until_at, at=at))
    with transaction.atomic():
        if isinstance(row, Credential):
            void_code(row)
        held = type(row)._default_manager.select_for_update(no_key=True).get(pk=row.pk)
        is_longer_now = is_longer(until_at, held.suspended_until_at)
        if held.state != State.ACTIVE and not is_longer_now:
            raise Refused("already_stopped", state=held.state)
        if isinstance(row, Terminal):
            void_codes(row)
        _write(row, held, State.SUSPENDED, until_at)
        note_state(held, until_at=until_at, why=why, by=by, at=at, case=case)


def lift(*, row: Stoppable, why: str, by: User, at: datetime) -> None:
    """Let a suspended merchant, store, till or caller act again, before its end.

    Refuses `not_permitted` as `suspend` does, and `not_suspended`.
    """
    _require(by, row, at)
    with transaction.atomic():
        held = type(row)._default_manager.select_for_update(no_key=True).get(pk=row.pk)
        if held.state != State.SUSPENDED:
            raise Refused("not_suspended", state=held.state)
        _write(row, held, State.ACTIVE, None)
        note_state(held, until_at=None, why=why, by=by, at=at)


def lift_due(*, at: datetime) -> int:
    """End what was stopped until now, by the clock: pauses of campaigns in the campaign's own time,
    suspensions in the real one; returns how many."""
    return sum(for_each([resume_due, _lift_suspensions], lambda sweep: sweep(at=at)))


def _lift_suspensions(*, at: datetime) -> int:
    stopped = [
        (model, key)
        for model in (Merchant, Store, Terminal, Credential)
        for key in model._default_manager.filter(suspended_until_at__lte=at)
        .order_by("pk")
        .values_list("pk", flat=True)
    ]
    return sum(for_each(stopped, lambda row: _lift_by_clock(*row, at)))


def _lift_by_clock(model: type[Stoppable], key: int, at: datetime) -> bool:
    """Whether it was still due: a person may have lifted or lengthened it meanwhile."""
    due = model._default_manager.filter(suspended_until_at__lte=at)
    with transaction.atomic():
        held = due.select_for_update(no_key=True).filter(pk=key).first()
        if held is None:
            return False
        _write(held, held, State.ACTIVE, None)
        note_state(held, until_at=None, why="", by=clock(), at=at)
    return True


def _require(by: User, row: Stoppable, at: datetime) -> None:
    """Those who stop campaigns may, and those who otherwise close and reopen the row."""
    try:
        require_permission(by, f"merchants.change_{row._meta.model_name}", at=at, on=row)
    except Refused:
        require_permission(by, PAUSE, at=at, on=row)


def _write(row: Stoppable, held: Stoppable, state: State, until_at: datetime | None) -> None:
    """The new state, in the caller's instance too."""
    for each in (held, row):
        each.state, each.suspended_until_at = state, until_at
    held.save(update_fields=["state", "suspended_until_at"])
