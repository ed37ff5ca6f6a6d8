"""Amend the terms of a launched campaign: a new version that widens the one in force.

Proposed by one person, approved by another who edited none of it, bound to the hash seen. The
approval changes the campaign's options, limits, stores and terms in force in one commit and extends
vouchers that are still valid; expired vouchers stay expired. Redemptions read limits in their own
transaction, so that the first one after the commit is judged by those raised.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext_noop as _

from merchants.errors import Refused
from merchants.models import Store
from vouchers.models import Approval, Campaign, CampaignStore, TermsVersion, Tranche
from vouchers.models.locks import OWN_TERMS
from vouchers.queries.campaigns.readiness import approvers_needed
from vouchers.rules.campaigns import amendments as rules
from vouchers.rules.campaigns.approvals import may_sign, terms_fen
from vouchers.rules.campaigns.declaration import WIDENED, WIDENED_PARTS
from vouchers.rules.campaigns.lifecycle import decide
from vouchers.rules.campaigns.terms import terms_sha256, written
from vouchers.services.campaigns.lifecycle import (
    DECIDE,
    is_signed,
    lock_campaign,
    signers_of,
)
from vouchers.services.campaigns.terms import EDIT, check_amounts
from vouchers.services.history import note
from vouchers.services.refusals import refuse, refused_by_database
from vouchers.services.roles import require_permission
from vouchers.sql.pipeline import raw_connection
from vouchers.states import CampaignState, LimitKind, TrancheState

AMENDED = (CampaignState.SCHEDULED, CampaignState.RUNNING, CampaignState.PAUSED)


def propose_amendment(
    *,
    campaign: Campaign,
    by: User,
    at: datetime,
    stores: Sequence[Store] = (),
    limits: Mapping[LimitKind, rules.Figures] | None = None,
    **widened: datetime | int | None,
) -> TermsVersion:
    """A new version of the terms in force: greater values of the options that the declaration lets
    widen (None keeps the value), greater figures of limits (None lifts them), and further stores.

    Refuses `not_permitted`, `campaign_state`, `campaign_over`, `nothing_to_change`,
    `amendment_worsens`, `terms_invalid` where a limit would exceed a wider one, and
    `amount_not_whole`, `amount_not_positive` or `amount_too_large` for a figure that is none.
    """
    require_permission(by, EDIT, at=at)
    limits = limits or {}
    check_amounts(*(figure for given in limits.values() for figure in given.values()), least=0)
    with transaction.atomic():
        held = _hold_launched(campaign.pk)
        in_force = _in_force(held)
        document = rules.amended(
            in_force.document,
            widened={
                name: written(value) if isinstance(value, datetime) else value
                for name, value in widened.items()
                if value is not None
            },
            limits=limits,
            stores=[(store.merchant.code, store.external_id) for store in stores],
        )
        refuse(rules.judge(in_force.document, document, at=at))
        last = held.versions.aggregate(last=Max("number"))["last"]
        return TermsVersion.objects.create(
            campaign=held,
            number=last + 1,
            document=document,
            sha256=terms_sha256(document),
            signatures_needed=approvers_needed(terms_fen(document)),
            # Editors of the amended version count as editors of this one.
            edited_by=sorted({*in_force.edited_by, by.pk}),
            amends=in_force,
            created_at=at,
        )


def approve_amendment(
    *, terms: TermsVersion, by: User, seen_sha256: bytes, at: datetime, comment: str = ""
) -> Approval:
    """Say yes to exactly the amendment seen; with the last approval that is needed it is in force
    from the same commit.

    Refuses `not_permitted`, `campaign_state`, `campaign_over`, `approver_edited`,
    `already_decided`, and `terms_not_as_seen` when the hash is another one, or when other terms
    have come into force or have been proposed since.
    """
    with refused_by_database(), transaction.atomic():
        held, approval = _decide(terms, by, seen_sha256, at, comment, Approval.Decision.APPROVED)
        before = _in_force(held).document
        refuse(rules.judge(before, terms.document, at=at))
        if not is_signed(terms):
            return approval
        # Waits for the minting under way and keeps the next one back until the commit.
        OWN_TERMS.send(raw_connection(), {"campaign_id": held.pk}).rows()
        for name in WIDENED:
            column: Any = Campaign._meta.get_field(name)
            setattr(held, name, column.to_python(terms.document["campaign"][name]))
        held.terms = terms
        held.save(update_fields=[*WIDENED, "terms"])
        _raise_limits(held, terms.document["limits"])
        _let_join(held, rules.joining_stores(before, terms.document), at)
        _lengthen(held, at)
        note(
            held, by=by, what=_("amended terms v%(version)s in force"), at=at, version=terms.number
        )
    return approval


def reject_amendment(
    *, terms: TermsVersion, by: User, seen_sha256: bytes, at: datetime, comment: str = ""
) -> Approval:
    """Say no; the terms in force stay. Refuses as `approve_amendment` does about who decides."""
    with refused_by_database(), transaction.atomic():
        _, approval = _decide(terms, by, seen_sha256, at, comment, Approval.Decision.REJECTED)
    return approval


def _hold_launched(campaign_id: int) -> Campaign:
    held = lock_campaign(campaign_id)
    if held.state not in AMENDED:
        raise Refused("campaign_state", "launched", state=held.state)
    return held


def _in_force(campaign: Campaign) -> TermsVersion:
    assert campaign.terms is not None  # of every launched campaign: approved_campaign_has_terms
    return campaign.terms


def _decide(
    terms: TermsVersion,
    by: User,
    seen_sha256: bytes,
    at: datetime,
    comment: str,
    decision: Approval.Decision,
) -> tuple[Campaign, Approval]:
    require_permission(by, DECIDE, at=at)
    held = _hold_launched(terms.campaign_id)
    newest = held.versions.order_by("-number").first()
    if newest != terms or terms.amends_id != held.terms_id:
        raise Refused("terms_not_as_seen", "newest_version")
    if is_signed(terms) or terms.approvals.filter(decision=Approval.Decision.REJECTED).exists():
        raise Refused("already_decided", "one_decision")
    refuse(
        decide(
            editors=terms.edited_by,
            approver_id=by.pk,
            sha256=bytes(terms.sha256),
            seen_sha256=seen_sha256,
        )
        or may_sign(signers=signers_of(terms), approver_id=by.pk)
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


def _raise_limits(campaign: Campaign, said: Sequence[rules.Document]) -> None:
    """Each limit as the terms now in force say it; the database compares them."""
    rows = {row.kind: row for row in campaign.limits.all()}
    for one in said:
        row = rows[LimitKind[one["kind"].upper()].value]
        figures = {name: one[name] for name in WIDENED_PARTS["limits"].widened}
        changed = [name for name, figure in figures.items() if getattr(row, name) != figure]
        for name in changed:
            setattr(row, name, figures[name])
        if changed:
            row.save(update_fields=changed)


def _let_join(campaign: Campaign, joining: Sequence[rules.Numbered], at: datetime) -> None:
    stores = Store.objects.select_related("merchant").filter(
        merchant__code__in={code for code, _ in joining},
        external_id__in={number for _, number in joining},
    )
    wanted = set(joining)
    CampaignStore.objects.bulk_create(
        CampaignStore(campaign=campaign, store=store, valid_from_at=at)
        for store in stores.order_by("id")
        if (store.merchant.code, store.external_id) in wanted
    )


def _lengthen(campaign: Campaign, at: datetime) -> None:
    """What is still good stays good for as long as it would have been minted for now."""
    live = (
        Tranche.objects.select_for_update(no_key=True, of=("self",))
        .select_related("round")
        .filter(campaign=campaign, state=TrancheState.OUTSTANDING, valid_until_at__gt=at)
    )
    longer = []
    for tranche in live.order_by("id"):
        until_at = rules.valid_until_at(
            # Claimed vouchers are valid as long after the round as minted ones after minting.
            valid_from_at=tranche.valid_from_at if tranche.shard_id else _closes_at(tranche),
            valid_until_at=tranche.valid_until_at,
            validity_s=campaign.validity_s,
            ends_at=campaign.ends_at,
        )
        if until_at > tranche.valid_until_at:
            tranche.valid_until_at = until_at
            longer.append(tranche)
    Tranche.objects.bulk_update(longer, ["valid_until_at"], batch_size=500)


def _closes_at(tranche: Tranche) -> datetime:
    claimed = tranche.round
    assert claimed is not None  # claimed_tranche_has_a_round
    return claimed.closes_at
