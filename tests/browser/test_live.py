"""The live screen in a browser: figures, map, alerts within a second, red button, both languages.

In its town axe looks at all main pages.
"""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http import HTTPStatus

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Value
from django.db.models.functions import Concat
from django.utils import timezone
from playwright.sync_api import Browser, Page, ViewportSize, expect
from pytest_django.plugin import DjangoDbBlocker

from merchants.models import District, Merchant, State, Store
from tests.browser.axe import grave_faults
from tests.browser.conftest import Open, keep_picture, sign_in, watched_pages, with_password
from tests.browser.town import Town, main_pages
from tests.support import cast, database
from tests.support.http_till import http_till, open_campaign, till_key
from tests.support.risk import rule, with_rules
from tests.support.till import issue_vouchers
from tests.support.web_server import serving, wait_up
from vouchers.services.proofs import packs
from vouchers.states import CampaignState, RiskKind, RiskVerdict
from vouchers.tasks import PACKS

VOUCHERS = 12
PATIENCE_S = 20
ALERT_S = 1.0
MINTED = 10_000
TABS = 80
DESK: ViewportSize = {"width": 1280, "height": 900}
TABLET: ViewportSize = {"width": 768, "height": 1024}
CENTRE, AWAY = cast.PEOPLES_SQUARE, 0.02
RUNS = '<img src="data:," onerror="alert(1)">'
# Where the northernmost store is drawn on the map of a campaign, by its colour, once nothing moves.
DOT = """async () => {
  const find = () => {
    const canvas = document.querySelector("#hm-map canvas");
    const { width, height } = canvas;
    const pixels = canvas.getContext("2d").getImageData(0, 0, width, height).data;
    const is = (at) => [37, 99, 235, 255].every((value, n) => pixels[4 * at + n] === value);
    let at = 0;
    while (at < width * height && !is(at)) at += 1;
    const both = [canvas, canvas.closest("#hm-map")];
    const [place, box] = both.map((it) => it.getBoundingClientRect());
    const scale = place.width / width;
    return {
      x: place.x - box.x + (at % width) * scale,
      y: place.y - box.y + Math.floor(at / width) * scale + 3,
    };
  };
  const is = (one, other) => one.x === other.x && one.y === other.y;
  for (let before = find(), now; ; before = now) {
    await new Promise((done) => setTimeout(done, 400));
    now = find();
    if (is(before, now)) return now;
  }
}"""
# Static files by their own names, without being collected first.
ENVIRONMENT = {
    "DEBUG": "1",
    "HUIMIN_SECOND_FACTOR_ROLES": "none",
    "DJANGO_SETTINGS_MODULE": "tests.browser.settings",
}


@pytest.fixture(scope="module")
def town(
    process_environment: dict[str, str], browser: Browser, django_db_blocker: DjangoDbBlocker
) -> Iterator[Town]:
    with django_db_blocker.unblock():
        now = timezone.now()
        campaign = open_campaign(now)
        hour = timezone.localtime(now).hour
        night = {"from_hour": hour, "to_hour": (hour + 2) % 24}
        always = rule(RiskKind.NIGHT_HOURS, verdict=RiskVerdict.PAY, figures=night)
        with_rules(campaign, always, at=now)
        alice, square, south_gate = cast.alice(), cast.nanjing_road(), cast.xujiahui()
        north = http_till(campaign, "north", till_key(square), size=VOUCHERS, holder=alice)
        south = http_till(campaign, "south", till_key(south_gate), size=1, holder=alice)
        draw_huangpu()
        call_stores_something_that_runs()
        mei, shen = with_password(cast.mei()), cast.member("shen", "auditor")
        with serving({**process_environment, **ENVIRONMENT}) as server:
            yield Town(server, campaign, north, south, mei, shen)
        database.restore()


def call_stores_something_that_runs() -> None:
    """Where a page writes such a name as markup it violates the policy, which fails its test."""
    Store.objects.update(name=Concat("name", Value(RUNS)))
    Merchant.objects.update(name=Concat("name", Value(RUNS)))


def square(half_deg: float) -> list[list[float]]:
    """A ring round the middle of the city."""
    lon, lat = CENTRE
    sides = ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))
    return [[lon + half_deg * x, lat + half_deg * y] for x, y in sides]


def draw_huangpu() -> None:
    """A boundary for the district, and one street in its middle."""
    boundary = {"type": "Polygon", "coordinates": [square(2 * AWAY)]}
    District.objects.filter(pk=cast.district().pk).update(boundary=boundary)
    cast.street(square(AWAY))


@pytest.fixture
def pages(town: Town, browser: Browser) -> Iterator[Open]:
    with watched_pages(browser, town.server.url) as open_page:
        yield open_page


def test_an_alert_is_on_the_screen_without_a_reload(town: Town, pages: Open) -> None:
    page = pages()
    sign_in(page, town.mei, "/live/")
    expect(page.locator("#link")).to_have_text("updating")
    expect(page.get_by_role("img", name="市财政 · appropriated")).to_be_visible()

    assert town.redeem(0) == HTTPStatus.CREATED

    alert = page.locator("#alerts > li", has_text="north000")
    expect(alert).to_have_count(1)
    expect(alert).to_contain_text("at night")
    expect(page.locator("[data-part=cards]")).to_contain_text("¥20.00")
    expect(page.locator("[data-part=state]")).to_contain_text("Campaign day")


