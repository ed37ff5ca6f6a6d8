"""PostgreSQL and Valkey of the caller's own, which may be killed, restarted and emptied."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from django.db import connections

from config.embedded import valkey_url
from config.servers import Postgres, Valkey
from tests.support import database

_HOST = re.compile("host=[^&]*")


@dataclass(frozen=True)
class OwnServers:
    """Two servers of one directory."""

    root: Path
    postgres: Postgres
    valkey: Valkey

    @property
    def valkey_url(self) -> str:
        """The address of the Valkey."""
        return valkey_url(self.root)

    def environment(self, given: Mapping[str, str]) -> dict[str, str]:
        """An environment that leads to the PostgreSQL of the caller's own, and to its Valkey."""
        return {**with_postgres(given, self.postgres), "REDIS_URL": self.valkey_url}


@contextmanager
def own_servers(cluster: Path | None = None) -> Iterator[OwnServers]:
    """Both, started; they are ended, and what they hold is gone, afterwards."""
    with own_postgres(cluster) as postgres:
        root = postgres.run.parent
        valkey = Valkey(root)
        valkey.start()
        try:
            yield OwnServers(root, postgres, valkey)
        finally:
            valkey.stop()


@contextmanager
def own_postgres(cluster: Path | None = None) -> Iterator[Postgres]:
    """A PostgreSQL that begins with a copy of a cluster; without one it has no database but the
    installation's empty one."""
    root = Path(tempfile.mkdtemp(prefix="huimin-"))
    root.chmod(0o755)
    server = Postgres(root)
    if cluster is not None:
        subprocess.run(["cp", "-a", cluster, server.data], check=True)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(root)


@contextmanager
def connected_to(server: Postgres) -> Iterator[None]:
    """Django's connections go to that server while the block runs."""
    hosts = {alias: connections.settings[alias]["HOST"] for alias in database.ALIASES}
    use({alias: str(server.run) for alias in hosts})
    try:
        yield
    finally:
        use(hosts)


def with_postgres(environment: Mapping[str, str], server: Postgres) -> dict[str, str]:
    """The environment, leading to that server."""
    run = quote(str(server.run), safe="")
    names = ("DATABASE_URL", "DATABASE_OWNER_URL")
    led = {name: _HOST.sub(f"host={run}", environment[name]) for name in names}
    return {**environment, **led}


def use(hosts: Mapping[str, str]) -> None:
    """Let Django's connections go to other servers, by alias."""
    for alias, host in hosts.items():
        connections[alias].close()
        connections.settings[alias]["HOST"] = host
