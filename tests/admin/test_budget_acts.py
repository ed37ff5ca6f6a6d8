"""A launched campaign's money in the admin: proposed by one person, decided by another."""

from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from tests.admin.conftest import signed_in
from tests.support import cast, till
from tests.support.admin_pages import decide, figures_seen, press, said
from vouchers.models import Campaign, Hold, Proposal, Redemption, Tranche
from vouchers.queries.ledger.balances import balances
from vouchers.services.campaigns import lifecycle
from vouchers.states import AccountKind, CampaignState, Decision, RedemptionState

pytestmark = pytest.mark.django_db

TEN_YUAN_FEN = 1_000


@pytest.fixture
def campaign() -> Campaign:
    """Running as of now, paid for by the city alone."""
    now = timezone.now()
    return cast.running_campaign(at=now, starts_at=now - cast.DAY, ends_at=now + 30 * cast.DAY)


def topped_up(campaign: Campaign, **fields: Any) -> Proposal:
    """Mei's proposal that the city appropriates ten yuan more."""
    city, mei = campaign.sources.get(), signed_in(cast.mei())
    press(
        mei,
        "propose_appropriation",
        campaign,
        source=city.pk,
        target_fen=f"{(city.appropriated_fen + TEN_YUAN_FEN) / 100:.2f}",
        why="ten yuan more",
        request_id="r-1",
        seen=figures_seen(mei, "propose_appropriation", campaign),
        **fields,
    )
    return Proposal.objects.get()


def free_fen(campaign: Campaign) -> int:
    return balances(campaign.pk)["city"][AccountKind.FREE]


def test_a_top_up_is_proposed_by_one_and_done_by_anothers_yes(campaign: Campaign) -> None:
    before_fen = free_fen(campaign)
    proposal = topped_up(campaign)
    assert free_fen(campaign) == before_fen
    decide(signed_in(cast.li()), proposal, "approve")
    assert free_fen(campaign) == before_fen + TEN_YUAN_FEN
    assert proposal.decision.decision == Decision.APPROVED


def test_a_dialog_opened_before_another_officers_change_is_refused_with_both_figures(
    campaign: Campaign,
) -> None:
    ming, city = signed_in(cast.member("ming", "manager")), campaign.sources.get()
    seen = figures_seen(ming, "propose_appropriation", campaign)
    decide(signed_in(cast.li()), topped_up(campaign), "approve")
    answer = press(
        ming,
        "propose_appropriation",
        campaign,
        source=city.pk,
        target_fen="9000000",
        why="what the district adds",
        request_id="r-9",
        seen=seen,
    )
    now_fen = city.appropriated_fen + TEN_YUAN_FEN
    assert Proposal.objects.count() == 1
    text = said(answer)[-1]
    assert f"{city.appropriated_fen // 100}" in text
    assert f"{now_fen // 100}" in text


def test_a_repayment_goes_by_what_was_free_when_its_dialog_was_opened(campaign: Campaign) -> None:
    ming, city = signed_in(cast.member("ming", "manager")), campaign.sources.get()
    seen = figures_seen(ming, "propose_repayment", campaign)
    till.issue_vouchers(campaign, [cast.alice()], at=timezone.now())
    given = {"source": city.pk, "amount_fen": "1", "document_no": "Z-2", "why": "left over"}
    answer = press(ming, "propose_repayment", campaign, request_id="r-8", seen=seen, **given)
    assert not Proposal.objects.exists()
    assert f"{free_fen(campaign) // 100}" in said(answer)[-1]


def test_a_no_changes_nothing(campaign: Campaign) -> None:
    before_fen = free_fen(campaign)
    proposal = topped_up(campaign)
    decide(signed_in(cast.li()), proposal, "reject")
    assert free_fen(campaign) == before_fen
    assert proposal.decision.decision == Decision.REJECTED


def test_the_proposer_sees_no_buttons_and_cannot_decide(campaign: Campaign) -> None:
    mei = cast.mei()
    mei = cast.grant(mei, "approver")
    proposal = topped_up(campaign)
    client = signed_in(type(mei).objects.get(pk=mei.pk))
    address = reverse("admin:vouchers_proposal_review", args=[proposal.pk])
    assert 'value="approve"' not in client.get(address).content.decode()
    answer = decide(client, proposal, "approve")
    assert said(answer)
    assert not hasattr(Proposal.objects.get(), "decision")


def test_a_decision_on_something_else_is_refused(campaign: Campaign) -> None:
    proposal = topped_up(campaign)
    decide(signed_in(cast.li()), proposal, "approve", sha256="0" * 64)
    assert not hasattr(Proposal.objects.get(), "decision")