def test_a_second_screen_has_what_came_before_once(town: Town, pages: Open) -> None:
    assert town.redeem(1) == HTTPStatus.CREATED
    page = pages(town.auditor)
    page.goto("/live/")
    expect(page.locator("#link")).to_have_text("updating")
    assert town.redeem(2) == HTTPStatus.CREATED
    expect(page.locator("#alerts > li", has_text="north002")).to_have_count(1)
    expect(page.locator("#alerts > li", has_text="north001")).to_have_count(1)
    expect(page.get_by_text("Stop something")).to_have_count(0)


def tab_to(page: Page, selector: str) -> None:
    """Go on with the Tab key until the element has the focus."""
    for _times in range(TABS):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{selector} is not reached by the keyboard")


def test_a_store_is_stopped_by_the_red_button_without_a_mouse(town: Town, pages: Open) -> None:
    page = pages(town.mei)
    page.goto("/live/")
    tab_to(page, ".stop summary")
    page.keyboard.press("Enter")
    for selector, typed in (
        ("select[name=what]", "store"),
        ("input[name=number]", "HUILIAN/XUJIAHUI"),
        ("select[name=until]", "for 7"),
        ("input[name=why]", "one device, many residents"),
    ):
        tab_to(page, selector)
        page.keyboard.type(typed)
    tab_to(page, ".stop button")
    page.keyboard.press("Enter")

    expect(page.get_by_role("status")).to_contain_text("is stopped")
    assert town.redeem(0, till=town.other_till, store="xujiahui") == HTTPStatus.CONFLICT
    stopped = Store.objects.get(external_id="xujiahui")
    assert stopped.state == State.SUSPENDED
    assert stopped.suspended_until_at is not None
    until = f"{timezone.localtime(stopped.suspended_until_at):%m-%d %H:%M}"
    expect(page.locator(".stopped")).to_contain_text(until)
    assert "one device, many residents" in LogEntry.objects.latest("id").change_message


def test_what_is_not_on_file_is_not_stopped_and_nothing_typed_is_lost(
    town: Town, pages: Open
) -> None:
    page = pages(town.mei)
    page.goto("/live/")
    page.get_by_text("Stop something").click()
    page.fill("input[name=number]", "nowhere")
    page.fill("input[name=why]", "many alerts")
    page.get_by_role("button", name="Stop now").click()

    expect(page.get_by_text("No campaign of this code is running.")).to_be_visible()
    expect(page.locator("input[name=why]")).to_have_value("many alerts")
    town.campaign.refresh_from_db()
    assert town.campaign.state == CampaignState.RUNNING


def test_the_screen_speaks_both_languages(town: Town, pages: Open) -> None:
    page = pages(town.mei, width=820)
    page.goto("/live/")
    page.get_by_role("button", name="中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-hans")
    expect(page.locator("#link")).to_have_text("实时更新")
    expect(page.get_by_role("heading", name="资金去向")).to_be_visible()


def test_without_scripts_the_figures_of_the_moment_are_there(town: Town, pages: Open) -> None:
    page = pages(town.auditor, scripts=False)
    page.goto("/live/")
    expect(page.locator("#board svg").first).to_be_visible()
    expect(page.locator("#link")).to_contain_text("Without a script")


def test_the_map_goes_from_the_city_to_a_districts_streets_and_back(
    town: Town, pages: Open
) -> None:
    page = pages(town.auditor)
    page.goto("/live/")
    drawing = page.locator("#live-map")
    expect(drawing).to_have_attribute("data-drawn", "1")
    drawing.click()
    expect(page.get_by_role("heading", name="City › 黄浦区")).to_be_visible()
    expect(page.get_by_role("link", name="黄浦区")).to_be_hidden()

    street = page.locator("[data-level=streets] tr", has_text="外滩")
    used = int(street.get_attribute("data-vouchers") or "")
    assert town.redeem(4) == HTTPStatus.CREATED
    expect(street).to_have_attribute("data-vouchers", str(used + 1))

    page.go_back()
    expect(page.get_by_role("link", name="黄浦区")).to_be_visible()
    expect(page.get_by_role("heading", name="City ›")).to_be_hidden()


def test_an_alert_is_on_the_screen_within_a_second_also_during_a_mint(
    town: Town, pages: Open
) -> None:
    """The mint's transaction is open all the while; `make bench ONLY=admin` has one of a million
    at full speed."""
    page = pages(town.auditor)
    page.goto("/live/")
    expect(page.locator("#link")).to_have_text("updating")
    minted, seen = threading.Event(), threading.Event()

    def mint() -> None:
        try:
            with transaction.atomic():
                at = timezone.now() - timedelta(hours=1)
                issue_vouchers(town.campaign, [cast.alice()] * MINTED, at=at)
                minted.set()
                seen.wait(PATIENCE_S)
        finally:
            connection.close()

    minter = threading.Thread(target=mint)
    minter.start()
    try:
        assert minted.wait(PATIENCE_S)
        assert town.drawn_after_s(page, 5) < ALERT_S
        assert town.drawn_after_s(page, 6) < ALERT_S
    finally:
        seen.set()
        minter.join()


