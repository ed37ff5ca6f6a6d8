"""One person proposes, another approves exactly that, and it is done in the same commit."""

import pytest
from django.contrib.admin.models import LogEntry
from django.db import DatabaseError, transaction

from merchants.errors import Refused
from tests.support import cast
from tests.support.cast import NOON
from tests.support.history import in_words
from vouchers.models import Campaign, Proposal, ProposalDecision, Transfer
from vouchers.queries.ledger.balances import balances
from vouchers.rules.campaigns.proposals import document_sha256
from vouchers.services.campaigns import proposals
from vouchers.services.ledger import funding, transfers
from vouchers.states import AccountKind, Cause, TransferReason

pytestmark = pytest.mark.django_db

BUDGET_FEN = 500_000_000


@pytest.fixture(scope="module")
def standing(rows_of_module: None) -> Campaign:
    return cast.running_campaign()


@pytest.fixture
def campaign(standing: Campaign) -> Campaign:
    return Campaign.objects.get(pk=standing.pk)


def top_up(campaign: Campaign, *, by_fen: int = 1_000, request_id: str = "top-up") -> Proposal:
    """Mei asks for more from the city."""
    return proposals.propose_appropriation(
        source=campaign.sources.get(code="city"),
        expected_fen=BUDGET_FEN,
        target_fen=BUDGET_FEN + by_fen,
        why="Council minute 12",
        request_id=request_id,
        by=cast.mei(),
        at=NOON,
    )


def refused_code(refused: pytest.ExceptionInfo[Refused]) -> str:
    return refused.value.refusal.code


def free_fen(campaign: Campaign) -> int:
    return balances(campaign.pk)["city"][AccountKind.FREE]


def test_a_proposal_says_what_is_seen_what_is_wanted_and_why_under_a_hash(
    campaign: Campaign,
) -> None:
    proposal = top_up(campaign)
    assert proposal.document == {
        "campaign": "spring-2026",
        "kind": "appropriation",
        "source": "city",
        "expected_fen": BUDGET_FEN,
        "target_fen": BUDGET_FEN + 1_000,
        "why": "Council minute 12",
    }
    assert bytes(proposal.sha256) == document_sha256(proposal.document)


def test_nothing_moves_until_another_person_approves(campaign: Campaign) -> None:
    proposal = top_up(campaign)
    assert free_fen(campaign) == BUDGET_FEN
    decision = cast.approved(proposal)
    assert free_fen(campaign) == BUDGET_FEN + 1_000
    assert campaign.sources.get(code="city").appropriated_fen == BUDGET_FEN + 1_000
    assert (decision.decided_by, decision.decision) == (cast.li(), "approved")
    transfer = Transfer.objects.latest("id")
    assert (transfer.reason, transfer.cause, transfer.cause_id) == (
        TransferReason.APPROPRIATE,
        Cause.PROPOSAL,
        proposal.pk,
    )


def test_what_was_done_stands_in_the_campaigns_history_with_the_person(campaign: Campaign) -> None:
    cast.approved(top_up(campaign))
    entry = LogEntry.objects.latest("id")
    assert (entry.user, entry.object_id) == (cast.li(), str(campaign.pk))
    assert in_words(entry) == (
        "Appropriation of 市财政 from ¥5,000,000.00 to ¥5,000,010.00, proposal top-up"
    )


def test_no_proposer_decides_on_their_own_proposal_even_with_both_roles(campaign: Campaign) -> None:
    proposal = top_up(campaign)
    both = cast.mei()
    both = cast.grant(both, "approver")
    both = type(both).objects.get(pk=both.pk)
    for decide in (proposals.approve_proposal, proposals.reject_proposal):
        with pytest.raises(Refused) as refused:
            decide(proposal=proposal, by=both, seen_sha256=bytes(proposal.sha256), at=NOON)
        assert refused_code(refused) == "approver_proposed"
    assert not ProposalDecision.objects.exists()
    assert free_fen(campaign) == BUDGET_FEN


def test_the_database_too_refuses_a_decision_on_ones_own_proposal(campaign: Campaign) -> None:
    proposal = top_up(campaign)
    with pytest.raises(DatabaseError, match="cannot decide"), transaction.atomic():
        ProposalDecision.objects.create(
            proposal=proposal,
            decided_by=cast.mei(),
            decision="approved",
            seen_sha256=proposal.sha256,
            decided_at=NOON,
        )


def test_a_decision_is_bound_to_what_was_seen(campaign: Campaign) -> None:
    proposal = top_up(campaign)
    with pytest.raises(Refused) as refused:
        proposals.approve_proposal(proposal=proposal, by=cast.li(), seen_sha256=bytes(32), at=NOON)
    assert refused_code(refused) == "proposal_not_as_seen"


