"""What waits for a person's approval: terms, amendments and proposals, the oldest first."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Count, F, Q, QuerySet

from vouchers.models import Approval, Campaign, Proposal, TermsVersion
from vouchers.rules.campaigns.approvals import proposal_fen, terms_fen
from vouchers.sql.statements import Statement
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


def proposals_waiting() -> QuerySet[Proposal]:
    """Undecided proposals."""
    return Proposal.objects.filter(decision=None)


def count_for(user: User) -> int:
    """How many things wait for a person who may approve: as many as `waiting_for` finds.

    Every page of the admin shows it, so it is one statement that is not put together anew.
    """
    connection.ensure_connection()
    raw = connection.connection
    assert raw is not None
    with connection.wrap_database_errors:
        (count,) = _COUNT.send(raw, {"person": user.pk}).rows()
    return count


_COUNT: Statement[int] = Statement(
    f"""
    SELECT (SELECT count(*)
              FROM vouchers_termsversion v
              JOIN vouchers_campaign c ON c.id = v.campaign_id
             WHERE (v.amends_id IS NULL AND c.state = '{CampaignState.SUBMITTED}'
                    OR v.amends_id = c.terms_id
                       AND c.state IN ({", ".join(f"'{state}'" for state in UNDER_WAY)}))
               AND NOT EXISTS (SELECT FROM vouchers_termsversion newer
                                WHERE newer.campaign_id = v.campaign_id
                                  AND newer.number > v.number)
               AND NOT v.edited_by @> to_jsonb(%(person)s::bigint)
               AND NOT EXISTS (SELECT FROM vouchers_approval a
                                WHERE a.terms_id = v.id
                                  AND (a.decision = '{Approval.Decision.REJECTED}'
                                       OR a.approver_id = %(person)s::bigint))
               AND (SELECT count(*) FROM vouchers_approval a
                     WHERE a.terms_id = v.id AND a.decision = '{Approval.Decision.APPROVED}')
                   < v.signatures_needed)
         + (SELECT count(*)
              FROM vouchers_proposal p
             WHERE p.proposed_by_id <> %(person)s::bigint
               AND NOT EXISTS (SELECT FROM vouchers_proposaldecision d WHERE d.proposal_id = p.id)
               AND NOT EXISTS (SELECT FROM vouchers_proposalsignature s
                                WHERE s.proposal_id = p.id
                                  AND s.signed_by_id = %(person)s::bigint))
    """,
    lambda row: int(row[0]),
)


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
    rows = rows.select_related("campaign").prefetch_related("approvals__approver")
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
