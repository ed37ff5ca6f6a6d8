"""Acts on a campaign's money and risk rules: one person proposes, another approves just that.

An approval does what it approves in its own transaction, by compare-and-swap on the figures in the
document; when a figure has moved it is refused, nothing is written, and the proposal still waits.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext_noop

from merchants.errors import Refused
from vouchers.models import (
    Campaign,
    FundingSource,
    Proposal,
    ProposalDecision,
    ProposalSignature,
)
from vouchers.queries.campaigns.readiness import approvers_needed
from vouchers.queries.campaigns.terms import slice_of
from vouchers.rules.campaigns import proposals as rules
from vouchers.rules.campaigns.approvals import may_sign, proposal_fen
from vouchers.rules.ledger.amounts import check_amount_fen
from vouchers.rules.limits.risk_rules import RiskRule, check_rule, with_rule
from vouchers.services.campaigns import budgets, risk_rules
from vouchers.services.campaigns.lifecycle import DECIDE, lock_campaign
from vouchers.services.campaigns.terms import EDIT
from vouchers.services.history import note
from vouchers.services.refusals import refuse, refused_by_database
from vouchers.services.roles import require_permission
from vouchers.states import Decision, ProposalKind

RISK = "vouchers.add_riskversion"
"""The permission to propose risk rules."""
DONE: Final[Mapping[ProposalKind, str]] = {
    ProposalKind.APPROPRIATION: gettext_noop(
        "appropriation of %(source)s from %(expected_fen)s to %(target_fen)s, proposal %(proposal)s"
    ),
    ProposalKind.REPAYMENT: gettext_noop(
        "%(amount_fen)s of %(source)s back to the treasury under document no. %(document_no)s,"
        " proposal %(proposal)s"
    ),
    ProposalKind.QUOTAS: gettext_noop("quotas changed, proposal %(proposal)s"),
    ProposalKind.RISK_RULES: gettext_noop("risk rules changed, proposal %(proposal)s"),
}
"""What the campaign's history says of a proposal that was carried out."""
FIGURES: Final = frozenset({"source", "expected_fen", "target_fen", "amount_fen", "document_no"})
"""What of a proposal's document stands in it."""


def propose_appropriation(
    *,
    source: FundingSource,
    expected_fen: int,
    target_fen: int,
    why: str,
    request_id: str,
    by: User,
    at: datetime,
) -> Proposal:
    """Top up what a source appropriates, or cut what is free of it.

    Like every proposal: the same request id with the same content is the same proposal, with other
    content `request_id_reused`; `not_permitted`, `why_missing` and `campaign_state` (launched ones
    only). Refuses `amount_…`, `figure_changed`, `nothing_to_change` and `not_free`.
    """
    _check_figures(expected_fen, target_fen)
    figures = {"source": source.code, "expected_fen": expected_fen, "target_fen": target_fen}
    return _propose(source.campaign, ProposalKind.APPROPRIATION, figures, why, request_id, by, at)


def propose_repayment(
    *,
    source: FundingSource,
    expected_free_fen: int,
    amount_fen: int,
    document_no: str,
    why: str,
    request_id: str,
    by: User,
    at: datetime,
) -> Proposal:
    """Return left-over to the treasury (缴回) under a document number.

    Only what is free and has really arrived; what never arrived is cut. Refuses `amount_…`,
    `figure_changed`, `not_free`, `cash_not_received` and `document_no_missing`.
    """
    refuse(check_amount_fen(amount_fen))
    _check_figures(expected_free_fen)
    if not document_no.strip():
        raise Refused("document_no_missing")
    figures = {
        "source": source.code,
        "expected_free_fen": expected_free_fen,
        "amount_fen": amount_fen,
        "document_no": document_no,
    }
    return _propose(source.campaign, ProposalKind.REPAYMENT, figures, why, request_id, by, at)


def propose_quotas(
    *,
    campaign: Campaign,
    changes: Sequence[Mapping[str, Any]],
    why: str,
    request_id: str,
    by: User,
    at: datetime,
) -> Proposal:
    """Move room between quota cells, or resize them: a round from money that has come back, too.

    `changes` are `{"cell": id, "expected": {"fen", "count"}, "target": {"fen", "count"}}`, both
    figures each time, None for unlimited. Refuses `cell_unknown`, `cell_of_appropriation`,
    `figure_changed`, `cap_unlimited`, `cap_below_use`, `cells_do_not_nest`, `nothing_to_change`
    and, for a round that free money would not cover, `not_free`.
    """
    require_permission(by, EDIT, at=at)
    if not changes:
        raise Refused("nothing_to_change")
    figures = {"changes": _with_slices(campaign, changes)}
    return _propose(campaign, ProposalKind.QUOTAS, figures, why, request_id, by, at)


def propose_risk_rule(
    *,
    campaign: Campaign,
    rule: RiskRule,
    expected_version: int,
    why: str,
    request_id: str,
    by: User,
    at: datetime,
) -> Proposal:
    """Another version of the risk rules: those in force with one rule replaced, added or turned
    off. `expected_version` is the number of the version its author saw, 0 before the first.

    A risk officer may propose too. Refuses `risk_rule_invalid`, `figure_changed` and
    `nothing_to_change`.
    """
    require_permission(by, RISK, at=at)
    refuse(check_rule(rule))
    seen = risk_rules.rules_of(campaign, expected_version)
    figures = {"expected_version": expected_version, "rules": with_rule(seen, rule)}
    return _propose(
        campaign, ProposalKind.RISK_RULES, figures, why, request_id, by, at, permission=RISK
    )


