"""What officers decide on cases, and what it does: to holds, to merchants, stores and tills.

A decision is committed first, then carried out hold by hold; a sweep carries out what a killed
process left over, and what a hold opened later adds (a till that captures after the decision).
"""

from collections.abc import Mapping
from datetime import datetime

import structlog
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_noop as _

from merchants.errors import Refused
from merchants.models import Credential, Merchant, Store
from vouchers.models import Case, CaseSignal, Hold, Redemption, SettlementLine
from vouchers.rules.limits.cases import Seen
from vouchers.services.campaigns import stops
from vouchers.services.limits.cases import CASES, decide, note_act
from vouchers.services.redemption import holds
from vouchers.services.roles import require_permission
from vouchers.services.sweeps import for_each
from vouchers.states import CaseState, RedemptionState

HOLDS = "vouchers.change_hold"
log = structlog.get_logger(__name__)


def clear(*, case: Case, reason: str, seen: Seen, by: User, at: datetime) -> int:
    """Decide that it was nothing, and release what rules and this case have held of it, but for
    redemptions that another case, open or confirmed, is about too; returns how many holds were
    released.

    Refuses `not_permitted`, `text_too_long` and `case_changed` as `services/limits/cases` does.
    """
    return _decide(case, CaseState.CLEARED, reason, seen, by, at)


def confirm(*, case: Case, reason: str, seen: Seen, by: User, at: datetime) -> int:
    """Decide that it was fraud, and call back what rules and this case have held of it; returns how
    many redemptions were undone. What is not held stays: hold it first. Refuses as `clear`.
    """
    return _decide(case, CaseState.CONFIRMED, reason, seen, by, at)


def _decide(
    case: Case, decision: CaseState, reason: str, seen: Seen, by: User, at: datetime
) -> int:
    require_permission(by, HOLDS, at=at)
    decide(case=case, decision=decision, reason=reason, seen=seen, by=by, at=at)
    return _carry_out(case, decision, at)


def finish_decided(*, at: datetime) -> int:
    """Carry out on every open hold what its case decided; returns how many holds that ended."""
    held = Hold.objects.filter(released_at=None).values("redemption_id")
    members = CaseSignal.objects.filter(case=OuterRef("pk"), signal__redemption__in=held)
    decided = [
        case
        for decision in (CaseState.CONFIRMED, CaseState.CLEARED)
        for case in Case.objects.filter(Exists(members), state=decision.value).order_by("id")
    ]
    return sum(for_each(decided, lambda case: _carry_out(case, CaseState(case.state), at)))


def _held_by(case: Case) -> QuerySet[Hold]:
    """The open holds of rules and of the case itself on its redemptions; what was held for another
    reason, such as a death, waits for those who held it."""
    of_case = Q(case=case) | Q(rule_version__isnull=False)
    signals = case.members.exclude(signal__redemption=None)
    redemptions = signals.values("signal__redemption_id")
    return Hold.objects.filter(of_case, redemption__in=redemptions, released_at=None).order_by("id")


def _reason(case: Case, reason: str) -> str:
    """Why the case holds, always in English, whatever the officer's language."""
    return f"case {case.pk}: {reason}"[:200]


def _carry_out(case: Case, decision: CaseState, at: datetime) -> int:
    """Each hold in a transaction of its own, in the name of who decided; one that lost every race,
    or may not end, is left over."""
    ended = 0
    for hold in list(_held_by(case)):
        if decision is CaseState.CLEARED and _is_of_another_case(hold):
            continue
        act = holds.release_as if decision is CaseState.CLEARED else holds.claw_back_as
        try:
            act(hold=hold, by=case.decided_by, at=at)
            ended += 1
        except Refused as refused:
            log.warning("hold_not_ended", hold=hold.pk, code=refused.refusal.code)
    return ended


def _is_of_another_case(hold: Hold) -> bool:
    return (
        Case.objects.filter(members__signal__redemption=hold.redemption_id)
        .exclude(state=CaseState.CLEARED.value)
        .exists()
    )


