"""A campaign is set up in a browser, from its preset to its submission; nothing typed is lost."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Browser, Page, Route, expect
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
from vouchers import tasks
from vouchers.models import Campaign
from vouchers.rules.campaigns.presets import BY_KEY
from vouchers.services.audience.counting import Counting
from vouchers.services.audience.preview import last_preview
from vouchers.services.campaigns import making, terms
from vouchers.services.campaigns.drafts import edit_campaign, newest_edit
from vouchers.services.issuing import expiry


@dataclass(frozen=True)
class Office:
    """A server, and the two people who edit drafts."""

    server: Server
    mei: User
    noor: User
    li: User
    xu: User


@pytest.fixture(scope="module")
def office(
    process_environment: dict[str, str], browser: Browser, django_db_blocker: DjangoDbBlocker
) -> Iterator[Office]:
    with django_db_blocker.unblock():
        for store in (cast.nanjing_road(), cast.xujiahui(), cast.rival_shop()):
            assert store.pk
        for number in range(20):
            cast.resident(f"near{number}")
        people = with_password(cast.mei()), cast.member("noor", "manager")
        approvers = cast.li(), cast.member("xu", "approver")  # so much money needs two
        with serving({**process_environment, **ENVIRONMENT}) as server:
            yield Office(server, *people, *approvers)
        database.restore()


@pytest.fixture
def pages(office: Office, browser: Browser) -> Iterator[Open]:
    with watched_pages(browser, office.server.url) as open_page:
        yield open_page


def begun(page: Page, code: str, card: str) -> Campaign:
    """A draft of a preset that begins today; the page shows its set-up."""
    page.goto("/admin/vouchers/campaign/presets/")
    page.get_by_label(card).check()
    page.get_by_label("Name").fill("May vouchers")
    page.get_by_label("Code").fill(code)
    page.get_by_label("Starts at").fill(f"{timezone.localtime():%Y-%m-%dT%H:%M}")
    page.get_by_role("button", name="Make the draft").click()
    expect(page.locator("[data-setup][data-ready]")).to_be_visible()
    return Campaign.objects.get(code=code)


def drafted(by: User, code: str, preset: str, *, stores: bool = True) -> Campaign:
    """A draft of a preset that begins today."""
    now = timezone.now()
    draft = making.from_preset(
        preset=BY_KEY[preset],
        code=code,
        name="May vouchers",
        starts_at=now,
        is_test=False,
        language="en",
        by=by,
        at=now,
    )
    if stores:
        taking_part = [cast.nanjing_road(), cast.xujiahui()]
        terms.add_stores(campaign=draft, stores=taking_part, by=by, at=now)
    return draft


def set_up(page: Page, draft: Campaign, *sections: str) -> None:
    """Open the set-up of a draft with these of its sections unfolded."""
    page.goto(f"/admin/vouchers/campaign/{draft.pk}/set_up/")
    expect(page.locator("[data-setup][data-ready]")).to_be_visible()
    for section in sections:
        page.locator(f"#fold-{section}").click()


def press(page: Page, act: str, done: str, **typed: str) -> None:
    """Press one of the buttons above a campaign, or of those under More, which the keyboard opens,
    and say yes to it."""
    button = page.locator(f'a[hx-get$="/{act}/"]')
    if not button.is_visible():
        page.get_by_role("button", name="More").press("Enter")
        expect(page.locator("body > nav a:focus")).to_be_visible()
    button.click()
    dialog = page.locator("#dialog")
    expect(dialog).to_be_visible()
    # Until the dialog has settled its button sends the page that lies under it.
    expect(page.locator(".htmx-added, .htmx-settling, .htmx-request")).to_have_count(0)
    for name, value in typed.items():
        field = dialog.locator(f"[name={name}]")
        if field.evaluate("it => it.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    dialog.locator("[type=submit]").click()
    expect(page.get_by_text(done)).to_be_visible()


def test_a_campaign_from_its_preset_to_its_closed_books(office: Office, pages: Open) -> None:
    page = pages(office.mei)
    draft = begun(page, "dining", "Dining tiers")
    panel = page.locator("#hm-panel")
    expect(panel).to_contain_text("No store takes part yet.")

    panel.get_by_role("link", name="No store takes part yet.").click()
    page.get_by_label("汇联百货").check()
    page.get_by_role("button", name="Add these stores").click()
    expect(panel).to_contain_text("Nothing: it can be submitted.")

    page.locator("#fold-tiers").press("Enter")
    number = page.locator("#tiers").get_by_label("Number of vouchers", exact=True).first
    number.fill("480001")
    page.locator("#fold-audience").focus()
    expect(panel).to_contain_text("−¥90.00")
    expect(page.locator("#tiers [data-status]")).to_have_text("Saved.")
    panel.get_by_role("button", name="change the budget").click()
    expect(panel).to_contain_text("Face × number is the budget, to the fen.")
    assert draft.sources.get().appropriated_fen == 14_400_009_000
    keep_picture(page, "admin-vouchers-campaign-set-up")

    panel.get_by_role("link", name="Launch list and submission").click()
    expect(page.get_by_text("within 5,000 m of any of 2 stores gets 1 voucher")).to_have_count(3)
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("It waits for an approver")).to_be_visible()
    draft.refresh_from_db()
    assert draft.state == "submitted"

    li, xu = pages(office.li, language="zh-CN"), pages(office.xu)
    signed(li, "意见", "批准", "已批准，尚须他人审批。")
    signed(xu, "Comment", "Approve", "Approved.")
    page.reload()
    page.get_by_role("button", name="Launch").click()
    expect(page.get_by_text("Launched.")).to_be_visible()

    its_page = f"/admin/vouchers/campaign/{draft.pk}/change/"
    page.goto(its_page)
    press(page, "request_run", "The distribution waits for a worker.", channel="wechat")
    tasks.sweep_runs()
    page.goto(f"/admin/vouchers/run/{draft.runs.get().pk}/change/")
    expect(page.get_by_text("0 of 60 vouchers")).to_be_visible()
    tasks.mint_shards()
    page.reload()
    expect(page.get_by_text("60 of 60 vouchers")).to_be_visible()
    keep_picture(page, "admin-vouchers-run")

    page.goto("/live/")
    page.get_by_text("Stop something").click()
    page.fill("input[name=number]", draft.code)
    page.fill("input[name=why]", "a till repeats itself")
    page.get_by_role("button", name="Stop now").click()
    expect(page.locator(".tag-paused")).to_be_visible()

    page.goto(its_page)
    press(page, "end", "Ended.")
    press(page, "settle", "it must be settled or expire first")
    # A worker does so the moment they are due.
    expiry.expire_due(at=draft.ends_at)
    press(page, "settle", "Settled.")
    press(
        page,
        "propose_appropriation",
        "Another person decides on it.",
        source=str(draft.sources.get().pk),
        target_fen="0",
        why="none of it ever arrived",
    )
    keep_picture(page, "admin-vouchers-proposal")
    cast.approved(draft.proposals.get(), at=timezone.now())
    page.goto(its_page)
    press(page, "close", "Closed.", document_no="沪商 2026-7")
    draft.refresh_from_db()
    assert (draft.state, draft.closing_document_no) == ("closed", "沪商 2026-7")


def signed(page: Page, comment: str, yes: str, said: str) -> None:
    """What waits is opened from the inbox, read and approved."""
    page.goto("/admin/vouchers/proposal/inbox/")
    page.locator("tbody a").click()
    page.get_by_label(comment).fill("read from end to end")
    keep_picture(page, f"admin-vouchers-campaign-review-{yes}")
    page.get_by_role("button", name=yes).click()
    expect(page.get_by_text(said, exact=True)).to_be_visible()


def test_a_forecast_from_the_panel_over_the_preview_to_another_rate(
    office: Office, pages: Open
) -> None:
    page = pages(office.mei)
    draft = drafted(office.mei, "sports", "sports")
    set_up(page, draft)
    panel = page.locator("#hm-panel")
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


def test_a_count_says_how_far_it_is_and_counts_again_when_terms_change(
    office: Office, pages: Open
) -> None:
    page = pages(office.mei)
    draft = drafted(office.mei, "reach", "first-come")
    set_up(page, draft)
    panel = page.locator("#hm-panel")
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if route.request.method == "POST" and not held:
            held.append(route)
        else:
            route.continue_()

    page.route("**/reach/", hold_the_first)
    panel.get_by_role("button", name="Count now").click()
    # As far as the server would be with a larger city.
    Counting(campaign=draft, by=office.mei, total=200).add(86)
    expect(panel).to_contain_text("43 % counted")
    expect(panel.get_by_role("progressbar")).to_have_js_property("value", 43)
    keep_picture(page, "admin-vouchers-campaign-counting")
    held[0].continue_()
    expect(panel).to_contain_text("About 20 of 20 residents.")
    expect(panel.get_by_role("progressbar")).to_be_hidden()
    expect(panel).not_to_contain_text("Needs a preview")

    page.locator("#fold-audience").click()
    page.locator("#id_audience-radius_m").fill("1000")
    page.locator("#audience").get_by_role("button", name="Save this section").click()
    expect(page.locator("#audience [data-status]")).to_have_text("Saved.")
    expect(panel.locator("[data-reach]:not([data-stale])")).to_contain_text("About 20 of 20")
    draft.refresh_from_db()
    counted = last_preview(draft)
    assert counted is not None
    assert counted.is_current


def test_polygons_are_drawn_and_moved_with_the_mouse_and_outlive_a_session(
    office: Office, pages: Open
) -> None:
    page = pages(office.mei)
    draft = drafted(office.mei, "map", "first-come")
    page.goto(f"/admin/vouchers/campaign/{draft.pk}/map/")
    map_ = page.locator("#hm-map")
    expect(map_).to_have_attribute("data-drawn", "2")
    page.locator(".leaflet-pm-icon-polygon").click()
    for x, y in ((300, 60), (420, 60), (420, 180), (300, 180), (300, 60)):
        map_.click(position={"x": x, "y": y})

    session = page.context.cookies()
    page.context.clear_cookies(name="sessionid")
    save = page.get_by_role("button", name="Save the polygons")
    save.click()
    expect(page.get_by_text("You have been signed out, nothing was saved.")).to_be_visible()
    keep_picture(page, "admin-vouchers-campaign-map-signed-out")
    page.context.add_cookies(session)  # type: ignore[arg-type]
    save.dblclick()
    expect(page.get_by_text("The polygons have been saved.")).to_be_visible()
    drawn = draft.geofences.get().geometry
    assert drawn is not None
    assert len(drawn["coordinates"][0]) == 5

    expect(map_).to_have_attribute("data-drawn", "2")
    page.locator(".leaflet-pm-icon-edit").click()
    corner = page.locator(".marker-icon:not(.marker-icon-middle)").first
    corner.drag_to(map_, target_position={"x": 260, "y": 40})
    page.get_by_role("button", name="Count now").click()
    expect(map_).to_have_attribute("data-squares", "1")
    keep_picture(page, "admin-vouchers-campaign-map-drawn")
    with page.expect_navigation():
        save.click()
    expect(page.get_by_text("The polygons have been saved.")).to_be_visible()
    assert draft.geofences.get().geometry != drawn


def test_the_second_editor_sees_the_change_and_keeps_what_was_typed(
    office: Office, pages: Open
) -> None:
    page = pages(office.mei)
    draft = drafted(office.mei, "two-editors", "first-come")
    set_up(page, draft, "audience")
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
    draft = drafted(office.mei, "signed-out", "elder-meals", stores=False)
    sign_in(page, office.mei, f"/admin/vouchers/campaign/{draft.pk}/set_up/")
    expect(page.locator("[data-setup][data-ready]")).to_be_visible()
    page.locator("#fold-basics").click()
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
