"""What waits for a person's approval: terms, amendments and proposals, the oldest first; and what
came back to its author."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import Count, F, Q, QuerySet

from vouchers.models import Approval, Campaign, Proposal, TermsVersion
from vouchers.rules.campaigns.approvals import proposal_fen, terms_fen
from vouchers.states import CampaignState, ProposalKind

UNDER_WAY = (CampaignState.SCHEDULED, CampaignState.RUNNING, CampaignState.PAUSED)


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing to decide on: what it is about, since when it waits, how much money it moves, and
    who of how many has approved it."""

    subject: TermsVersion | Proposal
    campaign: Campaign
    since_at: datetime
    author: str
    amount_fen: int
    signers: tuple[str, ...]
    needed: int


def terms_waiting() -> QuerySet[TermsVersion]:
    """Undecided versions: of submitted campaigns the newest, and amendments of the terms in
    force."""
    approvals = Count("approvals", filter=Q(approvals__decision=Approval.Decision.APPROVED))
    undecided = TermsVersion.objects.alias(approved=approvals).filter(
        ~Q(approvals__decision=Approval.Decision.REJECTED), approved__lt=F("signatures_needed")
    )
    is_submitted = Q(amends=None, campaign__state=CampaignState.SUBMITTED)
    is_amendment = Q(amends=F("campaign__terms"), campaign__state__in=UNDER_WAY)
    newest = TermsVersion.objects.order_by("campaign_id", "-number").distinct("campaign_id")
    return undecided.filter(is_submitted | is_amendment, pk__in=newest.values("pk"))


def came_back() -> QuerySet[Approval]:
    """Rejections of drafts' newest versions: what their authors have to look at, with the comment
    of who rejected."""
    newest = TermsVersion.objects.order_by("campaign_id", "-number").distinct("campaign_id")
    return Approval.objects.filter(
        decision=Approval.Decision.REJECTED,
        terms__campaign__state=CampaignState.DRAFT,
        terms__in=newest.values("pk"),
    ).select_related("approver", "terms__campaign")


def proposals_waiting() -> QuerySet[Proposal]:
    """Undecided proposals."""
    return Proposal.objects.filter(decision=None)


def count_for(user: User) -> int:
    """How many things wait for a person who may approve."""
    return _terms_for(user).count() + _proposals_for(user).count()


def waiting_for(user: User) -> list[Waiting]:
    """What waits for a person who may approve: not what they edited, proposed or signed."""
    found = [*_of_terms(_terms_for(user)), *_of_proposals(_proposals_for(user))]
    return sorted(found, key=lambda item: item.since_at)


def _terms_for(user: User) -> QuerySet[TermsVersion]:
    rows = terms_waiting().exclude(edited_by__contains=user.pk)
    return rows.exclude(pk__in=Approval.objects.filter(approver=user).values("terms_id"))


def _proposals_for(user: User) -> QuerySet[Proposal]:
    return proposals_waiting().exclude(proposed_by=user).exclude(signatures__signed_by=user)


def _of_terms(rows: QuerySet[TermsVersion]) -> Iterator[Waiting]:
    rows = rows.select_related("campaign", "amends").prefetch_related("approvals__approver")
    names = dict(
        User.objects.filter(
            pk__in={editor for row in rows for editor in row.edited_by}
        ).values_list("id", "username")
    )
    for row in rows:
        yield Waiting(
            subject=row,
            campaign=row.campaign,
            since_at=row.created_at,
            author=", ".join(names.get(editor, "") for editor in row.edited_by),
            amount_fen=terms_fen(row.document),
            signers=tuple(it.approver.get_username() for it in row.approvals.all()),
            needed=row.signatures_needed,
        )


def _of_proposals(rows: QuerySet[Proposal]) -> Iterator[Waiting]:
    rows = rows.select_related("campaign", "proposed_by").prefetch_related(
        "signatures__signed_by", "campaign__sources"
    )
    for row in rows:
        whole_fen = sum(source.appropriated_fen for source in row.campaign.sources.all())
        kind = ProposalKind(row.kind)
        yield Waiting(
            subject=row,
            campaign=row.campaign,
            since_at=row.proposed_at,
            author=row.proposed_by.get_username(),
            amount_fen=proposal_fen(kind, row.document, campaign_fen=whole_fen),
            signers=tuple(it.signed_by.get_username() for it in row.signatures.all()),
            needed=row.signatures_needed,
        )
