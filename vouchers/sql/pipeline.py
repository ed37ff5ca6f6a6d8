"""Several statements in one round trip, on Django's own connection and in its transaction."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import psycopg
from django.db import connection

from vouchers.sql.statements import Statement
from vouchers.sql.wire import Pipeline

Row = TypeVar("Row")


@contextmanager
def pipeline() -> Iterator[Pipeline]:
    """Queue statements in this block; their answers are there when it has ended.

    Errors of any statement surface at the end of the block, as Django's exceptions.
    """
    raw = raw_connection()
    assert connection.in_atomic_block
    with connection.wrap_database_errors, Pipeline(raw) as queue:
        yield queue


@contextmanager
def reading() -> Iterator[Pipeline]:
    """As `pipeline`, for statements that need no transaction: nothing of them outlasts the block,
    and each sees what was committed before it began."""
    raw = raw_connection()
    with connection.wrap_database_errors, Pipeline(raw) as queue:
        yield queue


def raw_connection() -> psycopg.Connection[Any]:
    """Django's connection as psycopg has it, for statements that are sent without Django."""
    # As Django does before it makes a cursor: a broken connection is noticed once a request.
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    raw: psycopg.Connection[Any] | None = connection.connection
    assert raw is not None
    return raw


_SAVE: Final[Statement[Any]] = Statement("SAVEPOINT attempt")
_RELEASE: Final[Statement[Any]] = Statement("RELEASE SAVEPOINT attempt")
_GO_BACK: Final[Statement[Any]] = Statement("ROLLBACK TO SAVEPOINT attempt")


def attempt(statement: Statement[Row], parameters: Mapping[str, Any]) -> list[Row]:
    """The rows of a statement that may fail: then the transaction goes on as it was before.

    The savepoint travels with the statement.
    """
    raw = raw_connection()
    assert connection.in_atomic_block
    with connection.wrap_database_errors:
        try:
            with Pipeline(raw) as queue:
                _SAVE.send(queue, {})
                found = statement.send(queue, parameters)
                _RELEASE.send(queue, {})
        except psycopg.Error:
            if not raw.closed:
                _GO_BACK.send(raw, {})
            raise
        return found.rows()
