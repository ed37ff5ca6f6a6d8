"""A campaign from draft to end: what is frozen, who decides, and what is refused."""

import json

import pytest
from django.contrib.admin.models import LogEntry
from django.db import DatabaseError, connection, transaction

from merchants.errors import Refused
from tests.support import cast, draft_rows
from tests.support.cast import DAY, NOON
from vouchers.models import Approval, Campaign, Ring, TermsVersion, Tier
from vouchers.queries.ledger.balances import balances
from vouchers.rules.campaigns.terms import terms_sha256
from vouchers.services.campaigns import lifecycle, terms
from vouchers.services.history import clock
from vouchers.services.ledger import transfers
from vouchers.states import AccountKind, CampaignState, LimitKind

pytestmark = pytest.mark.django_db


def submitted() -> TermsVersion:
    """The spring campaign, submitted by Mei."""
    return lifecycle.submit(campaign=cast.spring_campaign(), by=cast.mei(), at=NOON)


def refused_code(refused: pytest.ExceptionInfo[Refused]) -> tuple[str, str]:
    """Code and rule of a refusal."""
    return refused.value.refusal.code, refused.value.refusal.rule


def test_a_submission_freezes_every_promise_under_its_hash() -> None:
    version = submitted()
    version.refresh_from_db()
    assert version.number == 1
    assert bytes(version.sha256) == terms_sha256(version.document)
    assert [tier["code"] for tier in version.document["tiers"]] == ["off150", "off20", "off50"]
    assert version.document["tiers"][1]["shares_fen"] == {"city": 2_000}
    assert [store["store"] for store in version.document["stores"]] == [
        "closed_shop",
        "nanjing_road",
        "xujiahui",
    ]
    assert version.edited_by == [cast.mei().pk]
    assert version.campaign.state == CampaignState.SUBMITTED


def test_terms_with_a_fault_are_not_submitted() -> None:
    campaign = cast.spring_campaign(
        limits={LimitKind.RESIDENT_DAY: 3, LimitKind.RESIDENT_CAMPAIGN: 2},
    )
    with pytest.raises(Refused) as refused:
        lifecycle.submit(campaign=campaign, by=cast.mei(), at=NOON)
    assert refused_code(refused) == ("terms_invalid", "limits_nest")
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.DRAFT
    assert not campaign.versions.exists()


def test_an_approval_puts_the_terms_in_force() -> None:
    version = submitted()
    lifecycle.approve(terms=version, by=cast.li(), seen_sha256=bytes(version.sha256), at=NOON)
    campaign = Campaign.objects.get()
    assert (campaign.state, campaign.terms) == (CampaignState.APPROVED, version)


def test_no_editor_approves_what_they_edited() -> None:
    li_edits, _other = cast.li(), cast.member("shen", "approver")
    campaign = cast.spring_campaign()
    li_edits = cast.grant(li_edits, "manager")
    li_edits = type(li_edits).objects.get(pk=li_edits.pk)
    draft_rows.add(
        "limits",
        campaign=campaign,
        kind=LimitKind.MERCHANT_DAY,
        limit_count=9_999,
        by=li_edits,
        at=NOON,
    )
    version = lifecycle.submit(campaign=campaign, by=cast.mei(), at=NOON)
    with pytest.raises(Refused) as refused:
        lifecycle.approve(terms=version, by=li_edits, seen_sha256=bytes(version.sha256), at=NOON)
    assert refused_code(refused) == ("approver_edited", "another_person")
    assert not Approval.objects.exists()


def test_the_database_too_refuses_an_approval_by_an_editor() -> None:
    version = submitted()
    with pytest.raises(DatabaseError, match="cannot decide"), transaction.atomic():
        Approval.objects.create(
            terms=version,
            approver=cast.mei(),
            decision=Approval.Decision.APPROVED,
            seen_sha256=version.sha256,
            decided_at=NOON,
        )


