"""The demo as a process of its own, at a small size, and what it leaves behind."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connections

from config import embedded
from config.servers import Postgres
from tests.support import database
from tests.support.web_server import free_port

ROOT = Path(__file__).parents[2]
PATIENCE_S = 240
SERVER_URLS = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL")


def own_servers(local: Path) -> dict[str, str]:
    """The environment of an installation with embedded servers of its own."""
    others = {name: value for name, value in os.environ.items() if name not in SERVER_URLS}
    return others | {"HUIMIN_LOCAL_DIR": str(local)}


@contextmanager
def looking_into(local: Path) -> Iterator[None]:
    """Django's connections go to the database of an installation that has ended, while the block
    runs; its server is started for that."""
    there = {
        "HOST": embedded.postgres_host(local),
        "PORT": str(embedded.PORT),
        "NAME": embedded.DATABASE,
    }
    given = {alias: connections.settings[alias] for alias in database.ALIASES}
    before = {alias: {name: given[alias][name] for name in there} for alias in given}
    server = Postgres(local)
    server.start()
    for alias in given:
        connections[alias].close()
        given[alias].update(there)
    try:
        yield
    finally:
        for alias in given:
            connections[alias].close()
            given[alias].update(before[alias])
        server.stop()


def demo(
    environment: Mapping[str, str],
    residents: int,
    on_line: Callable[[str], None] = lambda line: None,
) -> tuple[int, str]:
    """Run it to the summary; its exit code and what it said. `on_line` hears every line at once."""
    options = ["--residents", str(residents), "--port", str(free_port()), "--exit"]
    with subprocess.Popen(
        [sys.executable, "manage.py", "demo", *options],
        cwd=ROOT,
        env={**environment, "PYTHONUNBUFFERED": "1", "COLUMNS": "100"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            on_line(line)
        return process.wait(PATIENCE_S), "".join(said)


def summary_of(local: Path) -> dict[str, Any]:
    """The figures it wrote."""
    found: dict[str, Any] = json.loads((local / "demo" / "summary.json").read_text("utf-8"))
    return found
