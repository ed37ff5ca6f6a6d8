"""Databases of the benchmarks on the embedded (or given) PostgreSQL, and processes on them."""

import contextlib
from collections.abc import Iterator

import psycopg
from django.core.management import call_command
from django.db import connections
from psycopg import sql

from tests.support import database

NAME = "huimin_bench"
ALIASES = ("default", "owner")


def create(name: str = NAME) -> None:
    """An empty, migrated database of that name, to which `default` and `owner` then connect."""
    drop(name)
    with maintenance() as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    use(name)
    call_command("migrate", verbosity=0, interactive=False)


def copy(name: str, template: str) -> None:
    """A copy of a database without connections."""
    drop(name)
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
    with maintenance() as server:
        server.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))


def drop(name: str) -> None:
    """Drop a database if it is there."""
    close()
    database.drop(name)


def use(name: str) -> None:
    """Let Django's connections go to another database."""
    close()
    for alias in ALIASES:
        connections.settings[alias]["NAME"] = name


def close() -> None:
    """Leave the database one is connected to."""
    for alias in ALIASES:
        connections[alias].close()


def analyze() -> None:
    """Let the planner see what was just written; only the owner may."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("ANALYZE")


@contextlib.contextmanager
def maintenance() -> Iterator[psycopg.Connection]:
    """The owner role's connection to the server's own database."""
    given = connections.settings["owner"]
    address = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD"}
    parameters = {name: given[field] for name, field in address.items() if given.get(field)}
    with psycopg.connect(dbname="postgres", autocommit=True, **parameters) as connection:
        yield connection
