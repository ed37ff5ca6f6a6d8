"""The ground every test stands on: real servers, a database of its own, profiles for Hypothesis.

How the database is the same for every test: one is migrated when the first test needs it, as a
template, and the tests work on a copy. A test marked `django_db` runs in a transaction that is
rolled back. One marked `django_db(transaction=True)` commits, for other sessions to see. Afterwards
`tests/support/database.py` ends the other sessions and undoes the commits in place, by a superuser,
whom no trigger stops: new rows are deleted, tables of tranches dropped, sequences set back
(`tests/support/undoing.py`). Where more than that was done, the copy is replaced by a new one.
"""

import contextlib
import gc
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import hypothesis
import pytest
import redis
from django.conf import settings
from django.db import transaction
from django.test import TransactionTestCase
from django.test.client import ClientHandler
from django.test.signals import setting_changed
from django.utils import translation
from pytest_django.plugin import DjangoDbBlocker

from config import embedded
from config.celery import app as celery_app
from config.settings import broker_url
from tests.support import database
from tests.support.environment import environment

hypothesis.settings.register_profile("default", max_examples=50, deadline=None)
hypothesis.settings.register_profile("ci", max_examples=100, deadline=None, print_blob=True)
hypothesis.settings.register_profile("deep", max_examples=2000, deadline=None)
hypothesis.settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "default")
)

VALKEY_DATABASES = 16
SEED = "hypothesis_seed"


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Draw the run's seed unless one is given; a Valkey database for every run."""
    if config.getoption(SEED, None) is None:
        setattr(config.option, SEED, str(secrets.randbelow(2**32)))
    _use_own_valkey()
    # No test is a till that nobody asks to wait, but those of load shedding itself.
    settings.HUIMIN_RATE_LIMITS = {"terminal": 0, "other": 0}
    # Required of some roles in production, which the tests are on an operator's PostgreSQL.
    settings.HUIMIN_SECOND_FACTOR_ROLES = frozenset()
    # Made to take a third of a second for each password.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


# Tests of many seconds each come first: when they are over, the workers share out what is small and
# end together. A folder's tests stay side by side, since they share servers.
LONG_FIRST = ("faults", "stories", "mutations", "properties", "express", "verify", "browser")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests by how long their folder's take."""
    rank = {folder: number for number, folder in enumerate(LONG_FIRST)}
    root = Path(__file__).parent
    items.sort(key=lambda item: rank.get(item.path.relative_to(root).parts[0], len(rank)))


def pytest_collection_finish() -> None:
    """What is loaded by now stays to the end: the garbage collector need not look at it again."""
    gc.collect()
    gc.freeze()


def pytest_report_header(config: pytest.Config) -> str:
    """With what to have the same tests again."""
    profile = hypothesis.settings.get_current_profile_name()
    return f"again: HYPOTHESIS_PROFILE={profile} --hypothesis-seed={config.getoption(SEED)}"


def pytest_xdist_auto_num_workers() -> int | None:
    """On an operator's PostgreSQL one test at a time: its workers could have no server each."""
    return 1 if os.environ.get("DATABASE_URL") else None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """No test begins on a session that another one's end has ended."""
    database.leave_ended_sessions()


@pytest.fixture(scope="session")
def seed(pytestconfig: pytest.Config) -> int:
    """The run's seed, for what is random and not Hypothesis's own."""
    return int(pytestconfig.getoption(SEED))


def _use_own_valkey() -> None:
    """Valkey's database 0 belongs to the installation."""
    number = 1 + os.getpid() % (VALKEY_DATABASES - 1)
    address = urlsplit(settings.REDIS_URL)
    if address.scheme == "unix":
        settings.REDIS_URL = f"unix://{address.path}?db={number}"
    else:
        settings.REDIS_URL = address._replace(path=f"/{number}").geturl()
    settings.CELERY_BROKER_URL = broker_url(settings.REDIS_URL)
    celery_app.conf.update(broker_url=settings.CELERY_BROKER_URL)


@pytest.fixture(scope="session")
def servers() -> None:
    """PostgreSQL and Valkey are running, and this run's part of Valkey is empty."""
    try:
        embedded.ensure()
    except embedded.EmbeddedServerError as error:
        pytest.exit(str(error), returncode=1)
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.flushdb()


@pytest.fixture(scope="session")
def django_db_setup(servers: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """In place of pytest-django's: one migrated template, and a copy that `default` connects to."""
    with django_db_blocker.unblock():
        stack = contextlib.ExitStack()
        stack.enter_context(database.created())
    yield
    with django_db_blocker.unblock():
        stack.close()


@pytest.fixture(scope="session", autouse=True)
def _restore_instead_of_flush() -> Iterator[None]:
    """After a test that commits; Django would truncate, which the ledger's triggers refuse."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda case: database.restore())
        yield


LOADED = (
    "_middleware_chain",
    "_view_middleware",
    "_template_response_middleware",
    "_exception_middleware",
)


@pytest.fixture(scope="session", autouse=True)
def _load_middleware_once() -> Iterator[None]:
    """As a server does: every test's client would look through the static files of all applications
    again. After a setting was changed it is loaded anew."""
    loaded: dict[str, Any] = {}
    load = ClientHandler.load_middleware

    def load_or_take(handler: ClientHandler, is_async: bool = False) -> None:
        if not loaded:
            load(handler, is_async)
            loaded.update((name, getattr(handler, name)) for name in LOADED)
        vars(handler).update(loaded)

    def forget(**_: Any) -> None:
        loaded.clear()

    setting_changed.connect(forget)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ClientHandler, "load_middleware", load_or_take)
        yield
    setting_changed.disconnect(forget)


@pytest.fixture(autouse=True)
def _language_of_the_installation() -> None:
    """A page asked for in one language leaves it to its thread, and so to the next test."""
    translation.deactivate()


@pytest.fixture(autouse=True)
def _nothing_remembered_of_others() -> None:
    """What a process remembers for seconds of one test's rows is not believed in the next, whose
    rows have the same numbers."""
    # Models load once Django is set up.
    from vouchers.services.claims.terms import TERMS
    from vouchers.services.webhooks import LISTENERS

    LISTENERS.clear()
    TERMS._known.clear()


@pytest.fixture
def redis_client(servers: None) -> Iterator[redis.Redis]:
    """A client of this run's Valkey database, emptied before and after."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture(scope="module")
def rows_of_module(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Rows that fixtures of a module write are there for all of its tests, and gone afterwards.

    For tests that are rolled back to these rows, not for those that commit.
    """
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="session")
def process_environment(django_db_setup: None) -> dict[str, str]:
    """Environment in which another process works on the test database, without load shedding."""
    return environment() | {"HUIMIN_TERMINAL_RATE_LIMIT": "0", "HUIMIN_RATE_LIMIT": "0"}
