"""A PostgreSQL of this test's own, which may be killed: the run's may serve others too."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from django.db import connections

from config.servers import Postgres
from tests.support import database

_HOST = re.compile("host=[^&]*")


@pytest.fixture
def private_server(process_environment: dict[str, str]) -> Iterator[Postgres]:
    """The test database on a server of its own."""
    if os.environ.get("DATABASE_URL"):
        pytest.skip("the run is about a PostgreSQL of the operator's, which is not killed")
    root = Path(tempfile.mkdtemp(prefix="huimin-"))
    root.chmod(0o755)
    server = Postgres(root)
    server.start()
    hosts = {alias: connections.settings[alias]["HOST"] for alias in database.ALIASES}
    try:
        database.send_copy(from_host=hosts["owner"], to_host=str(server.run))
        use({alias: str(server.run) for alias in hosts})
        yield server
    finally:
        use(hosts)
        server.stop()
        shutil.rmtree(root)


@pytest.fixture
def private_postgres(
    process_environment: dict[str, str], private_server: Postgres
) -> dict[str, str]:
    """The environment that leads to it."""
    run = quote(str(private_server.run), safe="")
    addresses = {name: process_environment[name] for name in ("DATABASE_URL", "DATABASE_OWNER_URL")}
    return {
        **process_environment,
        **{name: _HOST.sub(f"host={run}", address) for name, address in addresses.items()},
    }


def use(hosts: dict[str, str]) -> None:
    """Let Django's connections go to other servers, by alias."""
    for alias, host in hosts.items():
        connections[alias].close()
        connections.settings[alias]["HOST"] = host