def hold_rest(*, case: Case, reason: str, seen_acts: int, by: User, at: datetime) -> int:
    """Hold what is owed of an open case's redemptions and not held, settled or undone; returns how
    many were held. One that was settled or undone meanwhile is left out.

    The case's history keeps the whole reason, each hold its first 200 characters. Refuses
    `not_permitted`, and `case_changed` when it is decided, another officer acted meanwhile, or
    there is nothing to hold.
    """
    require_permission(by, CASES, at=at)
    owed = holdable(case)
    if not owed:
        raise Refused("case_changed", "case_holds")
    with transaction.atomic():
        what = _("redemptions to be held, in all %(count)s")
        note_act(
            case=case,
            what=what,
            seen_acts=seen_acts,
            by=by,
            at=at,
            count=len(owed),
            reason=reason,
        )
    return sum(_is_held_now(redemption, case, reason, by, at) for redemption in owed)


def _is_held_now(redemption: Redemption, case: Case, reason: str, by: User, at: datetime) -> bool:
    try:
        holds.hold(redemption=redemption, reason=_reason(case, reason), by=by, at=at, case=case)
    except Refused as refused:
        log.warning("not_held", redemption=redemption.pk, code=refused.refusal.code)
        return False
    return True


def holdable(case: Case) -> list[Redemption]:
    """Redemptions of a case whose money is owed: captured, neither settled nor held."""
    of_redemption = {"redemption": OuterRef("pk")}
    return list(
        Redemption.objects.filter(
            ~Exists(Hold.objects.filter(released_at=None, **of_redemption)),
            ~Exists(SettlementLine.objects.filter(**of_redemption)),
            pk__in=_redemption_ids(case),
            state=RedemptionState.CAPTURED.value,
        ).order_by("id")
    )


def suspend_merchant(
    *,
    case: Case,
    merchant: Merchant,
    reason: str,
    seen_acts: int,
    by: User,
    at: datetime,
    until_at: datetime | None = None,
) -> None:
    """Stop a merchant that an open case is about, with all its stores, until `until_at` or (None)
    until it is lifted.

    Refuses `not_permitted`, `stop_over` for an end that has passed, and `case_changed` when it is
    decided, another officer acted meanwhile, or the case has nothing to do with the merchant.
    """
    require_permission(by, CASES, at=at)
    _require(case.members.filter(signal__store__merchant=merchant).exists())
    what = _("merchant %(merchant)s (%(code)s) suspended")
    called = {"merchant": merchant.name, "code": merchant.code}
    _suspend(case, merchant, what, called, reason, seen_acts, by, at, until_at)


def suspend_store(
    *,
    case: Case,
    store: Store,
    reason: str,
    seen_acts: int,
    by: User,
    at: datetime,
    until_at: datetime | None = None,
) -> None:
    """Stop a store that an open case is about. Refuses as `suspend_merchant`."""
    require_permission(by, CASES, at=at)
    _require(case.members.filter(signal__store=store).exists())
    what, called = _("store %(store)s suspended"), {"store": str(store)}
    _suspend(case, store, what, called, reason, seen_acts, by, at, until_at)


def suspend_till(
    *,
    case: Case,
    credential: Credential,
    reason: str,
    seen_acts: int,
    by: User,
    at: datetime,
    until_at: datetime | None = None,
) -> None:
    """Suspend the credential of an enrolled till that redeemed what an open case is about. Refuses
    as `suspend_merchant`."""
    require_permission(by, CASES, at=at)
    seen = Redemption.objects.filter(pk__in=_redemption_ids(case), caller=credential)
    _require(credential.kind == Credential.Kind.TERMINAL and seen.exists())
    what, called = _("till %(till)s suspended"), {"till": str(credential)}
    _suspend(case, credential, what, called, reason, seen_acts, by, at, until_at)


def _suspend(
    case: Case,
    row: stops.Stoppable,
    what: str,
    called: Mapping[str, str],
    reason: str,
    seen_acts: int,
    by: User,
    at: datetime,
    until_at: datetime | None,
) -> None:
    with transaction.atomic():
        note_act(
            case=case,
            what=what,
            seen_acts=seen_acts,
            by=by,
            at=at,
            **called,
            until_at=until_at,
            reason=reason,
        )
        stops.suspend(row=row, why=reason, by=by, at=at, until_at=until_at, case=case.pk)


def _require(is_concerned: bool) -> None:
    if not is_concerned:
        raise Refused("case_changed", "case_subject")


def _redemption_ids(case: Case) -> list[int]:
    signals = case.members.exclude(signal__redemption=None)
    return list(signals.values_list("signal__redemption_id", flat=True))