def test_alerts_come_without_valkey_and_open_streams_do_not_keep_a_server_from_ending(
    town: Town, browser: Browser, process_environment: dict[str, str]
) -> None:
    # Nothing answers at this address: the screen does without Valkey.
    environment = {**process_environment, **ENVIRONMENT, "REDIS_URL": "redis://127.0.0.1:9/1"}
    with (
        serving(environment, wait=wait_up) as server,
        watched_pages(browser, server.url) as open_page,
    ):
        page = open_page(town.auditor)
        page.goto("/live/")
        expect(page.get_by_text("Valkey does not answer")).to_be_visible()
        town.drawn_after_s(page, VOUCHERS - 1, server=server)  # the key is cached from now on
        assert town.drawn_after_s(page, VOUCHERS - 2, server=server) < ALERT_S
        began_s = time.monotonic()
        server.process.terminate()
        server.process.wait(PATIENCE_S)
    assert time.monotonic() - began_s < PATIENCE_S / 2


def test_a_paused_campaign_is_on_every_screen(town: Town, pages: Open) -> None:
    page = pages(town.mei)
    page.goto("/live/")
    page.get_by_text("Stop something").click()
    page.fill("input[name=number]", town.campaign.code)
    page.fill("input[name=why]", "many alerts")
    page.get_by_role("button", name="Stop now").click()

    expect(page.locator(".tag-paused")).to_be_visible()
    assert town.redeem(3) == HTTPStatus.CONFLICT


@pytest.mark.parametrize("path", ["/live/stream", "/live/", "/live/board"])
def test_nothing_is_shown_without_a_session(town: Town, path: str) -> None:
    with town.server.client() as client:
        answer = client.get(path)
    assert answer.status_code in {HTTPStatus.FORBIDDEN, HTTPStatus.FOUND}
    assert "data-part" not in answer.text


def test_a_name_on_the_map_is_text(town: Town, pages: Open) -> None:
    page = pages(town.auditor)
    page.goto(f"/admin/vouchers/campaign/{town.campaign.pk}/map/")
    map_ = page.locator("#hm-map[data-drawn]")
    expect(map_).to_be_visible()
    map_.click(position=page.evaluate(DOT))
    popup = page.locator(".leaflet-popup-content")
    expect(popup).to_contain_text(f"nanjing_road{RUNS}")
    expect(popup.locator("img")).to_have_count(0)


def test_a_pack_is_there_to_fetch_as_soon_as_a_worker_has_written_it(
    town: Town, pages: Open
) -> None:
    """Without a reload. The worker is the test, so that it is seen waiting first."""
    page = pages(town.auditor)
    page.goto(f"/admin/vouchers/campaign/{town.campaign.pk}/money/")
    page.get_by_role("button", name="Write a pack").click()
    expect(page.locator("#hm-packs")).to_contain_text("waits for a worker")

    directory = settings.HUIMIN_ARCHIVE_DIR / PACKS
    now = timezone.now()
    name = packs.packs_of(campaign=town.campaign, directory=directory, at=now)[0].name
    packs.write_pack(campaign_id=town.campaign.pk, name=name, directory=directory, at=now)
    with page.expect_download() as fetched:
        page.get_by_role("link", name=name).click()
    assert fetched.value.path().read_bytes() == (directory / name).read_bytes()


def test_a_row_is_opened_without_a_mouse(town: Town, pages: Open) -> None:
    page = pages(town.auditor)
    page.goto("/admin/vouchers/voucher/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to main content")).to_be_focused()
    expect(page.get_by_role("link", name="Skip to main content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.getElementById('main').contains(document.activeElement)")
    tab_to(page, "#result_list a")
    page.keyboard.press("Enter")
    page.wait_for_url("**/change/**")


def test_axe_finds_nothing_serious_on_the_main_pages_and_a_tablet_is_wide_enough(
    town: Town, pages: Open
) -> None:
    page = pages()
    page.goto("/admin/login/")
    faults = {"/admin/login/": grave_faults(page)}
    root, draft = User.objects.create_superuser("root"), cast.spring_campaign(code="draft")
    page = pages(root)
    for address in main_pages(town.campaign, draft, town.mei):
        answer = page.goto(address)
        assert answer is not None
        assert (answer.status, answer.request.redirected_from) == (HTTPStatus.OK, None), address
        faults[address] = grave_faults(page)
        keep_picture(page, address.strip("/").replace("/", "-"))
        page.set_viewport_size(TABLET)
        if page.evaluate("document.documentElement.scrollWidth") > TABLET["width"]:
            faults[address].append("is wider than a tablet")
        page.set_viewport_size(DESK)
    assert {address: found for address, found in faults.items() if found} == {}
