"""The report as a file in a browser without a network, and on paper of the size A4."""

import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from playwright.sync_api import Browser, Page

from merchants.models import District
from tests.browser.axe import grave_faults
from tests.browser.conftest import keep_picture
from tests.support import cast
from tests.support.till import issue_vouchers, order, redeem
from vouchers.services.proofs.audit import audit, record

pytestmark = pytest.mark.django_db

A4_POINTS = (595, 842)
# What 14 mm of margin leave of A4, at 96 pixels an inch.
PRINTED_PX = (688, 1016)
WIDTHS = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
HEIGHTS = """[...document.querySelectorAll("figure")].map(
    (figure) => figure.querySelector("svg").getBoundingClientRect().height)"""
IS_SHOWN = "(table) => table.checkVisibility()"


@pytest.fixture(scope="module")
def files(rows_of_module: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The report of a campaign with districts on the map, orders and refusals, by language."""
    campaign = cast.running_campaign(limits={})
    corners = [[121.4, 31.1], [121.6, 31.1], [121.6, 31.4], [121.4, 31.4], [121.4, 31.1]]
    District.objects.filter(pk=cast.district().pk).update(
        boundary={"type": "Polygon", "coordinates": [corners]}
    )
    people = [cast.resident(f"p{number}") for number in range(12)]
    vouchers = issue_vouchers(campaign, people)
    shown = [
        order(voucher, cast.nanjing_road(), person)
        for voucher, person in zip(vouchers, people, strict=True)
    ]
    redeem(requests=[*shown, order(vouchers[0], cast.xujiahui(), people[0])])
    record(report=audit(at=cast.NOON, seed=1))
    directory = tmp_path_factory.mktemp("report")
    found = {language: directory / f"{language}.html" for language in ("en", "zh-hans")}
    for language, path in found.items():
        call_command("report", campaign.code, str(path), language=language, stdout=StringIO())
    return found


@pytest.fixture
def offline(browser: Browser) -> Iterator[Page]:
    """A page that has no network and must not ask for one."""
    context = browser.new_context(
        offline=True, viewport={"width": PRINTED_PX[0], "height": PRINTED_PX[1]}
    )
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda said: faults.append(said.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "request",
        lambda request: None if request.url.startswith("file:") else faults.append(request.url),
    )
    yield page
    context.close()
    assert faults == []


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_it_opens_without_a_network_and_prints_whole_on_a4(
    files: dict[str, Path], offline: Page, language: str
) -> None:
    offline.goto(files[language].as_uri())
    assert grave_faults(offline) == []
    keep_picture(offline, f"report-{language}")
    figures, tables = offline.locator("figure"), offline.locator("figure table")
    assert figures.count() >= 6
    assert tables.count() == figures.count()
    assert not any(table.evaluate(IS_SHOWN) for table in tables.all()), "opened by a click"

    offline.emulate_media(media="print")
    scrolled, visible = offline.evaluate(WIDTHS)
    assert scrolled <= visible, "nothing is cut off at the right"
    assert max(offline.evaluate(HEIGHTS)) < PRINTED_PX[1], "a figure fits a page"
    printed = [table for table in tables.all() if table.evaluate(IS_SHOWN)]
    assert len(printed) == tables.count() - 1, "of refusals there is a table beside"
    paper = offline.pdf(prefer_css_page_size=True, print_background=True)
    sheets = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", paper)
    assert {(round(float(wide)), round(float(high))) for wide, high in sheets} == {A4_POINTS}
    assert 2 <= len(sheets) <= 6