def _with_slices(campaign: Campaign, changes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The changes in order of cell, each with its slice, so that people can read them."""
    cells = {cell.pk: cell for cell in budgets.cells_with_names(campaign)}
    listed: list[dict[str, Any]] = []
    for change in changes:
        if change["cell"] not in cells or change["cell"] in {item["cell"] for item in listed}:
            raise Refused("cell_unknown", cell=str(change["cell"]))
        _check_figures(*change["expected"].values(), *change["target"].values())
        listed.append(
            {
                "cell": change["cell"],
                "slice": slice_of(cells[change["cell"]]),
                "expected": dict(change["expected"]),
                "target": dict(change["target"]),
            }
        )
    return sorted(listed, key=lambda item: int(item["cell"]))


def approve_proposal(
    *, proposal: Proposal, by: User, seen_sha256: bytes, at: datetime, comment: str = ""
) -> ProposalDecision | None:
    """Approve the proposal as it was seen. The last approval that is needed decides, and executes
    it in the same transaction; one before it is a signature, and the answer None.

    Refuses `not_permitted`, `proposal_decided`, `approver_proposed`, `already_decided` (to one who
    has signed), `proposal_not_as_seen`, `campaign_state`, and, judged again on the current figures,
    as the proposal was.
    """
    with refused_by_database(), transaction.atomic():
        held, signers = _may_decide(proposal, by, seen_sha256, at)
        if len(signers) + 1 < proposal.signatures_needed:
            # Don't accept a signature for something that can no longer be carried out.
            kind = ProposalKind(proposal.kind)
            budgets.check(campaign=held, kind=kind, document=proposal.document)
            ProposalSignature.objects.create(
                proposal=proposal,
                signed_by=by,
                seen_sha256=seen_sha256,
                comment=comment,
                signed_at=at,
            )
            return None
        decision = _decide(proposal, by, seen_sha256, at, comment, Decision.APPROVED)
        budgets.execute(campaign=held, proposal=proposal, at=at)
        _note(held, proposal, by, at)
    return decision


def _note(campaign: Campaign, proposal: Proposal, by: User, at: datetime) -> None:
    document = proposal.document
    facts = {name: value for name, value in document.items() if name in FIGURES}
    if "source" in facts:
        facts["source"] = campaign.sources.get(code=facts["source"]).name
    what = DONE[ProposalKind(proposal.kind)]
    note(campaign, by=by, what=what, at=at, proposal=proposal.request_id, **facts)


def reject_proposal(
    *, proposal: Proposal, by: User, seen_sha256: bytes, at: datetime, comment: str = ""
) -> ProposalDecision:
    """Say no; nothing is done. Refuses as `approve_proposal` does about who decides on what."""
    with refused_by_database(), transaction.atomic():
        _may_decide(proposal, by, seen_sha256, at)
        return _decide(proposal, by, seen_sha256, at, comment, Decision.REJECTED)


def _check_figures(*figures: object) -> None:
    """Figures are whole and not negative, or None where nothing is capped: only such are hashed."""
    for figure in figures:
        if figure is not None:
            refuse(check_amount_fen(figure, least_fen=0))


def _propose(
    campaign: Campaign,
    kind: ProposalKind,
    figures: Mapping[str, Any],
    why: str,
    request_id: str,
    by: User,
    at: datetime,
    *,
    permission: str = EDIT,
) -> Proposal:
    require_permission(by, permission, at=at)
    if not why.strip():
        raise Refused("why_missing")
    document = {"campaign": campaign.code, "kind": kind.value, "why": why, **figures}
    sha256 = rules.document_sha256(document)
    with refused_by_database(), transaction.atomic():
        held = lock_campaign(campaign.pk)
        proposal = Proposal.objects.filter(request_id=request_id).first()
        if proposal is None:
            budgets.check(campaign=held, kind=kind, document=document)
            proposal, _ = Proposal.objects.get_or_create(
                request_id=request_id,
                defaults={
                    "campaign": held,
                    "kind": kind.value,
                    "document": document,
                    "sha256": sha256,
                    "signatures_needed": _needed(held, kind, document),
                    "why": why,
                    "proposed_by": by,
                    "proposed_at": at,
                },
            )
        if (bytes(proposal.sha256), proposal.proposed_by_id) != (sha256, by.pk):
            raise Refused("request_id_reused", request_id=request_id)
    return proposal


def _needed(campaign: Campaign, kind: ProposalKind, document: Mapping[str, Any]) -> int:
    return approvers_needed(proposal_fen(kind, document, campaign_fen=appropriated_fen(campaign)))


def appropriated_fen(campaign: Campaign) -> int:
    """All that the campaign's sources appropriate."""
    return sum(campaign.sources.values_list("appropriated_fen", flat=True))


def _may_decide(
    proposal: Proposal, by: User, seen_sha256: bytes, at: datetime
) -> tuple[Campaign, set[int]]:
    """The campaign, locked, since decisions on one are taken one at a time; and who has signed."""
    require_permission(by, DECIDE, at=at)
    held = lock_campaign(proposal.campaign_id)
    refuse(
        rules.decide(
            proposer_id=proposal.proposed_by_id,
            approver_id=by.pk,
            sha256=bytes(proposal.sha256),
            seen_sha256=seen_sha256,
            is_decided=ProposalDecision.objects.filter(proposal=proposal).exists(),
        )
    )
    signers = set(proposal.signatures.values_list("signed_by_id", flat=True))
    refuse(may_sign(signers=signers, approver_id=by.pk))
    return held, signers


def _decide(
    proposal: Proposal,
    by: User,
    seen_sha256: bytes,
    at: datetime,
    comment: str,
    decision: Decision,
) -> ProposalDecision:
    return ProposalDecision.objects.create(
        proposal=proposal,
        decided_by=by,
        decision=decision.value,
        seen_sha256=seen_sha256,
        comment=comment,
        decided_at=at,
    )
