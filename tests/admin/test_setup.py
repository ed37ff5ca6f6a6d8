"""A draft is set up on one page: sections that save alone, a panel that is true, nothing lost."""

import re
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from tests.admin.conftest import signed_in
from tests.support import cast
from tests.support.admin_pages import fields_of
from vouchers.admin.campaigns.setup.panel import SECTION_OF, panel_of
from vouchers.admin.campaigns.setup.sections import BY_KEY, SECTIONS
from vouchers.admin.faults import FAULTS
from vouchers.models import Campaign
from vouchers.rules.campaigns import readiness
from vouchers.rules.campaigns.declaration import CAMPAIGN, Until
from vouchers.rules.campaigns.presets import PRESETS
from vouchers.services.audience.preview import last_preview
from vouchers.services.campaigns import lifecycle
from vouchers.services.campaigns.drafts import newest_edit

pytestmark = pytest.mark.django_db


def address(campaign: Campaign, page: str = "set_up") -> str:
    return reverse(f"admin:vouchers_campaign_{page}", args=[campaign.pk])


def opened(client: Client, campaign: Campaign, key: str) -> dict[str, Any]:
    """What a browser sends of a section that was not changed; the page itself is not rendered."""
    request = RequestFactory().get("/")
    request.user = User.objects.get(pk=client.session["_auth_user_id"])
    page = admin.site.get_model_admin(Campaign)
    with timezone.override(ZoneInfo(campaign.zone)):
        fresh = Campaign.objects.get(pk=campaign.pk)
        shown = BY_KEY[key].build(page, request, fresh, None)
        sent: dict[str, Any] = {"section": key, "seen_edit": newest_edit(campaign)}
        for form in [shown.form] if shown.form else []:
            sent |= fields_of(form)
        for table in shown.tables:
            sent |= fields_of(table.rows.management_form)
            for form in table.rows.forms:
                sent |= fields_of(form)
        return {name: as_typed(value) for name, value in sent.items()}


def as_typed(value: Any) -> Any:
    """As the browser's own field for a time has it."""
    if not isinstance(value, datetime):
        return value
    return value.strftime("%Y-%m-%dT%H:%M:%S")


def save(client: Client, campaign: Campaign, key: str, **typed: Any) -> Any:
    return client.post(address(campaign), opened(client, campaign, key) | typed)


def saved(answer: Any) -> None:
    assert answer.status_code == 302, problems(answer)


def problems(answer: Any) -> str:
    """Why the section was not saved."""
    assert answer.status_code == 200
    return " ".join(problem.text for problem in answer.context["sent"].problems)


def test_an_untouched_section_changes_nothing(draft: Campaign, mei: Client) -> None:
    before = draft.edits.count()
    for section in SECTIONS:
        if section.key == "stores":
            continue
        assert save(mei, draft, section.key).status_code == 302, section.key
    assert draft.edits.count() == before


def test_every_option_that_a_draft_may_change_has_its_field_once(
    draft: Campaign, mei: Client
) -> None:
    context = mei.get(address(draft)).context
    forms = [one["shown"].form for one in context["sections"] if one["shown"].key != "stores"]
    names = [name for form in forms if form for name in form.fields]
    wanted = {
        option.name
        for option in CAMPAIGN
        if option.until is not Until.CREATED and option.name != "audience_filter"
    }
    assert len(names) == len(set(names))
    assert wanted == {name for name in names if not name.startswith("audience_")}


def test_options_and_rows_of_a_section_are_saved_in_one_edit(draft: Campaign, mei: Client) -> None:
    typed = {
        "audience-radius_m": "4500",
        "audience-audience_age_min": "60",
        "rings-0-label": "内圈",
    }
    assert save(mei, draft, "audience", **typed).status_code == 302
    draft.refresh_from_db()
    assert (draft.radius_m, draft.audience_filter) == (4500, {"age_min": 60})
    assert draft.rings.order_by("from_m").values_list("label", flat=True)[0] == "内圈"
    assert draft.edits.latest("id").what == "campaign, rings"


