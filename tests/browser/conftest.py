"""Debian's Chromium on a granian of the test's own; whatever a page does wrong fails its test."""

import inspect
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, Page, expect, sync_playwright

from config import embedded

PASSWORD = "卷云 over 外滩 in spring"
TIMEOUT_MS = 10_000
expect.set_options(timeout=TIMEOUT_MS)
# Every window of Chromium would draw two pages of its own below an address bar that is not shown,
# which takes more than the page under test. The others are what Playwright turns off: its list is
# not heard beside this one.
NOT_WANTED = (
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "BoundaryEventDispatchTracksNodeRemoval",
    "DestroyProfileOnBrowserClose",
    "DialMediaRouteProvider",
    "GlobalMediaControls",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "OptimizationHints",
    "PaintHolding",
    "RenderDocument",
    "ThirdPartyStoragePartitioning",
    "Translate",
)
# As root it has no sandbox; small containers have little shared memory.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--force-color-profile=srgb",
    f"--disable-features={','.join(NOT_WANTED)}",
]
# Reported to the page's console, which is read.
VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy violated: ${event.violatedDirective} by ${event.blockedURI}`));
"""


def chromium_path() -> str:
    """Where Chromium is. Where there is none the test is skipped; with CI in the environment, where
    nobody would see that, it fails."""
    path = shutil.which("chromium")
    if path is None:
        give_up = pytest.fail if os.environ.get("CI") else pytest.skip
        give_up("no Chromium: apt install chromium fonts-noto-cjk, and the browser tests run")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for a module, since its event loop would be in the way of other modules' own."""
    path = chromium_path()
    # Playwright notes the stack at every call. A frame without a file, as pytest-xdist has two, is
    # looked for in every module that is loaded, unless it is known to be in one.
    inspect.modulesbyfile["<string>"] = __name__
    with sync_playwright() as playwright:
        # Its event loop runs in this thread, in which the tests ask the database too.
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
        chromium = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield chromium
        finally:
            chromium.close()
            del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@dataclass
class Watcher:
    """What pages of one test did wrong."""

    host: str
    faults: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """Note console errors, exceptions, violated policies, foreign requests, server errors."""
        page.add_init_script(VIOLATIONS)
        page.on(
            "console",
            lambda said: self.faults.append(said.text) if said.type == "error" else None,
        )
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", lambda request: self._request(request.url))
        page.on(
            "response",
            lambda answer: (
                self.faults.append(f"{answer.status} {answer.url}")
                if answer.status >= 500
                else None
            ),
        )

    def _request(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"data", "blob"} and parts.netloc != self.host:
            self.faults.append(f"foreign request: {url}")


Open = Callable[..., Page]


@contextmanager
def watched_pages(browser: Browser, url: str) -> Iterator[Open]:
    """Opens pages, each with a session of its own, `user`'s if given. In the end none was at
    fault."""
    watcher = Watcher(urlsplit(url).netloc)
    contexts = []

    def open_page(
        user: User | None = None,
        *,
        language: str = "en",
        width: int = 1280,
        scripts: bool = True,
    ) -> Page:
        context = browser.new_context(
            base_url=url,
            locale=language,
            viewport={"width": width, "height": 900},
            java_script_enabled=scripts,
            reduced_motion="reduce",
        )
        context.set_default_timeout(TIMEOUT_MS)
        contexts.append(context)
        if user is not None:
            client = Client()
            client.force_login(user)
            value = client.cookies[settings.SESSION_COOKIE_NAME].value
            context.add_cookies(
                [{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": url}]
            )
        page = context.new_page()
        watcher.watch(page)
        return page

    try:
        yield open_page
    finally:
        for context in contexts:
            context.close()
    assert watcher.faults == []


def keep_picture(page: Page, name: str) -> None:
    """A picture of what the page shows, `.local/screenshots/NAME.png`."""
    page.screenshot(path=embedded.local_dir() / "screenshots" / f"{name}.png")


def with_password(user: User) -> User:
    """The user, who can now sign in on a server that hashes as in production."""
    hasher = PBKDF2PasswordHasher()
    user.password = hasher.encode(PASSWORD, hasher.salt())
    user.save(update_fields=["password"])
    return user


def sign_in(page: Page, user: User, to: str) -> None:
    """Through the sign-in page, to an address."""
    page.goto(to)
    page.fill("input[name=username]", user.username)
    page.fill("input[name=password]", PASSWORD)
    page.click("[type=submit]")
    page.wait_for_url(f"**{to}")
