"""The test database: migrated once, then copied for every test that commits.

Rows of the ledger can't be deleted or truncated, so Django's way of undoing committed rows, a
flush, would be refused. A test marked `transaction=True` gets the database replaced instead.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
from django.core.management import call_command
from django.db import connections
from psycopg import sql

from config import servers

NAME = f"test_huimin_{os.getpid()}"
TEMPLATE = f"{NAME}_template"
MAINTENANCE = "postgres"
ALIASES = ("default", "owner")
TERMINATE_TIMEOUT_MS = 10_000
# For the mutation check: a migrated database to begin from, and statements to spoil the copy with.
BASE_VARIABLE = "HUIMIN_TEST_BASE"
SPOIL_VARIABLE = "HUIMIN_TEST_SPOIL"


def create() -> None:
    """Migrate the template as the owner role and make the test database from it."""
    _drop_orphans()
    _use(TEMPLATE)
    if base := os.environ.get(BASE_VARIABLE):
        _copy(base, TEMPLATE)
    else:
        with _maintenance("owner") as server:
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
        call_command("migrate", verbosity=0, interactive=False)
    if spoil := os.environ.get(SPOIL_VARIABLE):
        with connections["owner"].cursor() as cursor:
            cursor.execute(Path(spoil).read_text())
    _close()
    _copy(TEMPLATE, NAME)
    _use(NAME)


def restore() -> None:
    """Replace the test database by a fresh copy; whoever is still connected is disconnected."""
    _close()
    _drop(NAME)
    _copy(TEMPLATE, NAME)


def destroy() -> None:
    """Leave nothing behind."""
    _close()
    _drop(NAME)
    _drop(TEMPLATE)


def _use(name: str) -> None:
    for alias in ALIASES:
        connections.settings[alias]["NAME"] = name


def _close() -> None:
    for alias in ALIASES:
        connections[alias].close()


@contextlib.contextmanager
def _maintenance(alias: str) -> Iterator[psycopg.Connection]:
    """A connection of an alias's role to the server's own database."""
    given = connections.settings[alias]
    address = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD"}
    parameters = {name: given[field] for name, field in address.items() if given.get(field)}
    parameters |= {k: v for k, v in given["OPTIONS"].items() if k.startswith("ssl")}
    with psycopg.connect(dbname=MAINTENANCE, autocommit=True, **parameters) as connection:
        yield connection


def _copy(template: str, name: str) -> None:
    # A small database is copied sooner through the log than by files, which takes two checkpoints.
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY wal_log")
    with _maintenance("owner") as server:
        server.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))


def _drop(name: str) -> None:
    # Each role may end its own sessions only, so both are asked.
    for alias in ALIASES:
        with _maintenance(alias) as server:
            server.execute(
                "SELECT pg_terminate_backend(pid, %s) FROM pg_stat_activity"
                " WHERE datname = %s AND usename = current_user",
                (TERMINATE_TIMEOUT_MS, name),
            )
    with _maintenance("owner") as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))


def _drop_orphans() -> None:
    """Drop what killed runs of this checkout left; on a shared server nobody's process is known."""
    if os.environ.get("DATABASE_URL"):
        return
    with _maintenance("owner") as server:
        found = server.execute(
            "SELECT datname, (regexp_match(datname, '^test_huimin_(\\d+)'))[1]::int"
            " FROM pg_database WHERE datname ~ '^test_huimin_\\d+'"
        ).fetchall()
    for name, pid in found:
        if not servers.is_alive(pid):
            _drop(name)