def test_sources_and_tiers_are_typed_in_rows(draft: Campaign, mei: Client) -> None:
    source = {
        "sources-1-code": "group",
        "sources-1-name": "集团",
        "sources-1-appropriated_fen": "500",
    }
    assert save(mei, draft, "money", **source).status_code == 302
    tier = {
        "tiers-3-code": "off9", "tiers-3-name": "立减9", "tiers-3-kind": "flat",
        "tiers-3-face_fen": "9", "tiers-3-count": "50",
        "tiers-3-share_city": "4", "tiers-3-share_group": "5",
    }  # fmt: skip
    saved(save(mei, draft, "tiers", **tier))
    made = draft.tiers.get(code="off9")
    assert {share.source.code: share.amount_fen for share in made.splits.all()} == {
        "city": 400,
        "group": 500,
    }
    assert draft.cells.get(tier=made).cap_count == 50
    off = save(mei, draft, "tiers", **{"tiers-0-share_city": "1"})
    assert "¥" in problems(off)
    saved(save(mei, draft, "tiers", **{"tiers-0-DELETE": "on"}))
    assert draft.tiers.count() == 3


def test_times_are_typed_on_the_clocks_of_the_campaign(draft: Campaign, mei: Client) -> None:
    begins, ends = (draft.starts_at.astimezone(), draft.ends_at.astimezone())
    typed = {
        "rounds-0-number": "1", "rounds-0-opens_at": f"{begins + cast.DAY:%Y-%m-%d}T10:00",
        "rounds-0-closes_at": f"{ends - cast.DAY:%Y-%m-%d}T10:30", "rounds-0-way": "claim",
    }  # fmt: skip
    assert save(mei, draft, "rounds", **typed).status_code == 302
    held = draft.rounds.get()
    assert f"{held.opens_at:%H:%M} {held.closes_at:%H:%M}" == "02:00 02:30"
    assert "T10:00" in mei.get(address(draft)).content.decode()


def test_stores_come_by_merchant_and_leave_by_merchant(draft: Campaign, mei: Client) -> None:
    rival = cast.rival_shop().merchant
    assert save(mei, draft, "stores", **{"stores-merchants": [rival.pk]}).status_code == 302
    assert draft.participations.filter(store__merchant=rival).count() == 1
    page = mei.get(address(draft))
    sent = {"section": "stores", "seen_edit": page.context["seen_edit"], "leave": str(rival.pk)}
    assert mei.post(address(draft), sent).status_code == 302
    assert draft.participations.count() == 3
    assert "汇联百货" in page.content.decode()


def test_a_refusal_stands_in_its_section_and_in_the_summary(draft: Campaign, mei: Client) -> None:
    typed = {"basics-ends_at": "2020-01-01T10:00"}
    answer = save(mei, draft, "basics", **typed)
    assert "结束" in problems(answer)
    page = answer.content.decode()
    assert "2020-01-01T10:00" in page
    assert 'href="#field-id_basics-ends_at"' in page
    draft.refresh_from_db()
    assert draft.ends_at.year > 2020


def test_the_second_editor_sees_the_first_ones_change_and_loses_nothing(
    draft: Campaign, mei: Client
) -> None:
    noor = signed_in(cast.member("noor", "manager"))
    old = opened(noor, draft, "audience")
    save(mei, draft, "audience", **{"audience-radius_m": "4500", "rings-1-DELETE": "on"})
    typed = old | {"audience-radius_m": "4000", "audience-audience_streets": "外滩街道"}
    answer = noor.post(address(draft), typed)
    page = answer.content.decode()
    sent = answer.context["sent"]
    assert sent.is_overtaken
    assert ("4500", "4000") in {(kept, typed) for _name, kept, typed in sent.unlike}
    assert "mei · 活动选项, 圈层" in page, "what the other person touched, in words"
    assert "外滩街道" in page
    draft.refresh_from_db()
    assert (draft.radius_m, draft.audience_filter) == (4500, {})
    again = {**typed, "seen_edit": newest_edit(draft), "rings-INITIAL_FORMS": "1"}
    del again["rings-1-id"]
    assert noor.post(address(draft), again).status_code == 302
    draft.refresh_from_db()
    assert (draft.radius_m, draft.audience_filter) == (4000, {"streets": ["外滩街道"]})


