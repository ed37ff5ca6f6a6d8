"""The admin's acts call the services and say in words what these refuse."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.admin.conftest import signed_in
from tests.support import cast, draft_rows
from tests.support.admin_pages import decide, figures_seen, press, said
from vouchers.models import Approval, Campaign, CashReceipt, Ring, Run, Tier
from vouchers.services.campaigns import lifecycle
from vouchers.states import CampaignState, LimitKind

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft() -> Campaign:
    """A sound draft of today."""
    now = timezone.now()
    return cast.spring_campaign(starts_at=now, ends_at=now + 30 * cast.DAY)


def test_from_draft_to_running_through_the_admin(draft: Campaign) -> None:
    mei, li = signed_in(cast.mei()), signed_in(cast.li())
    press(mei, "submit", draft)
    assert draft.state == CampaignState.SUBMITTED
    decide(li, draft, "approve")
    assert draft.state == CampaignState.APPROVED
    press(mei, "launch", draft)
    assert draft.state == CampaignState.RUNNING
    press(mei, "request_run", draft, seed="abc")
    assert Run.objects.get().requested_by == "mei"
    press(mei, "pause", draft, until="lifted", why="many alerts")
    press(mei, "resume", draft)
    press(mei, "end", draft)
    assert draft.state == CampaignState.ENDED


def test_looking_at_a_dialog_does_nothing(draft: Campaign) -> None:
    address = reverse("admin:vouchers_campaign_submit", args=[draft.pk])
    assert signed_in(cast.mei()).get(address).status_code == 200
    draft.refresh_from_db()
    assert draft.state == CampaignState.DRAFT


def test_a_refusal_is_shown_in_the_users_language(draft: Campaign) -> None:
    Ring.objects.filter(campaign=draft, label="B").delete()
    mei = signed_in(cast.mei())
    mei.cookies.load({"django_language": "en"})
    answer = press(mei, "submit", draft)
    assert said(answer)[-1] == "The rings end at 3000 m but a store reaches 5000 m."
    mei.cookies.load({"django_language": "zh-hans"})
    answer = press(mei, "submit", draft)
    assert "圈层" in said(answer)[-1]
    assert draft.state == CampaignState.DRAFT


def test_an_approver_cannot_approve_what_they_edited(draft: Campaign) -> None:
    cast.member("shen", "approver")
    li = cast.li()
    li = cast.grant(li, "manager")
    draft_rows.add(
        "limits",
        campaign=draft,
        kind=LimitKind.MERCHANT_DAY,
        limit_count=9_999,
        by=li,
        at=timezone.now(),
    )
    press(signed_in(cast.mei()), "submit", draft)
    answer = decide(signed_in(li), draft, "approve")
    assert draft.state == CampaignState.SUBMITTED
    assert not Approval.objects.exists()
    assert said(answer)


def test_a_manager_is_shown_the_terms_but_no_buttons_and_cannot_approve(draft: Campaign) -> None:
    mei = signed_in(cast.mei())
    press(mei, "submit", draft)
    address = reverse("admin:vouchers_campaign_review", args=[draft.pk])
    assert 'value="approve"' not in mei.get(address).content.decode()
    decide(mei, draft, "approve")
    assert draft.state == CampaignState.SUBMITTED


def test_a_decision_binds_to_the_hash_on_the_page(draft: Campaign) -> None:
    press(signed_in(cast.mei()), "submit", draft)
    decide(signed_in(cast.li()), draft, "approve", sha256="0" * 64)
    assert draft.state == CampaignState.SUBMITTED


def test_a_rejected_campaign_is_a_draft_again(draft: Campaign) -> None:
    press(signed_in(cast.mei()), "submit", draft)
    decide(signed_in(cast.li()), draft, "reject")
    assert draft.state == CampaignState.DRAFT


def test_acts_without_permission_are_forbidden(draft: Campaign) -> None:
    audrey = signed_in(cast.member("audrey", "auditor"))
    for act in ("submit", "launch", "pause", "end", "request_run", "receive_cash", "add_stores"):
        address = reverse(f"admin:vouchers_campaign_{act}", args=[draft.pk])
        assert audrey.post(address, {"_form_submitted": "on"}).status_code == 403, act


def test_a_campaign_is_created_as_a_draft_of_the_person_who_saved_it() -> None:
    answer = signed_in(cast.mei()).post(
        reverse("admin:vouchers_campaign_add"),
        {
            "name": "秋季消费券",
            "code": "autumn",
            "zone": "Asia/Shanghai",
            "starts_at_0": "2026-09-01",
            "starts_at_1": "00:00:00",
            "ends_at_0": "2026-10-01",
            "ends_at_1": "00:00:00",
            "validity_s": "7",
            "validity_s_unit": "86400",
            "radius_m": "3000",
            "selection_method": "need",
            "need_weights_need_score": "2",
            "need_weights_age_60": "",
            "need_weights_age_80": "0",
            "need_weights_tags": "3：10， 7: 5",
            "senior_share_bp": "20",
            "small_shop_share_bp": "12.5",
            "hold_out_bp": "0",
            "currency": "cny",
            "refund_policy": "pro_rata",
            "authorise_ttl_s": "10",
            "authorise_ttl_s_unit": "60",
            "anchor_recipients": "audit@city.example, https://seals.example/in",
            "point_kinds": ["home", "work"],
            "order_kinds": [],
            "excluded_categories": "tobacco， prepaid card",
            "audience_age_min": "55",
            "audience_is_registered": "true",
            "audience_streets": "南京东路街道、外滩街道",
            "audience_tags_any": "3, 63",
        },
    )
    assert answer.status_code == 302, answer.context["errors"]
    campaign = Campaign.objects.get()
    assert campaign.created_by == cast.mei()
    assert campaign.validity_s == 7 * 24 * 3600
    assert campaign.authorise_ttl_s == 600
    assert campaign.audience_filter == {
        "age_min": 55,
        "is_registered": True,
        "streets": ["南京东路街道", "外滩街道"],
        "tags_any": [3, 63],
    }
    assert campaign.point_kinds == ["home", "work"]
    shares = (campaign.senior_share_bp, campaign.small_shop_share_bp, campaign.hold_out_bp)
    assert (campaign.selection_method, shares) == ("need", (2_000, 1_250, 0))
    assert campaign.need_weights == {"need_score": 2, "tag_3": 10, "tag_7": 5}
    assert campaign.excluded_categories == ["tobacco", "prepaid card"]
    assert (campaign.currency, campaign.refund_policy) == ("CNY", "pro_rata")
    assert campaign.anchor_recipients == ["audit@city.example", "https://seals.example/in"]
    assert campaign.edits.get().user == cast.mei()


def test_a_source_is_added_and_its_figure_changed(draft: Campaign) -> None:
    mei = signed_in(cast.mei())
    seen = figures_seen(mei, "appropriate", draft)
    press(mei, "appropriate", draft, code="bank", name="银联", target_fen="12345.67", seen=seen)
    assert draft.sources.get(code="bank").appropriated_fen == 1_234_567
    seen = figures_seen(mei, "appropriate", draft)
    press(mei, "appropriate", draft, code="bank", target_fen="12000", seen=seen)
    assert draft.sources.get(code="bank").appropriated_fen == 1_200_000
    assert {edit.user for edit in draft.edits.all()} == {cast.mei()}


def test_a_figure_that_another_officer_has_changed_since_is_not_overwritten(
    draft: Campaign,
) -> None:
    mei, ming = signed_in(cast.mei()), signed_in(cast.member("ming", "manager"))
    seen = figures_seen(mei, "appropriate", draft)
    for officer, target in ((ming, "12000"), (mei, "13000")):
        answer = press(officer, "appropriate", draft, code="city", target_fen=target, seen=seen)
    assert draft.sources.get(code="city").appropriated_fen == 1_200_000
    assert "12000" in said(answer)[-1]


def test_a_source_that_another_officer_has_added_since_is_not_overwritten(draft: Campaign) -> None:
    mei, ming = signed_in(cast.mei()), signed_in(cast.member("ming", "manager"))
    seen = figures_seen(mei, "appropriate", draft)
    for officer, target in ((ming, "12000"), (mei, "13000")):
        more = {"name": "银联", "target_fen": target, "seen": seen}
        press(officer, "appropriate", draft, code="bank", **more)
    assert draft.sources.get(code="bank").appropriated_fen == 1_200_000


@pytest.mark.parametrize("seen", ["", "[]", "x", '{"city": "1"}', '{"city": null}'])
def test_a_dialog_without_the_figures_it_showed_does_nothing(draft: Campaign, seen: str) -> None:
    before_fen = draft.sources.get(code="city").appropriated_fen
    mei = signed_in(cast.mei())
    answer = press(mei, "appropriate", draft, code="city", target_fen="12000", seen=seen)
    assert answer.status_code == 200
    assert draft.sources.get(code="city").appropriated_fen == before_fen


def test_cash_is_recorded_once_per_dialog(draft: Campaign) -> None:
    mei = signed_in(cast.mei())
    source = draft.sources.get(code="city")
    for _ in range(2):
        press(
            mei,
            "receive_cash",
            draft,
            source=source.pk,
            amount_fen="100",
            document_no="D-1",
            request_id="one",
        )
    assert CashReceipt.objects.get().amount_fen == 10_000


def test_stores_of_a_merchant_are_added(draft: Campaign) -> None:
    cast.store("new-one", of=cast.huilian())
    press(
        signed_in(cast.mei()), "add_stores", draft, merchants=[cast.huilian().pk], category="mall"
    )
    assert draft.participations.filter(store__external_id="new-one", category="mall").exists()


def test_weekly_rounds_are_added_in_the_campaigns_own_time(draft: Campaign) -> None:
    press(
        signed_in(cast.mei()),
        "add_weekly_rounds",
        draft,
        first_opens_at_0="2026-04-03",
        first_opens_at_1="10:00",
        open_for_s="2",
        open_for_s_unit="3600",
        weeks="3",
        way="drop",
    )
    assert [(row.number, f"{row.opens_at:%a %H:%M}") for row in draft.rounds.all()] == [
        (1, "Fri 02:00"),
        (2, "Fri 02:00"),
        (3, "Fri 02:00"),
    ]
    assert {row.closes_at - row.opens_at for row in draft.rounds.all()} == {timedelta(hours=2)}


def tier_form(draft: Campaign, **shares: str) -> dict[str, object]:
    """A tier of ¥30 off ¥150 with shares by source code, as the browser sends it."""
    form: dict[str, object] = {
        "campaign": draft.pk,
        "code": "off30",
        "name": "满150减30",
        "kind": "threshold",
        "face_fen": "30",
        "threshold_fen": "150",
        "threshold_basis": "post_discount",
        "per_resident": "1",
        "splits-TOTAL_FORMS": len(shares),
        "splits-INITIAL_FORMS": 0,
    }
    for number, (code, share) in enumerate(shares.items()):
        form[f"splits-{number}-source"] = draft.sources.get(code=code).pk
        form[f"splits-{number}-amount_fen"] = share
    return form


def test_a_tier_is_added_in_yuan_with_shares_that_add_up(draft: Campaign) -> None:
    mei = signed_in(cast.mei())
    answer = mei.post(reverse("admin:vouchers_tier_add"), tier_form(draft, city="29.99"))
    assert answer.status_code == 200
    assert not Tier.objects.filter(code="off30").exists()
    answer = mei.post(reverse("admin:vouchers_tier_add"), tier_form(draft, city="30.00"))
    assert answer.status_code == 302
    assert Tier.objects.get(code="off30").face_fen == 3_000


def test_what_is_posted_after_the_submission_changes_nothing(draft: Campaign) -> None:
    lifecycle.submit(campaign=draft, by=cast.mei(), at=timezone.now())
    tier = draft.tiers.get(code="off20")
    pages = {
        reverse("admin:vouchers_campaign_change", args=[draft.pk]): {"name": "other"},
        reverse("admin:vouchers_tier_change", args=[tier.pk]): {"name": "other"},
        reverse("admin:vouchers_tier_delete", args=[tier.pk]): {"post": "yes"},
    }
    mei, audrey = signed_in(cast.mei()), signed_in(cast.member("audrey", "auditor"))
    for address, form in pages.items():
        answer = mei.post(address, form)
        assert answer.status_code == 302, address
        assert "待审批" in said(answer)[-1]
        assert audrey.post(address, form).status_code == 403
    draft.refresh_from_db()
    tier.refresh_from_db()
    assert (draft.name, tier.name) == ("春季消费券", "满100减20")


def test_the_language_is_switched_from_the_user_menu() -> None:
    mei = signed_in(cast.mei())
    mei.post(reverse("set_language"), {"language": "en", "next": "/admin/"})
    assert "Campaigns" in mei.get("/admin/").content.decode()
    mei.post(reverse("set_language"), {"language": "zh-hans", "next": "/admin/"})
    assert "活动" in mei.get("/admin/").content.decode()
