"""The service, started once for the stories over HTTP."""

from collections.abc import Iterator

import pytest

from tests.support.web_server import Server, serving


@pytest.fixture(scope="session")
def service(process_environment: dict[str, str]) -> Iterator[Server]:
    """The web server with both doors, as it runs in production."""
    with serving(process_environment) as server:
        yield server