def test_the_back_button_brings_no_older_choices_back(draft: Campaign, mei: Client) -> None:
    """Nor does a second click: what was sent twice is there once, and the page says why."""
    old = opened(mei, draft, "audience")
    saved(save(mei, draft, "audience", **{"audience-radius_m": "4500", "rings-1-DELETE": "on"}))
    answer = mei.post(address(draft), old | {"audience-radius_m": "3500"})
    assert answer.context["sent"].is_overtaken
    tier = opened(mei, draft, "tiers") | {
        "tiers-3-code": "off9", "tiers-3-name": "立减9", "tiers-3-kind": "flat",
        "tiers-3-face_fen": "9", "tiers-3-count": "50",
    }  # fmt: skip
    saved(mei.post(address(draft), tier))
    assert mei.post(address(draft), tier).context["sent"].is_overtaken
    draft.refresh_from_db()
    assert (draft.radius_m, draft.tiers.filter(code="off9").count()) == (4_500, 1)


def folded(answer: Any) -> dict[str, bool]:
    """By section whether it is open."""
    text = answer.content.decode()
    return {
        section.key: re.search(rf'data-fold open>\s*<summary[^>]* id="fold-{section.key}"', text)
        is not None
        for section in SECTIONS
    }


def test_a_section_is_open_where_something_is_missing_or_wrong(
    draft: Campaign, mei: Client
) -> None:
    assert not any(folded(mei.get(address(draft))).values())
    refused = save(mei, draft, "basics", **{"basics-ends_at": "2020-01-01T10:00"})
    assert [key for key, is_open in folded(refused).items() if is_open] == ["basics"]
    draft.participations.all().delete()
    save(mei, draft, "tiers", **{"tiers-0-count": "11"})
    is_open = folded(mei.get(address(draft)))
    assert [key for key in is_open if is_open[key]] == ["tiers", "stores"]


def test_the_panel_says_what_is_missing_and_where(draft: Campaign, mei: Client) -> None:
    assert mei.get(address(draft)).context["panel"].is_ready
    draft.participations.all().delete()
    save(mei, draft, "tiers", **{"tiers-0-count": "11"})
    context = mei.get(address(draft)).context
    missing = {line.target for line in context["panel"].missing}
    assert missing == {"stores", "tiers"}
    assert context["panel"].left == "−¥20.00"


@pytest.mark.parametrize("fit", ["counts", "budget"])
def test_a_button_of_the_panel_makes_it_fit(draft: Campaign, mei: Client, fit: str) -> None:
    save(mei, draft, "tiers", **{"tiers-0-count": "9"})
    sent = {"fit": fit, "seen_edit": newest_edit(draft)}
    assert mei.post(address(draft), sent).status_code == 302
    panel = panel_of(draft, at=timezone.now())
    assert panel.budget.is_exact
    old = mei.post(address(draft), {"fit": fit, "seen_edit": "1"})
    assert old.context["sent"].is_overtaken
    assert mei.post(address(draft), {"fit": "face"}).context["sent"].problems


def test_the_reach_is_that_of_the_last_preview(draft: Campaign, mei: Client) -> None:
    cast.alice()
    assert last_preview(draft) is None
    mei.get(reverse("admin:vouchers_campaign_preview", args=[draft.pk]))
    reach = last_preview(draft)
    assert reach is not None
    assert (reach.targeted, reach.is_current) == (0, True), "one resident fills no square"
    save(mei, draft, "audience", **{"audience-radius_m": "4000", "rings-1-DELETE": "on"})
    reach = last_preview(draft)
    assert reach is not None
    assert not reach.is_current


