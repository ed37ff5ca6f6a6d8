"""A campaign is set up in a browser, from its preset to its submission; nothing typed is lost."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect
from pytest_django.plugin import DjangoDbBlocker

from tests.browser.axe import grave_faults
from tests.browser.conftest import (
    PASSWORD,
    Open,
    keep_picture,
    sign_in,
    watched_pages,
    with_password,
)
from tests.browser.test_live import ENVIRONMENT
from tests.support import cast, database
from tests.support.web_server import Server, serving
from vouchers.models import Campaign
from vouchers.services.audience.preview import last_preview
from vouchers.services.campaigns.drafts import edit_campaign, newest_edit


@dataclass(frozen=True)
class Office:
    """A server, and the two people who edit drafts."""

    server: Server
    mei: User
    noor: User


@pytest.fixture(scope="module")
def office(
    process_environment: dict[str, str], browser: Browser, django_db_blocker: DjangoDbBlocker
) -> Iterator[Office]:
    with django_db_blocker.unblock():
        for store in (cast.nanjing_road(), cast.xujiahui(), cast.rival_shop()):
            assert store.pk
        for number in range(20):
            cast.resident(f"near{number}")
        cast.li()
        mei, noor = with_password(cast.mei()), cast.member("noor", "manager")
        with serving({**process_environment, **ENVIRONMENT}) as server:
            yield Office(server, mei, noor)
        database.restore()


@pytest.fixture
def pages(office: Office, browser: Browser) -> Iterator[Open]:
    with watched_pages(browser, office.server.url) as open_page:
        yield open_page


def begun(page: Page, code: str, card: str) -> Campaign:
    """A draft of a preset; the page shows its set-up."""
    page.goto("/admin/vouchers/campaign/presets/")
    page.get_by_label(card).check()
    page.get_by_label("Name").fill("May vouchers")
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Make the draft").click()
    expect(page.locator("[data-setup][data-ready]")).to_be_visible()
    return Campaign.objects.get(code=code)


def test_a_campaign_from_its_preset_to_its_submission(office: Office, pages: Open) -> None:
    cast.member("xu", "approver")  # so much money needs two
    page = pages(office.mei)
    draft = begun(page, "dining", "Dining tiers")
    panel = page.locator("#hm-panel")
    expect(panel).to_contain_text("No store takes part yet.")

    panel.get_by_role("link", name="No store takes part yet.").click()
    page.get_by_label("汇联百货").check()
    page.get_by_role("button", name="Add these stores").click()
    expect(panel).to_contain_text("Nothing: it can be submitted.")

    number = page.locator("#tiers").get_by_label("Vouchers", exact=True).first
    number.fill("480001")
    page.get_by_label("radius around stores", exact=False).focus()
    expect(panel).to_contain_text("−¥90.00")
    expect(page.locator("#tiers [data-status]")).to_have_text("Saved.")
    panel.get_by_role("button", name="change the budget").click()
    expect(panel).to_contain_text("Face × number is the budget, to the fen.")
    assert draft.sources.get().appropriated_fen == 14_400_009_000

    panel.get_by_role("link", name="Launch list and submission").click()
    expect(page.get_by_text("within 5,000 m of any of 2 stores gets 1 voucher")).to_have_count(3)
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("It waits for an approver")).to_be_visible()
    draft.refresh_from_db()
    assert draft.state == "submitted"


def test_a_forecast_from_the_panel_over_the_preview_to_another_rate(
    office: Office, pages: Open
) -> None:
    page = pages(office.mei)
    begun(page, "sports", "Sports vouchers in weekly drops")
    panel = page.locator("#hm-panel")
    page.get_by_label("汇联百货").check()
    page.get_by_role("button", name="Add these stores").click()
    expect(panel).to_contain_text("Needs a preview")
    panel.get_by_role("link", name="Forecast at other rates").click()
    page.get_by_role("link", name="Preview the audience").click()
    page.get_by_role("link", name="Forecast", exact=True).click()
    used = page.locator(".hm-cards .hm-figure").first
    expect(used).to_have_text(re.compile(r"^¥[1-9]"))
    before = used.inner_text()
    page.get_by_label("Vouchers used").select_option("high")
    page.get_by_role("button", name="Forecast").click()
    expect(used).not_to_have_text(before)
    expect(page.get_by_text("97.5 % of what was claimed was spent")).to_be_visible()
    page.get_by_text("Numbers", exact=True).click()
    expect(page.get_by_role("columnheader", name="middle (p50)")).to_be_visible()
    assert grave_faults(page) == []
    keep_picture(page, "admin-vouchers-campaign-forecast")


def test_the_reach_is_counted_again_when_terms_change_and_drawn_on_the_map(
    office: Office, pages: Open
) -> None:
    page = pages(office.mei)
    draft = begun(page, "reach", "First-come grab")
    page.get_by_label("汇联百货").check()
    page.get_by_role("button", name="Add these stores").click()
    panel = page.locator("#hm-panel")
    expect(panel).not_to_contain_text("No store takes part yet.")
    panel.get_by_role("button", name="Count now").click()
    expect(panel).to_contain_text("About 20 of 20 residents.")
    expect(panel).not_to_contain_text("Needs a preview")

    page.locator("#id_audience-radius_m").fill("1000")
    page.locator("#audience").get_by_role("button", name="Save this section").click()
    expect(page.locator("#audience [data-status]")).to_have_text("Saved.")
    expect(panel.locator("[data-reach]:not([data-stale])")).to_contain_text("About 20 of 20")
    draft.refresh_from_db()
    counted = last_preview(draft)
    assert counted is not None
    assert counted.is_current

    page.goto(f"/admin/vouchers/campaign/{draft.pk}/map/")
    page.get_by_role("button", name="Count now").click()
    expect(page.locator("#hm-map")).to_have_attribute("data-squares", "1")
    expect(page.locator(".leaflet-control-layers").get_by_text("audience")).to_be_visible()


def test_the_second_of_two_editors_is_told_and_keeps_what_was_typed(
    office: Office, pages: Open
) -> None:
    page = pages(office.mei)
    draft = begun(page, "two-editors", "First-come grab")
    edit_campaign(
        campaign=draft,
        seen_edit=newest_edit(draft),
        options={"radius_m": 4_000},
        parts={},
        by=office.noor,
        at=cast.NOON,
    )
    radius = page.locator("#id_audience-radius_m")
    radius.fill("3500")
    page.locator("#audience").get_by_role("button", name="Save this section").click()
    told = page.locator("#audience [data-problems]")
    expect(told).to_be_focused()
    expect(told).to_contain_text("noor")
    expect(told.get_by_role("row", name="4000")).to_contain_text("3500")
    expect(radius).to_have_value("3500")
    page.locator("#audience").get_by_role("button", name="Save this section").click()
    expect(page.locator("#audience [data-status]")).to_have_text("Saved.")
    draft.refresh_from_db()
    assert draft.radius_m == 3_500


def test_a_session_that_ends_loses_nothing_typed(office: Office, pages: Open) -> None:
    page = pages()
    sign_in(page, office.mei, "/admin/vouchers/campaign/presets/")
    draft = begun(page, "signed-out", "Elder meals by proxy")
    page.context.clear_cookies(name="sessionid")
    page.locator("#id_basics-name").fill("长者助餐")
    page.locator("#basics").get_by_role("button", name="Save this section").click()
    expect(page.locator("[data-notice]")).to_contain_text("You have been signed out")
    page.get_by_role("link", name="Sign in").click()
    page.fill("input[name=username]", office.mei.username)
    page.fill("input[name=password]", PASSWORD)
    page.click("[type=submit]")
    expect(page.locator("[data-notice]")).to_contain_text("here again")
    expect(page.locator("#id_basics-name")).to_have_value("长者助餐")
    page.locator("#basics").get_by_role("button", name="Save this section").click()
    expect(page.locator("#basics [data-status]")).to_have_text("Saved.")
    draft.refresh_from_db()
    assert draft.name == "长者助餐"
