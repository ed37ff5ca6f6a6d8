"""A campaign's lifecycle: create, submit, approve, launch, pause, end, settle, close."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Max, QuerySet

from merchants.errors import Refused
from vouchers.models import Approval, Campaign, TermsVersion
from vouchers.models.sandbox import campaign_now
from vouchers.queries.campaigns.readiness import DECIDE as DECIDE
from vouchers.queries.campaigns.readiness import approvers_needed, surroundings_of
from vouchers.queries.campaigns.terms import document_of, parts_of, terms_of
from vouchers.queries.ledger.balances import balances
from vouchers.rules.campaigns import stops
from vouchers.rules.campaigns import terms as rules
from vouchers.rules.campaigns.approvals import may_sign, terms_fen
from vouchers.rules.campaigns.declaration import OPTIONS
from vouchers.rules.campaigns.lifecycle import decide, may_close, may_settle, move
from vouchers.rules.campaigns.readiness import over, unfit
from vouchers.rules.campaigns.zones import known_zones
from vouchers.services.campaigns.events import announce_state
from vouchers.services.campaigns.terms import EDIT, note_edit
from vouchers.services.history import clock, note_state
from vouchers.services.ledger import funding, quotas
from vouchers.services.refusals import refuse, refused_by_database
from vouchers.services.roles import require_permission
from vouchers.services.sandbox import time_in
from vouchers.services.sweeps import for_each
from vouchers.states import AccountKind, CampaignState, SettlementState

PAUSE = "vouchers.pause_campaign"


def create_campaign(*, by: User, at: datetime, **options: Any) -> Campaign:
    """A new draft; `options` are those that `rules/campaigns/declaration` names, the model's
    defaults where they are left out.

    Refuses `not_permitted`, `dates_cross`, and `terms_invalid` for a code in use or an unknown time
    zone (it has no business days); the rest is judged by `submit`.
    """
    require_permission(by, "vouchers.add_campaign", at=at)
    if unknown := sorted(options.keys() - OPTIONS.keys()):
        raise TypeError(f"no option of a campaign: {unknown[0]}")
    campaign = Campaign(**_stored(options), created_by=by, created_at=at)
    if campaign.zone not in known_zones():
        raise Refused(rules.INVALID, "zone_known", zone=campaign.zone)
    with refused_by_database(), transaction.atomic():
        campaign.save(force_insert=True)
        note_edit(campaign=campaign, by=by, what="campaign", at=at)
    return campaign


def _stored(options: Mapping[str, Any]) -> dict[str, Any]:
    """Tuples as the lists that JSON columns give back."""
    return {name: list(v) if isinstance(v, tuple) else v for name, v in options.items()}


def submit(*, campaign: Campaign, by: User, at: datetime) -> TermsVersion:
    """Freeze the terms into an immutable, hashed version that waits for another person's yes.

    Refuses `not_permitted`, `campaign_state`, and the first of what `rules.campaigns.readiness`
    lists against a submission.
    """
    require_permission(by, EDIT, at=at)
    with transaction.atomic():
        held = lock_campaign(campaign.pk)
        _check_move(held, CampaignState.SUBMITTED)
        parts = parts_of(held)
        refuse(next(iter(unfit(terms_of(held, parts), surroundings_of(held, at=at), at=at)), None))
        document = document_of(held, parts)
        last = held.versions.aggregate(last=Max("number"))["last"] or 0
        editors = set(held.edits.values_list("user_id", flat=True))
        terms = TermsVersion.objects.create(
            campaign=held,
            number=last + 1,
            document=document,
            sha256=rules.terms_sha256(document),
            signatures_needed=approvers_needed(terms_fen(document)),
            edited_by=sorted({*editors, held.created_by_id, by.pk}),
            created_at=at,
        )
        _move(campaign, held, CampaignState.SUBMITTED, by=by, at=at)
    return terms


def approve(
    *, terms: TermsVersion, by: User, seen_sha256: bytes, at: datetime, comment: str = ""
) -> Approval:
    """Say yes to exactly the terms seen; with the last approval that is needed they become the
    terms in force.

    Refuses `not_permitted`, `campaign_state`, `approver_edited`, `already_decided` and
    `terms_not_as_seen`.
    """
    with refused_by_database(), transaction.atomic():
        held, approval = _decide(
            terms, by, seen_sha256, at, comment, decision=Approval.Decision.APPROVED
        )
        if is_signed(terms):
            _move(terms.campaign, held, CampaignState.APPROVED, by=by, at=at, terms=terms)
    return approval


def is_signed(terms: TermsVersion) -> bool:
    """Whether as many have approved the terms as are needed."""
    approved = terms.approvals.filter(decision=Approval.Decision.APPROVED)
    return approved.count() >= terms.signatures_needed


def reject(
    *, terms: TermsVersion, by: User, seen_sha256: bytes, at: datetime, comment: str = ""
) -> Approval:
    """Say no; the campaign is a draft again. Refuses as `approve` does."""
    with refused_by_database(), transaction.atomic():
        held, approval = _decide(
            terms, by, seen_sha256, at, comment, decision=Approval.Decision.REJECTED
        )
        _move(terms.campaign, held, CampaignState.DRAFT, by=by, at=at)
    return approval


def reopen(*, campaign: Campaign, by: User, at: datetime) -> None:
    """Take back what was submitted or approved but not launched, to edit it again."""
    require_permission(by, EDIT, at=at)
    _step(campaign, CampaignState.DRAFT, by=by, at=at)


def launch(*, campaign: Campaign, by: User, at: datetime) -> CampaignState:
    """Open the quota cells; running from now, or scheduled where the start is still to come.

    Refuses `not_permitted`, `campaign_state` and, after its end, `campaign_over`.
    """
    require_permission(by, EDIT, at=at)
    with transaction.atomic():
        held = lock_campaign(campaign.pk)
        refuse(over(held.ends_at, at=at))
        state = CampaignState.RUNNING if held.starts_at <= at else CampaignState.SCHEDULED
        _check_move(held, state)
        quotas.open_cells(campaign=held)
        _move(campaign, held, state, by=by, at=at)
    return state


def pause(
    *,
    campaign: Campaign,
    by: User,
    at: datetime,
    why: str = "",
    until_at: datetime | None = None,
) -> None:
    """Stop issuing and redeeming at once; managers and risk officers may. A reason given is kept in
    the campaign's history. It runs on at `until_at`, an instant of the campaign's time, or (None)
    when it is resumed; a pause that has an end can be made longer.

    Refuses `not_permitted`, `campaign_state`, and `stop_over` for an end that has passed.
    """
    require_permission(by, PAUSE, at=at)
    with transaction.atomic():
        held = lock_campaign(campaign.pk)
        refuse(stops.judge_end(until_at, at=time_in(campaign_id=held.pk, at=at)))
        is_paused = held.state == CampaignState.PAUSED
        if not (is_paused and stops.is_longer(until_at, held.paused_until_at)):
            _check_move(held, CampaignState.PAUSED)
        _move(campaign, held, CampaignState.PAUSED, by=by, at=at, why=why, paused_until_at=until_at)


def resume(*, campaign: Campaign, by: User, at: datetime) -> None:
    """Let a paused campaign run on."""
    require_permission(by, EDIT, at=at)
    with transaction.atomic():
        held = lock_campaign(campaign.pk)
        if held.state != CampaignState.PAUSED:
            raise Refused("campaign_state", "arrows", state=held.state, wanted="running")
        _move(campaign, held, CampaignState.RUNNING, by=by, at=at)


def end(*, campaign: Campaign, by: User, at: datetime) -> None:
    """End a campaign; issued vouchers expire with their tranches."""
    require_permission(by, EDIT, at=at)
    _step(campaign, CampaignState.ENDED, by=by, at=at)


def settle(*, campaign: Campaign, by: User, at: datetime) -> None:
    """ENDED → SETTLED: no money is promised, held or owed any more, and no settlement waits for
    cash.

    Refuses `not_permitted`, `campaign_state` and `money_under_way` with the account and amount.
    """
    require_permission(by, EDIT, at=at)
    with transaction.atomic():
        held = lock_campaign(campaign.pk)
        _check_move(held, CampaignState.SETTLED)
        refuse(may_settle(_totals_fen(held), unpaid_fen=_unpaid_fen(held)))
        _move(campaign, held, CampaignState.SETTLED, by=by, at=at)


def close(*, campaign: Campaign, document_no: str, by: User, at: datetime) -> None:
    """SETTLED → CLOSED under a document number: the left-over is repaid (or was cut), no merchant
    owes anything, and no source's cash is left.

    What is refunded later is posted, collected and repaid all the same. Refuses `not_permitted`,
    `campaign_state`, `document_no_missing` and `left_over`.
    """
    require_permission(by, EDIT, at=at)
    if not document_no.strip():
        raise Refused("document_no_missing")
    with transaction.atomic():
        held = lock_campaign(campaign.pk)
        _check_move(held, CampaignState.CLOSED)
        totals_fen = _totals_fen(held)
        refuse(
            may_settle(totals_fen, unpaid_fen=_unpaid_fen(held))
            or may_close(totals_fen, cash_fen=_cash_fen(held))
        )
        _move(campaign, held, CampaignState.CLOSED, by=by, at=at, closing_document_no=document_no)


def _totals_fen(campaign: Campaign) -> dict[AccountKind, int]:
    totals: Counter[AccountKind] = Counter()
    for parts_fen in balances(campaign.pk).values():
        totals.update(parts_fen)
    return totals


def _unpaid_fen(campaign: Campaign) -> list[int]:
    waiting = campaign.settlements.filter(state=SettlementState.READY)
    return list(waiting.values_list("total_fen", flat=True))


def _cash_fen(campaign: Campaign) -> dict[str, int]:
    return {source.code: funding.cash_on_hand_fen(source) for source in campaign.sources.all()}


def start_due(*, at: datetime) -> int:
    """SCHEDULED → RUNNING for campaigns whose start has come, by the clock; returns how many."""
    scheduled = Campaign.objects.filter(state=CampaignState.SCHEDULED)
    due = scheduled.alias(now=campaign_now(at)).filter(starts_at__lte=F("now"))
    return _move_due(due, CampaignState.RUNNING, at=at)


def end_due(*, at: datetime) -> int:
    """RUNNING or PAUSED → ENDED for campaigns whose end has come, by the clock; returns how
    many."""
    alive = [CampaignState.RUNNING, CampaignState.PAUSED]
    running = Campaign.objects.filter(state__in=alive)
    due = running.alias(now=campaign_now(at)).filter(ends_at__lte=F("now"))
    return _move_due(due, CampaignState.ENDED, at=at)


def resume_due(*, at: datetime) -> int:
    """PAUSED → RUNNING for campaigns whose pause is over, by the clock; returns how many."""
    paused = Campaign.objects.filter(state=CampaignState.PAUSED)
    due = paused.alias(now=campaign_now(at)).filter(paused_until_at__lte=F("now"))
    return _move_due(due, CampaignState.RUNNING, at=at)


def _move_due(due: QuerySet[Campaign], state: CampaignState, *, at: datetime) -> int:
    """One transaction per campaign; one that a person moves at the same moment is left alone."""

    def move(campaign_id: int) -> bool:
        with transaction.atomic():
            held = due.select_for_update(no_key=True, of=("self",)).filter(pk=campaign_id).first()
            if held is not None:
                _move(held, held, state, by=clock(), at=at)
        return held is not None

    return sum(for_each(due.order_by("id").values_list("id", flat=True), move))


def _decide(
    terms: TermsVersion,
    by: User,
    seen_sha256: bytes,
    at: datetime,
    comment: str,
    *,
    decision: Approval.Decision,
) -> tuple[Campaign, Approval]:
    require_permission(by, DECIDE, at=at)
    held = lock_campaign(terms.campaign_id)
    if held.state != CampaignState.SUBMITTED:
        raise Refused("campaign_state", "only_submitted", state=held.state)
    newest = held.versions.order_by("-number").first()
    if newest is None or newest.pk != terms.pk:
        raise Refused("terms_not_as_seen", "newest_version")
    refuse(
        decide(
            editors=newest.edited_by,
            approver_id=by.pk,
            sha256=bytes(newest.sha256),
            seen_sha256=seen_sha256,
        )
        or may_sign(signers=signers_of(newest), approver_id=by.pk)
    )
    approval = Approval.objects.create(
        terms=terms,
        approver=by,
        decision=decision,
        seen_sha256=seen_sha256,
        comment=comment,
        decided_at=at,
    )
    return held, approval


def signers_of(terms: TermsVersion) -> set[int]:
    """Who has approved the terms so far, by id."""
    return set(terms.approvals.values_list("approver_id", flat=True))


def lock_campaign(campaign_id: int) -> Campaign:
    """The campaign's row, locked until the caller's commit: edits, state changes and changes of the
    budget of one campaign happen one at a time."""
    return Campaign.objects.select_for_update(no_key=True).get(pk=campaign_id)


def _step(campaign: Campaign, state: CampaignState, *, by: User, at: datetime) -> None:
    with transaction.atomic():
        held = lock_campaign(campaign.pk)
        _check_move(held, state)
        _move(campaign, held, state, by=by, at=at)


def _check_move(held: Campaign, state: CampaignState) -> None:
    refuse(move(CampaignState(held.state), state))


def _move(
    campaign: Campaign,
    held: Campaign,
    state: CampaignState,
    *,
    by: User,
    at: datetime,
    why: str = "",
    **also: Any,
) -> None:
    """Write the new state, keep the caller's instance in step, and leave a line in the history."""
    written = {"state": state.value, "paused_until_at": None, **also}
    for name, value in written.items():
        setattr(held, name, value)
        setattr(campaign, name, value)
    held.save(update_fields=list(written))
    note_state(held, until_at=held.paused_until_at, why=why, by=by, at=at)
    announce_state(held, at=at)
