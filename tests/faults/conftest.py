"""A PostgreSQL of this test's own, which may be killed: the run's may serve others too."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connections

from config.servers import Postgres
from tests.support import database
from tests.support.own_servers import connected_to, own_postgres, with_postgres
from tests.support.receiver import receiver

__all__ = ["receiver"]


@pytest.fixture(scope="session")
def cluster(process_environment: dict[str, str]) -> Iterator[Path]:
    """The files of a PostgreSQL that has ended: the test database as a test finds it."""
    if os.environ.get("DATABASE_URL"):
        pytest.skip("the run is about a PostgreSQL of the operator's, which is not killed")
    with own_postgres() as server:
        database.send_copy(from_host=connections.settings["owner"]["HOST"], to_host=str(server.run))
        server.stop()
        yield server.data


@pytest.fixture
def private_server(cluster: Path) -> Iterator[Postgres]:
    """The test database on a server of its own."""
    with own_postgres(cluster) as server, connected_to(server):
        yield server


@pytest.fixture
def private_postgres(
    process_environment: dict[str, str], private_server: Postgres
) -> dict[str, str]:
    """The environment that leads to it."""
    return with_postgres(process_environment, private_server)
