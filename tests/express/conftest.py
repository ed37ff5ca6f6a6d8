"""The two servers, started once: they find a new database by themselves when a test has ended."""

from collections.abc import Iterator

import pytest

from tests.support.web_server import Server, serving


@pytest.fixture(scope="session")
def express_server(process_environment: dict[str, str]) -> Iterator[Server]:
    """The ASGI application: the express door, with Django behind it."""
    with serving(process_environment, "asginl") as server:
        yield server


@pytest.fixture(scope="session")
def rest_server(process_environment: dict[str, str]) -> Iterator[Server]:
    """The WSGI application: everything through REST framework."""
    with serving(process_environment, "wsgi") as server:
        yield server
