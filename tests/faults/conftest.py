"""A PostgreSQL of this test's own, which may be killed: the run's may serve others too."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from django.db import connections

from config.servers import Postgres
from tests import database


@pytest.fixture
def private_postgres(process_environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """The test database on a server that nobody else uses; the environment that leads to it."""
    if os.environ.get("DATABASE_URL"):
        pytest.skip("the run is about a PostgreSQL of the operator's, which is not killed")
    root = Path(tempfile.mkdtemp(prefix="huimin-"))
    root.chmod(0o755)
    server = Postgres(root)
    server.start()
    hosts = {alias: connections.settings[alias]["HOST"] for alias in database.ALIASES}
    _use({alias: str(server.run) for alias in hosts})
    try:
        database.create()
        address = quote(hosts["default"], safe=""), quote(str(server.run), safe="")
        yield {name: value.replace(*address) for name, value in process_environment.items()}
        database.destroy()
    finally:
        _use(hosts)
        server.stop()
        shutil.rmtree(root)


def _use(hosts: dict[str, str]) -> None:
    for alias, host in hosts.items():
        connections[alias].close()
        connections.settings[alias]["HOST"] = host
