"""Two or three people approve what moves much money: the last one decides, each signs once."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from merchants.errors import Refused
from tests.support import cast
from tests.support.cast import DAY, NOON
from vouchers.models import Campaign, Proposal, TermsVersion
from vouchers.queries.campaigns.inbox import count_for, waiting_for
from vouchers.services.campaigns import amendments, lifecycle, proposals
from vouchers.states import CampaignState

pytestmark = pytest.mark.django_db


def three() -> list[User]:
    """Three people who may approve."""
    return [cast.li(), cast.member("xu", "approver"), cast.member("yao", "approver")]


def approve(terms: TermsVersion, by: User) -> None:
    lifecycle.approve(terms=terms, by=by, seen_sha256=bytes(terms.sha256), at=NOON)


def sign(proposal: Proposal, by: User) -> Any:
    return proposals.approve_proposal(
        proposal=proposal, by=by, seen_sha256=bytes(proposal.sha256), at=NOON
    )


def test_terms_are_not_submitted_while_too_few_can_approve(settings: Any) -> None:
    settings.HUIMIN_APPROVERS = (1,)
    with pytest.raises(Refused) as caught:
        lifecycle.submit(campaign=cast.spring_campaign(), by=cast.mei(), at=NOON)
    assert caught.value.refusal.facts == {"able": 1, "needed": 2}


def refused(act: Any, *arguments: Any) -> str:
    with pytest.raises(Refused) as caught:
        act(*arguments)
    return caught.value.refusal.code


@pytest.fixture
def submitted(settings: Any) -> TermsVersion:
    """Terms that promise five million yuan, where three people approve from one million on."""
    settings.HUIMIN_APPROVERS = (100_000, 1_000_000)
    three()
    return lifecycle.submit(campaign=cast.spring_campaign(), by=cast.mei(), at=NOON)


def test_the_last_of_three_approvals_puts_terms_into_force(submitted: TermsVersion) -> None:
    campaign = submitted.campaign
    first, second, third = three()
    for person in (first, second):
        approve(submitted, person)
        campaign.refresh_from_db()
        assert (campaign.state, campaign.terms) == (CampaignState.SUBMITTED, None)
    assert refused(approve, submitted, first) == "already_decided"
    assert refused(approve, submitted, cast.grant(cast.mei(), "approver")) == "approver_edited"
    approve(submitted, third)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.terms) == (CampaignState.APPROVED, submitted)


def test_one_no_is_enough(submitted: TermsVersion) -> None:
    first, second, _third = three()
    approve(submitted, first)
    lifecycle.reject(terms=submitted, by=second, seen_sha256=bytes(submitted.sha256), at=NOON)
    assert Campaign.objects.get(pk=submitted.campaign_id).state == CampaignState.DRAFT
    assert waiting_for(cast.member("yao", "approver")) == []


def test_what_waits_keeps_its_number_when_the_setting_changes(
    submitted: TermsVersion, settings: Any
) -> None:
    settings.HUIMIN_APPROVERS = ()
    approve(submitted, cast.li())
    assert Campaign.objects.get(pk=submitted.campaign_id).state == CampaignState.SUBMITTED


def test_an_amendment_asks_for_as_many_as_the_terms(settings: Any) -> None:
    campaign = cast.running_campaign()
    settings.HUIMIN_APPROVERS = (100_000,)
    ends_at = campaign.ends_at + DAY
    terms = amendments.propose_amendment(campaign=campaign, ends_at=ends_at, by=cast.mei(), at=NOON)
    for person, is_in_force in zip(three()[:2], (False, True), strict=True):
        amendments.approve_amendment(
            terms=terms, by=person, seen_sha256=bytes(terms.sha256), at=NOON
        )
        campaign.refresh_from_db()
        assert (campaign.ends_at == ends_at) == is_in_force


def topping_up(campaign: Campaign, *, by_fen: int) -> Proposal:
    source = campaign.sources.get(code="city")
    return proposals.propose_appropriation(
        source=source,
        expected_fen=source.appropriated_fen,
        target_fen=source.appropriated_fen + by_fen,
        why="minute 12",
        request_id=f"p{by_fen}",
        by=cast.mei(),
        at=NOON,
    )


def test_a_proposal_is_done_with_the_last_signature(settings: Any) -> None:
    campaign = cast.running_campaign()
    settings.HUIMIN_APPROVERS = (1_000,)
    before_fen = campaign.sources.get().appropriated_fen
    small, large = topping_up(campaign, by_fen=99_999), topping_up(campaign, by_fen=100_000)
    assert (small.signatures_needed, large.signatures_needed) == (1, 2)
    first, second, _third = three()
    assert sign(large, first) is None
    assert campaign.sources.get().appropriated_fen == before_fen
    assert refused(sign, large, first) == "already_decided"
    assert sign(large, second).decided_by == second
    assert campaign.sources.get().appropriated_fen == before_fen + 100_000
    assert refused(sign, large, cast.member("yao", "approver")) == "proposal_decided"


def test_a_signature_for_an_impossible_proposal_is_refused(settings: Any) -> None:
    campaign = cast.running_campaign()
    settings.HUIMIN_APPROVERS = (1_000,)
    stale = topping_up(campaign, by_fen=100_000)
    cast.approved(topping_up(campaign, by_fen=1))
    assert refused(sign, stale, cast.li()) == "figure_changed"
    assert not stale.signatures.exists()


def inbox_of(person: User) -> list[Any]:
    """What waits for a person; the side bar counts the same."""
    waiting = waiting_for(person)
    assert count_for(person) == len(waiting)
    return waiting


def test_the_inbox_holds_what_one_neither_wrote_nor_signed(submitted: TermsVersion) -> None:
    first, second, third = three()
    both = cast.grant(cast.mei(), "approver")
    approve(submitted, first)
    (waiting,) = inbox_of(second)
    assert (waiting.subject, waiting.campaign) == (submitted, submitted.campaign)
    assert (waiting.signers, waiting.needed, waiting.amount_fen) == (("li",), 3, 500_000_000)
    assert waiting.author == "mei"
    assert [len(inbox_of(person)) for person in (first, second, both)] == [0, 1, 0]
    for person in (second, third):
        approve(submitted, person)
    lifecycle.launch(campaign=submitted.campaign, by=cast.mei(), at=NOON)
    proposal = topping_up(submitted.campaign, by_fen=10_000_000)
    assert [item.subject for item in inbox_of(first)] == [proposal]
    assert inbox_of(first)[0].amount_fen == 10_000_000
    assert inbox_of(both) == [], "proposed by oneself"
    assert proposal.signatures_needed == 2
    sign(proposal, first)
    assert [len(inbox_of(person)) for person in (first, second)] == [0, 1]
    sign(proposal, second)
    assert inbox_of(third) == []


def test_the_inbox_holds_amendments_of_the_terms_in_force_alone(settings: Any) -> None:
    campaign = cast.running_campaign()
    settings.HUIMIN_APPROVERS = (100_000,)
    first, second, _third = three()
    later = campaign.ends_at + DAY
    terms = amendments.propose_amendment(campaign=campaign, ends_at=later, by=cast.mei(), at=NOON)
    amendments.approve_amendment(terms=terms, by=first, seen_sha256=bytes(terms.sha256), at=NOON)
    assert [item.subject for item in inbox_of(second)] == [terms]
    assert inbox_of(first) == []
    amendments.reject_amendment(
        terms=terms, by=second, seen_sha256=bytes(terms.sha256), at=NOON, comment="no"
    )
    assert [inbox_of(person) for person in three()] == [[], [], []]


def test_what_was_sent_back_waits_for_nobody_until_it_is_submitted_again(
    submitted: TermsVersion,
) -> None:
    first, second, _third = three()
    lifecycle.reject(
        terms=submitted, by=first, seen_sha256=bytes(submitted.sha256), at=NOON, comment="no"
    )
    assert [inbox_of(person) for person in (first, second)] == [[], []]
    again = lifecycle.submit(campaign=submitted.campaign, by=cast.mei(), at=NOON)
    assert [item.subject for item in inbox_of(first)] == [again]
