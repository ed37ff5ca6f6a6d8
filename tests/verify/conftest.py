"""Packs of committed books, made once for the tests of the verifier."""

from pathlib import Path

import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests.support import database
from tests.support.books import healthy_book
from tests.support.claims import claimed_campaign
from tests.support.packs import (
    eventful_campaign,
    pack_of,
    returning_campaign,
)


@pytest.fixture(scope="package")
def packs_made(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Path]:
    """Packs of committed books; the database is as before afterwards."""
    folder = tmp_path_factory.mktemp("packs")
    made = {}
    with django_db_blocker.unblock():
        books = {
            "healthy": healthy_book,
            "eventful": eventful_campaign,
            "returning": returning_campaign,
            "claimed": claimed_campaign,
        }
        for name, book in books.items():
            try:
                made[name] = pack_of(book(), folder / f"{name}.zip")
            finally:
                database.restore()
    return made


@pytest.fixture(scope="package")
def pack(packs_made: dict[str, Path]) -> Path:
    """The pack of a campaign that has seen everything."""
    return packs_made["eventful"]