def test_the_page_of_a_campaign_that_was_submitted_says_so(draft: Campaign, mei: Client) -> None:
    form = opened(mei, draft, "basics") | {"basics-name": "新名"}
    lifecycle.submit(campaign=draft, by=cast.mei(), at=timezone.now())
    answer = mei.post(address(draft), form, follow=True)
    assert "待审批" in answer.content.decode()
    draft.refresh_from_db()
    assert draft.name == "春季消费券"


def test_set_up_pages_need_the_permission(draft: Campaign) -> None:
    for person in (cast.li(), User.objects.create_user("nemo", is_staff=True)):
        client = signed_in(person)
        for answer in (client.get(address(draft)), client.post(address(draft), {"fit": "budget"})):
            assert answer.status_code == 403


@pytest.mark.parametrize("sent", [{}, {"section": "x"}, {"section": "tiers"}, {"fit": "counts"}])
def test_what_no_page_sends_is_refused_in_words(
    draft: Campaign, mei: Client, sent: dict[str, str]
) -> None:
    edits = draft.edits.count()
    for seen in ("", "x", "9" * 40):
        answer = mei.post(address(draft), sent | {"seen_edit": seen})
        assert answer.status_code == 200
        assert answer.context["sent"]
    assert draft.edits.count() == edits


def test_a_preset_makes_a_draft_that_wants_nothing_but_stores(mei: Client) -> None:
    page = reverse("admin:vouchers_campaign_presets")
    cards = mei.get(page).content.decode()
    assert all(preset.title.zh in cards for preset in PRESETS)
    sent = {"preset": "sports", "name": "体育", "code": "sports", "starts_at": "2030-05-01T10:00"}
    answer = mei.post(page, sent)
    made = Campaign.objects.get(code="sports")
    assert answer["Location"] == address(made)
    cast.li()
    panel = panel_of(made, at=timezone.now())
    assert [line.target for line in panel.missing] == ["stores"]
    again = mei.post(page, sent)
    assert again.status_code == 200
    assert "code" in again.context["form"].errors
    assert signed_in(cast.li()).get(page).status_code == 403


def test_a_campaign_is_copied_to_another_time(draft: Campaign, mei: Client) -> None:
    page = address(draft, "clone")
    sent = {"name": "秋季", "code": "autumn", "starts_at": "2030-09-01T10:00"}
    assert mei.get(page).status_code == 200
    assert mei.post(page, sent)["Location"] == address(Campaign.objects.get(code="autumn"))
    assert "code" in mei.post(page, sent).context["form"].errors


def test_every_fault_says_in_which_section_it_is_mended() -> None:
    """But those of an option, whose section the declaration names, of polygons and of people."""
    folder = Path(readiness.__file__).parent
    source = "".join((folder / name).read_text() for name in ("soundness.py", "readiness.py"))
    found = set(re.findall(r'(?:_fault\(|(?:INVALID|DATES_CROSS|NEST),)\s*"(\w+)"', source))
    elsewhere = {"at_least", "at_most", "enough_approve", "cash_arrived", "tried_in_sandbox"}
    assert found - elsewhere == SECTION_OF.keys()
    assert found <= FAULTS.keys()
    assert set(SECTION_OF.values()) <= {section.key for section in SECTIONS}


def test_choices_are_restated_in_the_readers_language(draft: Campaign, mei: Client) -> None:
    page = mei.get(address(draft), headers={"accept-language": "en"}).content.decode()
    assert "within 5,000 m of any of 3 stores gets 1 voucher “满100减20”" in page
    assert "usable for 14 days, 3 times a day, 10 times in all." in page
    chinese = mei.get(address(draft), headers={"accept-language": "zh-hans"}).content.decode()
    assert "居住地在 3 家门店任一家 5,000 米以内的居民，得 1 张“满100减20”" in chinese