def test_a_manager_cannot_approve_and_an_approver_cannot_propose(campaign: Campaign) -> None:
    proposal = top_up(campaign)
    with pytest.raises(Refused) as refused:
        proposals.approve_proposal(
            proposal=proposal,
            by=cast.member("wu", "manager"),
            seen_sha256=bytes(proposal.sha256),
            at=NOON,
        )
    assert refused_code(refused) == "not_permitted"
    with pytest.raises(Refused) as refused:
        proposals.propose_quotas(
            campaign=campaign, changes=[{}], why="", request_id="x", by=cast.li(), at=NOON
        )
    assert refused_code(refused) == "not_permitted"


def test_a_proposal_is_decided_once(campaign: Campaign) -> None:
    proposal = top_up(campaign)
    cast.approved(proposal)
    for decide in (proposals.approve_proposal, proposals.reject_proposal):
        with pytest.raises(Refused) as refused:
            decide(proposal=proposal, by=cast.li(), seen_sha256=bytes(proposal.sha256), at=NOON)
        assert refused_code(refused) == "proposal_decided"
    assert free_fen(campaign) == BUDGET_FEN + 1_000


def test_a_rejected_proposal_does_nothing_and_keeps_its_comment(campaign: Campaign) -> None:
    proposal = top_up(campaign)
    proposals.reject_proposal(
        proposal=proposal,
        by=cast.li(),
        seen_sha256=bytes(proposal.sha256),
        comment="not this year",
        at=NOON,
    )
    assert ProposalDecision.objects.get().comment == "not this year"
    assert free_fen(campaign) == BUDGET_FEN
    with pytest.raises(Refused):
        cast.approved(proposal)


def test_the_same_request_is_the_same_proposal_also_once_it_is_done(campaign: Campaign) -> None:
    first = top_up(campaign)
    assert top_up(campaign) == first
    cast.approved(first)
    assert top_up(campaign) == first
    assert Proposal.objects.count() == 1


def test_a_request_id_with_other_content_or_of_another_person_is_refused(
    campaign: Campaign,
) -> None:
    top_up(campaign)
    with pytest.raises(Refused) as refused:
        top_up(campaign, by_fen=2_000)
    assert refused_code(refused) == "request_id_reused"
    assert Proposal.objects.count() == 1


def test_of_two_proposals_on_one_figure_the_second_approval_is_refused_and_waits(
    campaign: Campaign,
) -> None:
    first, second = top_up(campaign), top_up(campaign, by_fen=5_000, request_id="another")
    cast.approved(first)
    with pytest.raises(Refused) as refused:
        cast.approved(second)
    assert refused_code(refused) == "figure_changed"
    assert free_fen(campaign) == BUDGET_FEN + 1_000
    assert not ProposalDecision.objects.filter(proposal=second).exists()


def test_a_draft_needs_no_proposal_and_a_launched_campaign_nothing_else(campaign: Campaign) -> None:
    draft = cast.spring_campaign(code="draft")
    with pytest.raises(Refused) as refused:
        top_up(draft)
    assert refused_code(refused) == "campaign_state"
    running = campaign
    with pytest.raises(Refused) as refused:
        funding.appropriate(
            source=running.sources.get(code="city"),
            expected_fen=BUDGET_FEN,
            target_fen=BUDGET_FEN + 1,
            at=NOON,
        )
    assert refused_code(refused) == "campaign_state"
    assert free_fen(running) == BUDGET_FEN


def test_the_database_takes_no_money_for_a_proposal_without_approval(campaign: Campaign) -> None:
    proposal = top_up(campaign)
    with pytest.raises(DatabaseError, match="not approved"), transaction.atomic():
        funding.appropriate(
            source=campaign.sources.get(code="city"),
            expected_fen=BUDGET_FEN,
            target_fen=BUDGET_FEN + 1_000,
            proposal_id=proposal.pk,
            at=NOON,
        )


def test_the_database_lets_a_source_fund_only_a_draft(campaign: Campaign) -> None:
    source = campaign.sources.get(code="city")
    with pytest.raises(DatabaseError, match="only a draft"), transaction.atomic():
        transfers.post_move(
            source,
            1_000,
            (Cause.SOURCE, source.pk),
            NOON,
            reason=TransferReason.APPROPRIATE,
            arrow=(AccountKind.APPROPRIATED, AccountKind.FREE),
        )
    assert free_fen(campaign) == BUDGET_FEN
