"""Before the launch: the launch list, the review, and what differs between versions of terms."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.admin.conftest import signed_in
from tests.admin.test_setup import address, save
from tests.support import cast
from vouchers.admin.faults import FAULTS
from vouchers.models import Campaign
from vouchers.queries.campaigns.inbox import came_back
from vouchers.services.campaigns import amendments, lifecycle

pytestmark = pytest.mark.django_db


def test_the_launch_list_submits_and_launches(draft: Campaign, mei: Client) -> None:
    page = address(draft, "launch_list")
    assert "300" not in mei.get(page).context["said"][0]
    mei.post(page, {"act": "submit"})
    version = draft.versions.get()
    assert "冻结" in mei.get(page).content.decode()
    lifecycle.approve(
        terms=version, by=cast.li(), seen_sha256=bytes(version.sha256), at=timezone.now()
    )
    mei.post(page, {"act": "launch"})
    draft.refresh_from_db()
    assert draft.state == "running"
    assert mei.post(page, {"act": "end"}).status_code == 403
    assert signed_in(cast.li()).post(page, {"act": "submit"}).status_code == 403


def test_author_and_approver_read_the_same_terms_under_the_same_hash(
    draft: Campaign, mei: Client
) -> None:
    before = mei.get(address(draft, "launch_list"))
    mei.post(address(draft, "launch_list"), {"act": "submit"})
    review = reverse("admin:vouchers_campaign_review", args=[draft.pk])
    frozen = signed_in(cast.li()).get(review)
    assert frozen.context["sha256"] == before.context["sha256"]
    assert [table["rows"] for table in frozen.context["tables"]] == [
        table["rows"] for table in before.context["tables"]
    ]
    for page in (before, frozen):
        assert page.context["sha256"] in page.content.decode()
        assert "nanjing_road (nanjing_road)" in page.content.decode()
        assert page.context["said"]


def test_a_rejection_reaches_the_author_with_its_comment(draft: Campaign, mei: Client) -> None:
    version = lifecycle.submit(campaign=draft, by=cast.mei(), at=timezone.now())
    lifecycle.reject(
        terms=version,
        by=cast.li(),
        seen_sha256=bytes(version.sha256),
        comment="too many of off150",
        at=timezone.now(),
    )
    pages = (address(draft), address(draft, "launch_list"), reverse("admin:index"))
    for page in pages:
        assert "too many of off150" in mei.get(page).content.decode(), page
    lifecycle.submit(campaign=draft, by=cast.mei(), at=timezone.now())
    assert "too many of off150" not in mei.get(reverse("admin:index")).content.decode()


def test_a_rejected_amendment_is_no_rejected_draft(draft: Campaign, mei: Client) -> None:
    now = timezone.now()
    campaign = cast.launched(draft, at=now)
    version = amendments.propose_amendment(
        campaign=campaign, ends_at=campaign.ends_at + cast.DAY, by=cast.mei(), at=now
    )
    amendments.reject_amendment(
        terms=version,
        by=cast.li(),
        seen_sha256=bytes(version.sha256),
        comment="not so long",
        at=now,
    )
    assert not came_back().exists()


def test_a_street_that_is_not_on_file_is_worth_a_look(draft: Campaign, mei: Client) -> None:
    cast.street([(121.4, 31.1), (121.5, 31.1), (121.5, 31.3), (121.4, 31.1)])
    save(mei, draft, "audience", **{"audience-audience_streets": "外滩, 不存在路"})
    cautions = mei.get(address(draft, "launch_list")).context["panel"].cautions
    assert [line.target for line in cautions if "不存在路" in line.text] == [
        "field-id_audience-audience_streets"
    ]
    assert not [line for line in cautions if "外滩" in line.text]


def test_the_launch_list_blocks_with_reasons(draft: Campaign, mei: Client) -> None:
    draft.participations.all().delete()
    User.objects.filter(username="li").update(is_active=False)
    page = mei.get(address(draft, "launch_list"))
    assert [line.target for line in page.context["panel"].missing] == ["stores", ""]
    assert not page.context["next"].get("act")
    answer = mei.post(address(draft, "launch_list"), {"act": "submit"}, follow=True)
    draft.refresh_from_db()
    assert draft.state == "draft"
    assert str(FAULTS["has_stores"]) in answer.content.decode()


def test_changes_between_versions_are_named(draft: Campaign, mei: Client) -> None:
    lifecycle.submit(campaign=draft, by=cast.mei(), at=timezone.now())
    lifecycle.reopen(campaign=draft, by=cast.mei(), at=timezone.now())
    save(mei, draft, "basics", **{"basics-name": "新名"})
    save(mei, draft, "tiers", **{"tiers-0-count": "9", "tiers-0-name": "满100减二十"})
    page = mei.get(address(draft, "changes"))
    text = page.content.decode()
    assert "<del>春季消费券</del>" in text
    assert "<ins>新名</ins>" in text
    assert "满100减二十" in text
    same = mei.get(address(draft, "changes"), {"before": "1", "after": "1"})
    assert not same.context["options"]
    assert not same.context["parts"]
    assert mei.get(address(draft, "changes"), {"before": "x"}).context["before"] == "1"