def test_a_manager_cannot_approve_at_all() -> None:
    version = submitted()
    other = cast.member("wu", "manager")
    with pytest.raises(Refused) as refused:
        lifecycle.approve(terms=version, by=other, seen_sha256=bytes(version.sha256), at=NOON)
    assert refused_code(refused) == ("not_permitted", "vouchers.add_approval")


def test_an_approver_cannot_edit() -> None:
    campaign = cast.spring_campaign()
    with pytest.raises(Refused) as refused:
        draft_rows.add(
            "rings", campaign=campaign, label="C", from_m=5000, to_m=6000, by=cast.li(), at=NOON
        )
    assert refused_code(refused) == ("not_permitted", "vouchers.change_campaign")


def test_a_decision_is_bound_to_the_terms_seen() -> None:
    version = submitted()
    with pytest.raises(Refused) as refused:
        lifecycle.approve(terms=version, by=cast.li(), seen_sha256=bytes(32), at=NOON)
    assert refused_code(refused) == ("terms_not_as_seen", "seen_hash")


def test_an_older_version_can_no_longer_be_approved() -> None:
    first = submitted()
    lifecycle.reopen(campaign=first.campaign, by=cast.mei(), at=NOON)
    draft_rows.add(
        "limits",
        campaign=first.campaign,
        kind=LimitKind.MERCHANT_DAY,
        limit_count=9_999,
        by=cast.mei(),
        at=NOON,
    )
    second = lifecycle.submit(campaign=first.campaign, by=cast.mei(), at=NOON)
    assert second.number == 2
    with pytest.raises(Refused) as refused:
        lifecycle.approve(terms=first, by=cast.li(), seen_sha256=bytes(first.sha256), at=NOON)
    assert refused_code(refused) == ("terms_not_as_seen", "newest_version")


def test_a_rejection_makes_it_a_draft_again_with_the_comment_kept() -> None:
    version = submitted()
    lifecycle.reject(
        terms=version,
        by=cast.li(),
        seen_sha256=bytes(version.sha256),
        comment="too few stores",
        at=NOON,
    )
    assert Campaign.objects.get().state == CampaignState.DRAFT
    assert Approval.objects.get().comment == "too few stores"


def test_terms_cannot_be_edited_after_submission() -> None:
    campaign = submitted().campaign
    with pytest.raises(Refused) as refused:
        draft_rows.add(
            "rings", campaign=campaign, label="C", from_m=5000, to_m=6000, by=cast.mei(), at=NOON
        )
    assert refused_code(refused) == ("campaign_state", "only_in_draft")


@pytest.mark.parametrize(
    "edit",
    [
        lambda: Tier.objects.filter(code="off20").update(per_resident=9),
        lambda: Ring.objects.filter(label="A").delete(),
        lambda: Campaign.objects.update(radius_m=99_000),
    ],
)
def test_the_database_too_refuses_edits_after_submission(edit: object) -> None:
    submitted()
    with pytest.raises(DatabaseError), transaction.atomic():
        edit()  # type: ignore[operator]


def test_what_was_edited_cannot_be_unsaid() -> None:
    campaign = cast.spring_campaign()
    with pytest.raises(DatabaseError), transaction.atomic():
        campaign.edits.all().delete()


def test_a_source_appropriates_as_it_is_added() -> None:
    campaign = cast.spring_campaign(funding=cast.CO_FUNDED)
    figures = dict(campaign.sources.values_list("code", "appropriated_fen"))
    assert figures == {"city": 300_000_000, "group": 200_000_000}
    assert {kind for _, kind in transfers.account_ids(campaign.pk)} == set(AccountKind)


def test_a_tiers_shares_must_add_up_to_its_face() -> None:
    campaign = cast.spring_campaign()
    with pytest.raises(Refused) as refused:
        terms.add_tier(
            campaign=campaign,
            code="odd",
            name="odd",
            face_fen=100,
            threshold_fen=200,
            split={"city": 99},
            by=cast.mei(),
            at=NOON,
        )
    assert refused_code(refused) == ("terms_invalid", "shares_add_up")
    assert not Tier.objects.filter(code="odd").exists()


