"""How soon an alert is on the live screen, in Chromium: from sending the order to the line drawn.

The worst of a round counts, not its median: a screen that is usually quick is no alarm. Once on a
quiet machine, and once while a million vouchers are minted, whose transactions are long.
"""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client, override_settings
from django.utils import timezone
from playwright.sync_api import Page, sync_playwright

from tests.benchmarks import city, ground, web
from tests.benchmarks.figures import Figure, under
from tests.support import cast
from tests.support.http_till import HttpTill, http_till, open_campaign, sent, till_key
from tests.support.risk import rule, with_rules
from vouchers.models import Campaign
from vouchers.services.issuing import leases
from vouchers.states import RiskKind, RiskVerdict

FIGURE = "alert_on_screen_ms"
MINTING = "alert_on_screen_minting_ms"
FIGURES = (FIGURE, MINTING)
RESIDENTS = 500_000
"""One voucher of each of three tiers: the first half million is to be used, the rest is minted."""
MOST_MS = 1_000.0
ORDERS = 20
MOST_ORDERS = 2_000
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
    with _screen(chromium, cookie) as (page, client):
        _took_ms(page, client, till, till.order(0))  # the key is cached, statements are prepared
        for number in range(rounds):
            on_progress(f"{FIGURE}: round {number + 1}")
            orders = map(till.order, range(1 + number * ORDERS, 1 + (number + 1) * ORDERS))
            worst_ms.append(max(_took_ms(page, client, till, order) for order in orders))
    return under(worst_ms, MOST_MS, unit="ms", goal="≤ 1")


def measure_minting(
    *, residents: int = RESIDENTS, on_progress: Callable[[str], None] = lambda sentence: None
) -> Figure | None:
    """Milliseconds, the worst while a million vouchers are minted; None where there is no
    Chromium."""
    chromium = shutil.which("chromium")
    if chromium is None:
        on_progress(f"{MINTING}: no Chromium")
        return None
    on_progress(f"{MINTING}: {residents:,} residents")
    ground.create()
    built = city.build(residents=residents, per_resident=1, shards_per_tier=1)
    with override_settings(HUIMIN_APPROVERS=()):  # one signature, however large the city is
        _notice_all(built.campaign, timezone.now())
    city.mint_next()
    cookie, orders = _cookie(cast.mei()), _of_first_till(city.orders(built))
    seller = built.tills[0]
    till = HttpTill("minting", seller.key_text, orders.codes(0, MOST_ORDERS))
    took_ms: list[float] = []
    minted: list[int] = []
    minter = threading.Thread(target=_mint_all, args=(minted,))
    with _screen(chromium, cookie) as (page, client):
        for number in range(min(MOST_ORDERS, len(orders))):
            order = till.order(
                number,
                store=seller.store.external_id,
                resident=str(orders.resident_no[number]),
                order_amount_fen=city.ORDER_FEN,
            )
            took_ms.append(_took_ms(page, client, till, order))
            if number == 0:
                on_progress(f"{MINTING}: minting")
                minter.start()
            elif not minter.is_alive():
                break
        minter.join()
    on_progress(f"{MINTING}: {len(took_ms) - 1} orders, {sum(minted):,} vouchers meanwhile")
    return under([max(took_ms[1:])], MOST_MS, unit="ms", goal="≤ 1")


def _of_first_till(orders: city.Orders) -> city.Orders:
    mine = orders.till == 0
    return city.Orders(orders.voucher_id[mine], orders.resident_no[mine], orders.till[mine])


def _mint_all(minted: list[int]) -> None:
    """Mint until no shard waits, noting how many vouchers each had."""
    try:
        while leases.waiting_shards(at=datetime.now(UTC)):
            minted.append(city.mint_next()[0])
    finally:
        connections.close_all()


@contextmanager
def _screen(chromium: str, cookie: str) -> Iterator[tuple[Page, httpx.Client]]:
    """The live screen in a browser, and a caller of the same server."""
    with web.serving(web.ENGINE, DEBUG="1") as port, sync_playwright() as playwright:
        url = f"http://127.0.0.1:{port}"
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        context = browser.new_context(base_url=url)
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": url}])
        page = context.new_page()
        page.goto("/live/")
        page.wait_for_selector("#link.is-live")
        with httpx.Client(base_url=url) as client:
            yield page, client
        browser.close()


def _town(now: datetime, size: int) -> tuple[HttpTill, User]:
    """A till whose every order is noticed, and a manager."""
    campaign = open_campaign(now)
    _notice_all(campaign, now)
    key = till_key(cast.nanjing_road())
    return http_till(campaign, "screen", key, size=size, holder=cast.alice()), cast.mei()


def _notice_all(campaign: Campaign, now: datetime) -> None:
    hour = timezone.localtime(now).hour
    night = {"from_hour": hour, "to_hour": (hour + 2) % 24}
    with_rules(campaign, rule(RiskKind.NIGHT_HOURS, verdict=RiskVerdict.PAY, figures=night), at=now)


def _cookie(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def _took_ms(page: Page, client: httpx.Client, till: HttpTill, order: dict[str, Any]) -> float:
    began_s = time.monotonic()
    answer = sent(client, till.call(order, key=order["order_no"]))
    assert answer.status_code == httpx.codes.CREATED, answer.text
    page.wait_for_function(IS_DRAWN, arg=order["order_no"], polling=10)
    return 1_000 * (time.monotonic() - began_s)
