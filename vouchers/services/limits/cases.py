"""Cases opened from signals, and what officers note on them; the one writer of cases.

A sweep of beat gathers; a redemption never does. `services/redemption/case_decisions` decides.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count
from django.utils.translation import gettext_noop as _

from merchants.errors import Refused
from vouchers.models import Case, CaseSignal
from vouchers.models.limits.cases import FIND_FRESH, FreshSignal
from vouchers.queries.roles import people_with
from vouchers.rules.limits.cases import (
    CaseKey,
    CaseSeverity,
    Seen,
    Standing,
    judge_act,
    judge_decision,
    key_of,
    next_officer,
    standing_with,
)
from vouchers.services.acts import in_one_transaction
from vouchers.services.history import Fact, note
from vouchers.services.refusals import refuse, refused_by_database
from vouchers.services.roles import require_permission
from vouchers.sql.pipeline import raw_connection
from vouchers.states import CaseState

CASES: Final = "vouchers.change_case"
"""The permission of those who work on cases."""
BATCH: Final = 500
OVERLAP: Final = 100_000
"""Numbers below the newest gathered signal at which a slow transaction may still appear."""


def gather_signals(*, at: datetime) -> int:
    """Put every signal of a live rule into its case, opening those that are not there, each for the
    officer with the fewest open ones; returns how many signals there were.

    Two sweeps at once open each case once: the database refuses the second, which starts anew.
    """
    count = 0
    gather = partial(_gather, at=at)
    while gathered := sum(in_one_transaction([BATCH], gather, otherwise=0)):
        count += gathered
    return count


def _gather(sizes: Sequence[int], *, at: datetime) -> list[int]:
    fresh = FIND_FRESH.send(raw_connection(), {"most": sizes[0], "overlap": OVERLAP}).rows()
    by_key: dict[CaseKey, list[FreshSignal]] = defaultdict(list)
    for signal in fresh:
        by_key[key_of(signal)].append(signal)
    cases = _lock_open(by_key)
    loads = _loads(at) if by_key.keys() - cases.keys() else {}
    for key in sorted(by_key):
        signals = by_key[key]
        case = cases.get(key)
        after = standing_with(None if case is None else _standing(case), signals, at)
        if case is None:
            case = Case(**key._asdict(), store_id=signals[0].store_id, opened_at=at)
            case.assignee_id = next_officer(loads)
            if case.assignee_id is not None:
                loads[case.assignee_id] += 1
        case.severity, case.signal_count, case.subsidy_fen, case.deadline_at = after
        case.save()
        CaseSignal.objects.bulk_create(CaseSignal(case=case, signal_id=one.id) for one in signals)
    return [len(fresh)]


def _loads(at: datetime) -> dict[int, int]:
    """The officers of an instant, with how many open cases each has."""
    assigned = Case.objects.filter(state=CaseState.OPEN.value, assignee__isnull=False).order_by()
    counts = dict(assigned.values_list("assignee").annotate(Count("id")))
    officers = people_with(CASES, at=at).values_list("pk", flat=True)
    return {officer: counts.get(officer, 0) for officer in officers}


def _lock_open(keys: Iterable[CaseKey]) -> Mapping[CaseKey, Case]:
    """The open cases of these keys, locked in ascending order of their numbers."""
    wanted = set(keys)
    locked = (
        Case.objects.select_for_update(no_key=True)
        .filter(
            state=CaseState.OPEN.value,
            campaign_id__in={key.campaign_id for key in wanted},
            subject_id__in={key.subject_id for key in wanted},
            window_no__in={key.window_no for key in wanted},
        )
        .order_by("id")
    )
    found = {
        CaseKey(case.campaign_id, case.kind, case.subject, case.subject_id, case.window_no): case
        for case in locked
    }
    return {key: case for key, case in found.items() if key in wanted}


def _standing(case: Case) -> Standing:
    return Standing(
        CaseSeverity(case.severity), case.signal_count, case.subsidy_fen, case.deadline_at
    )


def assign(
    *, case: Case, assignee: User, reason: str, seen_acts: int, by: User, at: datetime
) -> None:
    """Give an open case to an officer. Refuses `not_permitted` (also for one who could not decide
    it), and `case_changed` when it is decided or another officer acted since it was seen."""
    require_permission(by, CASES, at=at)
    require_permission(assignee, CASES, at=at)
    with transaction.atomic():
        held = _lock(case, seen_acts)
        held.assignee = assignee
        what = _("assigned to %(officer)s")
        _acted(held, by=by, what=what, at=at, officer=assignee.get_username(), reason=reason)
    case.refresh_from_db()


def set_deadline(
    *, case: Case, deadline_at: datetime, reason: str, seen_acts: int, by: User, at: datetime
) -> None:
    """Say until when an open case is to be decided. Refuses `not_permitted`, and `case_changed` as
    `assign` does and for a deadline that has passed."""
    require_permission(by, CASES, at=at)
    with transaction.atomic():
        held = _lock(case, seen_acts)
        if deadline_at <= at:
            raise Refused("case_changed", "case_deadline_ahead")
        held.deadline_at = deadline_at
        what = _("to be decided by %(deadline_at)s")
        _acted(held, by=by, what=what, at=at, deadline_at=deadline_at, reason=reason)
    case.refresh_from_db()


def decide(
    *, case: Case, decision: CaseState, reason: str, seen: Seen, by: User, at: datetime
) -> None:
    """Close an open case. Its holds are another step, which a sweep repeats until it is done.

    Refuses `not_permitted`, `text_too_long`, and `case_changed` when it is decided, or an officer
    acted or a signal came since it was seen, or without a reason.
    """
    require_permission(by, CASES, at=at)
    with refused_by_database(), transaction.atomic():
        held = Case.objects.select_for_update(no_key=True).get(pk=case.pk)
        refuse(
            judge_decision(
                state=CaseState(held.state),
                acts=held.act_count,
                signals=held.signal_count,
                seen=seen,
                reason=reason,
            )
        )
        held.state, held.reason = decision.value, reason
        # A clock that lags behind the one that opened it must not decide it before.
        held.decided_at, held.decided_by = max(at, held.opened_at), by.get_username()
        what = _("decided: %(state)s")
        _acted(held, by=by, what=what, at=at, state=decision.value, reason=reason)
    case.refresh_from_db()


def note_act(
    *, case: Case, what: str, seen_acts: int, by: User, at: datetime, **facts: Fact
) -> None:
    """Write into the history of an open case what was done because of it, in the caller's
    transaction. Refuses `case_changed` as `assign` does."""
    _acted(_lock(case, seen_acts), by=by, what=what, at=at, **facts)


def _lock(case: Case, seen_acts: int) -> Case:
    held = Case.objects.select_for_update(no_key=True).get(pk=case.pk)
    refuse(judge_act(state=CaseState(held.state), acts=held.act_count, seen_acts=seen_acts))
    return held


def _acted(case: Case, *, by: User, what: str, at: datetime, **facts: Fact) -> None:
    case.act_count += 1
    case.save()
    note(case, by=by, what=what, at=at, **facts)