def test_a_quota_grows_by_what_another_gives(campaign: Campaign) -> None:
    now = timezone.now()
    draft = cast.spring_campaign(
        code="capped",
        starts_at=now,
        ends_at=now + 9 * cast.DAY,
        tier_counts={"off20": 100, "off50": 100},
    )
    capped = cast.launched(draft, at=now + cast.DAY / 24)
    origin, target = capped.cells.filter(tier__isnull=False).order_by("tier__face_fen")
    mei = signed_in(cast.mei())
    press(
        mei,
        "propose_room",
        capped,
        origin=origin.pk,
        target=target.pk,
        count="40",
        why="the fifties go faster",
        request_id="r-2",
        seen=figures_seen(mei, "propose_room", capped),
    )
    ming = signed_in(cast.member("ming", "manager"))
    seen = figures_seen(ming, "propose_room", capped)
    decide(signed_in(cast.li()), Proposal.objects.get(), "approve")
    late = {"origin": origin.pk, "target": target.pk, "count": "10", "why": "more", "seen": seen}
    answer = press(ming, "propose_room", capped, request_id="r-4", **late)
    assert Proposal.objects.count() == 1, "its figures were those before the approval"
    assert said(answer)
    caps = [cell.cap_count for cell in capped.cells.filter(tier__isnull=False).order_by("id")]
    assert sorted(filter(None, caps)) == [60, 140]


def test_an_amendment_lets_vouchers_live_longer(campaign: Campaign) -> None:
    till.issue_vouchers(campaign, [cast.alice()], at=timezone.now())
    last_day = timezone.localtime(campaign.ends_at).date() + 10 * cast.DAY
    press(signed_in(cast.mei()), "amend", campaign, ends_on=last_day.isoformat())
    address = reverse("admin:vouchers_campaign_review", args=[campaign.pk])
    li = signed_in(cast.li())
    shown = li.get(address).context["sha256"]
    before = campaign.ends_at
    li.post(address, {"decision": "approve", "seen_sha256": shown})
    campaign.refresh_from_db()
    assert campaign.ends_at > before
    assert campaign.terms is not None
    assert campaign.terms.number == 2
    assert Tranche.objects.get().valid_until_at <= campaign.ends_at


def test_a_refused_amendment_names_the_end_in_the_campaigns_zone(campaign: Campaign) -> None:
    ends_at = timezone.localtime(campaign.ends_at)
    with timezone.override("America/New_York"):
        day = (ends_at - 2 * cast.DAY).date().isoformat()
        answer = press(signed_in(cast.mei()), "amend", campaign, ends_on=day)
    assert date_format(ends_at, "DATETIME_FORMAT") in said(answer)[-1]


def test_money_left_over_is_repaid_and_the_books_are_closed(campaign: Campaign) -> None:
    mei, li = signed_in(cast.mei()), signed_in(cast.li())
    press(mei, "end", campaign)
    press(mei, "settle", campaign)
    assert campaign.state == CampaignState.SETTLED
    answer = press(mei, "close", campaign, document_no="Z-1")
    assert campaign.state == CampaignState.SETTLED, "its money is still there"
    assert said(answer)
    city = campaign.sources.get()
    press(
        mei,
        "propose_appropriation",
        campaign,
        source=city.pk,
        target_fen="0",
        why="none of it ever arrived",
        request_id="r-3",
        seen=figures_seen(mei, "propose_appropriation", campaign),
    )
    decide(li, Proposal.objects.get(), "approve")
    press(mei, "close", campaign, document_no="Z-1")
    assert (campaign.state, campaign.closing_document_no) == (CampaignState.CLOSED, "Z-1")


def test_a_redemption_is_held_and_released(campaign: Campaign) -> None:
    now = timezone.now()
    (voucher,) = till.issue_vouchers(campaign, [cast.alice()], at=now)
    assert till.answer_to(till.order(voucher, cast.nanjing_road(), cast.alice(), at=now))[0] == 201
    redemption = Redemption.objects.get()
    ren = signed_in(cast.ren())
    address = reverse("admin:vouchers_redemption_hold", args=[redemption.pk])
    ren.post(address, {"_form_submitted": "on", "reason": "looks odd"})
    hold = Hold.objects.get()
    assert (hold.opened_by, hold.reason) == ("ren", "looks odd")
    assert balances(campaign.pk)["city"][AccountKind.RISK_HELD] == redemption.discount_fen
    address = reverse("admin:vouchers_hold_release", args=[hold.pk])
    assert signed_in(cast.mei()).post(address, {"_form_submitted": "on"}).status_code == 403
    ren.post(address, {"_form_submitted": "on"})
    hold.refresh_from_db()
    assert hold.released_by == "ren"
    assert balances(campaign.pk)["city"][AccountKind.RISK_HELD] == 0
    ren.post(
        reverse("admin:vouchers_redemption_hold", args=[redemption.pk]),
        {"_form_submitted": "on", "reason": "looks odd again"},
    )
    again = Hold.objects.exclude(pk=hold.pk).get()
    ren.post(
        reverse("admin:vouchers_hold_call_back", args=[again.pk]),
        {"_form_submitted": "on", "reason": "nobody was there"},
    )
    redemption.refresh_from_db()
    assert redemption.state == RedemptionState.REVERSED
    city = balances(campaign.pk)["city"]
    assert (city[AccountKind.RISK_HELD], city[AccountKind.PAYABLE]) == (0, 0)


def test_acts_on_money_need_their_permission(campaign: Campaign) -> None:
    audrey = signed_in(cast.member("audrey", "auditor"))
    for act in ("propose_appropriation", "propose_room", "propose_repayment", "amend", "settle"):
        address = reverse(f"admin:vouchers_campaign_{act}", args=[campaign.pk])
        assert audrey.post(address, {"_form_submitted": "on"}).status_code == 403, act
    assert lifecycle.DECIDE not in audrey.get(reverse("admin:index")).content.decode()