def test_a_code_in_use_is_refused_by_its_constraint() -> None:
    campaign = cast.spring_campaign()
    with pytest.raises(Refused) as refused:
        draft_rows.add(
            "rings", campaign=campaign, label="A", from_m=5000, to_m=6000, by=cast.mei(), at=NOON
        )
    assert refused_code(refused) == ("terms_invalid", "one_ring_per_label")


def test_a_launched_campaign_runs_with_its_cells_open() -> None:
    campaign = cast.running_campaign(tier_counts={"off20": 10})
    assert campaign.state == CampaignState.RUNNING
    cell = campaign.cells.get(tier__code="off20")
    assert cell.buckets.get().headroom_count == 10


def test_a_launch_before_the_start_is_scheduled_and_starts_when_due() -> None:
    campaign = cast.spring_campaign(starts_at=NOON + DAY)
    cast.launched(campaign, at=NOON)
    assert campaign.state == CampaignState.SCHEDULED
    assert lifecycle.start_due(at=NOON) == 0
    assert lifecycle.start_due(at=NOON + DAY) == 1
    assert lifecycle.end_due(at=campaign.ends_at) == 1
    assert Campaign.objects.get().state == CampaignState.ENDED


def test_start_and_end_by_the_clock_stand_in_the_history() -> None:
    campaign = cast.launched(cast.spring_campaign(starts_at=NOON + DAY), at=NOON)
    lifecycle.start_due(at=NOON + DAY)
    lifecycle.end_due(at=campaign.ends_at)
    lines = [
        (line.user.username, line.action_time, line.change_message)
        for line in LogEntry.objects.filter(object_id=str(campaign.pk)).order_by("-id")[:2]
    ]
    assert [(who, when) for who, when, _ in lines] == [
        ("clock", campaign.ends_at),
        ("clock", NOON + DAY),
    ]
    assert "ended" in lines[0][2]
    assert "running" in lines[1][2]
    assert not clock().is_active
    assert not clock().has_usable_password()


def test_the_clock_starts_a_campaign_once() -> None:
    cast.launched(cast.spring_campaign(starts_at=NOON + DAY), at=NOON)
    assert lifecycle.start_due(at=NOON + DAY) == 1
    assert lifecycle.start_due(at=NOON + DAY) == 0
    assert LogEntry.objects.filter(user__username="clock").count() == 1


def test_a_draft_cannot_be_launched() -> None:
    campaign = cast.spring_campaign()
    with pytest.raises(Refused) as refused:
        lifecycle.launch(campaign=campaign, by=cast.mei(), at=NOON)
    assert refused_code(refused) == ("campaign_state", "arrows")


def test_pause_resume_end() -> None:
    campaign = cast.running_campaign()
    lifecycle.pause(campaign=campaign, by=cast.member("ren", "risk officer"), at=NOON)
    assert campaign.state == CampaignState.PAUSED
    lifecycle.resume(campaign=campaign, by=cast.mei(), at=NOON)
    assert campaign.state == CampaignState.RUNNING
    lifecycle.end(campaign=campaign, by=cast.mei(), at=NOON)
    assert Campaign.objects.get().state == CampaignState.ENDED
    with pytest.raises(Refused):
        lifecycle.resume(campaign=campaign, by=cast.mei(), at=NOON)


def test_the_document_says_money_in_fen_and_time_in_utc() -> None:
    document = submitted().document
    text = json.dumps(document)
    assert '"starts_at": "2026-03-17T04:00:00Z"' in text
    assert '"appropriated_fen": 500000000' in text


def test_deferred_constraints_hold_after_setting_up() -> None:
    campaign = cast.spring_campaign(funding=cast.CO_FUNDED)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    free_fen = {source: fen[AccountKind.FREE] for source, fen in balances(campaign.pk).items()}
    assert free_fen == {"city": 300_000_000, "group": 200_000_000}
