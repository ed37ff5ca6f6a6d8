"""How soon an alert is on the live screen, in Chromium: from sending the order to the line drawn.

The worst of a round counts, not its median: a screen that is usually quick is no alarm.
"""

import shutil
import time
from collections.abc import Callable
from datetime import datetime

import httpx
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, sync_playwright

from tests.benchmarks import ground, web
from tests.benchmarks.figures import Figure, under
from tests.support import cast
from tests.support.http_till import HttpTill, http_till, open_campaign, sent, till_key
from tests.support.risk import rule, with_rules
from vouchers.states import RiskKind, RiskVerdict

FIGURE = "alert_on_screen_ms"
MOST_MS = 1_000.0
ORDERS = 20
ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage"]
# A page sees an element as soon as it is drawn, not when a test looks again.
IS_DRAWN = "order => document.getElementById('alerts').textContent.includes(order)"


def measure(
    *, rounds: int, on_progress: Callable[[str], None] = lambda sentence: None
) -> Figure | None:
    """Milliseconds, the worst of each round; None where there is no Chromium."""
    chromium = shutil.which("chromium")
    if chromium is None:
        on_progress(f"{FIGURE}: no Chromium")
        return None
    ground.create()
    till, user = _town(timezone.now(), rounds * ORDERS + 1)
    cookie = _cookie(user)
    ground.close()
    worst_ms = []
    with web.serving(web.ENGINE, DEBUG="1") as port, sync_playwright() as playwright:
        url = f"http://127.0.0.1:{port}"
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        context = browser.new_context(base_url=url)
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": url}])
        page = context.new_page()
        page.goto("/live/")
        page.wait_for_selector("#link.is-live")
        with httpx.Client(base_url=url) as client:
            _took_ms(page, client, till, 0)  # the key is cached, statements are prepared
            for number in range(rounds):
                on_progress(f"{FIGURE}: round {number + 1}")
                orders = range(1 + number * ORDERS, 1 + (number + 1) * ORDERS)
                worst_ms.append(max(_took_ms(page, client, till, order) for order in orders))
        browser.close()
    return under(worst_ms, MOST_MS, unit="ms", goal="≤ 1")


def _town(now: datetime, size: int) -> tuple[HttpTill, User]:
    """A till whose every order is noticed, and a manager."""
    campaign = open_campaign(now)
    hour = timezone.localtime(now).hour
    night = {"from_hour": hour, "to_hour": (hour + 2) % 24}
    with_rules(campaign, rule(RiskKind.NIGHT_HOURS, verdict=RiskVerdict.PAY, figures=night), at=now)
    key = till_key(cast.nanjing_road())
    return http_till(campaign, "screen", key, size=size, holder=cast.alice()), cast.mei()


def _cookie(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def _took_ms(page: Page, client: httpx.Client, till: HttpTill, number: int) -> float:
    order = till.order(number)
    began_s = time.monotonic()
    answer = sent(client, till.call(order, key=str(number)))
    assert answer.status_code == httpx.codes.CREATED, answer.text
    page.wait_for_function(IS_DRAWN, arg=order["order_no"], polling=10)
    return 1_000 * (time.monotonic() - began_s)
