"""The fraud desk in a browser: a case is found in the queue, looked into and cleared."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Browser, expect
from pytest_django.plugin import DjangoDbBlocker

from tests.browser.axe import grave_faults
from tests.browser.conftest import Open, keep_picture, watched_pages, with_password
from tests.support import cast, database
from tests.support.cases import used, watched
from tests.support.cast import DAY
from tests.support.risk import rule
from tests.support.web_server import Server, serving
from vouchers.models import Case, Hold, Proposal, StandingChange
from vouchers.services.limits.back_tests import work_off
from vouchers.services.limits.cases import gather_signals
from vouchers.states import CaseState, ResidentState, RiskKind, RiskVerdict

ENVIRONMENT = {"DEBUG": "1", "HUIMIN_SECOND_FACTOR_ROLES": "none"}


@pytest.fixture(scope="module")
def desk(
    process_environment: dict[str, str], browser: Browser, django_db_blocker: DjangoDbBlocker
) -> Iterator[tuple[Server, User]]:
    """A server, and Ren, who has one case: a device with three residents at two stores."""
    with django_db_blocker.unblock():
        now = timezone.now()
        pairs = rule(RiskKind.DEVICE_SHARED, people=1, verdict=RiskVerdict.HOLD)
        campaign = watched(pairs, at=now, starts_at=now - 3 * DAY, ends_at=now + 30 * DAY)
        used(campaign, [cast.alice(), cast.bob()], device="phone-7731", at=now)
        used(campaign, [cast.carol()], store=cast.xujiahui(), device="phone-7731", at=now)
        gather_signals(at=now)
        ren = with_password(cast.ren())
        with serving({**process_environment, **ENVIRONMENT}) as server:
            yield server, ren
        database.restore()


@pytest.fixture
def pages(desk: tuple[Server, User], browser: Browser) -> Iterator[Open]:
    with watched_pages(browser, desk[0].url) as open_page:
        yield open_page


def test_a_case_is_looked_into_and_cleared_with_a_reason(
    desk: tuple[Server, User], pages: Open
) -> None:
    page = pages(desk[1])
    page.goto("/admin/vouchers/case/")
    page.get_by_role("link", name="case 1").click()
    expect(page.get_by_text("has shown vouchers of 2 residents").first).to_be_visible()
    expect(page.get_by_role("img", name="Who redeemed where")).to_be_visible()
    assert grave_faults(page) == []

    page.get_by_role("button", name="Clear").click()
    assert Case.objects.get().state == CaseState.OPEN, "the browser asks for the reason"
    page.fill("#case-reason", "three flatmates, one phone")
    page.get_by_role("button", name="Clear").click()

    expect(page.get_by_text("What was held of it is owed again.")).to_be_visible()
    expect(page.get_by_text("three flatmates, one phone").first).to_be_visible()
    assert Case.objects.get().state == CaseState.CLEARED
    assert not Hold.objects.filter(released_at=None).exists()


def test_a_changed_rule_is_tried_on_the_past_and_proposed(
    desk: tuple[Server, User], pages: Open
) -> None:
    page = pages(desk[1])
    page.goto("/admin/vouchers/case/rules/")
    expect(page.get_by_text("One device showing vouchers of more than 1 person")).to_be_visible()
    page.get_by_role("link", name="try a changed one").click()
    today = timezone.localdate().isoformat()
    page.get_by_label("From (business day)").fill(today)
    page.get_by_label("To, included").fill(today)
    figure = page.get_by_label("Normal on one device up to (people)")
    expect(figure).to_have_value("1")
    figure.fill("0")
    page.get_by_role("button", name="Try it").click()
    refusal = "It has to be from 1 person to 10,000 people."
    expect(page.locator("#field-id_people").get_by_text(refusal)).to_be_visible()
    assert grave_faults(page) == []
    keep_picture(page, "admin-vouchers-backtest-ask")
    figure.fill("2")
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_text("redemptions looked at.")).to_be_visible()

    work_off(clock=timezone.now)
    page.get_by_role("link", name="Propose this rule").click()
    expect(figure).to_have_value("2")
    page.get_by_label("Why").fill("couples share a phone")
    page.get_by_role("button", name="Propose").click()
    expect(page.get_by_text("One device showing vouchers of more than 2 people")).to_be_visible()
    assert Proposal.objects.latest("id").why == "couples share a phone"


def test_a_dialog_is_sent_once_and_keeps_what_was_typed_when_its_session_has_ended(
    desk: tuple[Server, User], pages: Open
) -> None:
    page, dave = pages(desk[1]), cast.resident("dave")
    page.goto(f"/admin/vouchers/resident/{dave.pk}/change/")
    page.locator('a[hx-get$="/freeze/"]').first.dispatch_event("click")
    dialog = page.locator("#dialog")
    reason = dialog.locator("[name=reason]")
    expect(reason).to_be_visible()
    page.wait_for_function("!document.querySelector('.htmx-settling, .htmx-request')")
    send = dialog.locator("[type=submit]")
    send.click()
    expect(dialog.get_by_text("This field is required.")).to_be_visible()

    reason.fill("lost his phone")
    session = page.context.cookies()
    page.context.clear_cookies(name="sessionid")
    send.click()
    expect(dialog.get_by_text("You have been signed out, nothing was saved.")).to_be_visible()
    expect(reason).to_have_value("lost his phone")
    page.context.add_cookies(session)  # type: ignore[arg-type]
    send.dblclick()
    expect(page.locator("#dialog")).to_have_count(0)
    dave.refresh_from_db()
    assert dave.state == ResidentState.FROZEN
    assert StandingChange.objects.filter(resident=dave).count() == 1
