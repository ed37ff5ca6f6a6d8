"""Pipelines: statements sent together, their errors, and connections that are lost meanwhile."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection
from psycopg import pq

from vouchers.sql.statements import Statement
from vouchers.sql.wire import Pipeline

pytestmark = pytest.mark.django_db

DOUBLE = Statement("SELECT unnest(%(numbers)s::bigint[]) * 2", lambda row: int(row[0]))
ECHO = Statement("SELECT %(texts)s::text[]", lambda row: row[0])
DIVIDE = Statement("SELECT 1 / %(by)s::int", lambda row: int(row[0]))
NOTE: Statement[Any] = Statement("SELECT set_config('wire.note', %(note)s::text, false)")
NOTED = Statement("SELECT current_setting('wire.note', true)", lambda row: row[0])
TERMINATE: Statement[Any] = Statement("SELECT pg_terminate_backend(pg_backend_pid())")
ABSENT = Statement("SELECT count(*) FROM wire_comes_later", lambda row: int(row[0]))


@pytest.fixture
def wire() -> Iterator[psycopg.Connection[Any]]:
    """A connection of its own, as Django makes them."""
    parameters = connection.get_connection_params()
    parameters.pop("cursor_factory", None)
    with psycopg.connect(**parameters, autocommit=True) as opened:
        yield opened


def prepared(wire: psycopg.Connection[Any]) -> int:
    """How many statements the connection has prepared."""
    (count,) = wire.execute("SELECT count(*) FROM pg_prepared_statements").fetchone() or (0,)
    return int(count)


def status_of(wire: psycopg.Connection[Any]) -> pq.TransactionStatus:
    """Where the connection stands."""
    return wire.info.transaction_status


def test_statements_sent_together_are_answered_each(wire: psycopg.Connection[Any]) -> None:
    with Pipeline(wire) as queue:
        few, none = (DOUBLE.send(queue, {"numbers": numbers}) for numbers in ([1, 2], []))
    assert (few.rows(), none.rows(), few.rowcount) == ([2, 4], [], 2)


def test_there_is_no_answer_before_the_pipeline_has_ended(wire: psycopg.Connection[Any]) -> None:
    with Pipeline(wire) as queue:
        early = DOUBLE.send(queue, {"numbers": [1]})
        with pytest.raises(AssertionError, match="has not ended"):
            early.rows()
    assert early.rows() == [2]


def test_the_first_error_is_raised_and_what_is_behind_it_not_executed(
    wire: psycopg.Connection[Any],
) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero), Pipeline(wire) as queue:  # noqa: PT012
        NOTE.send(queue, {"note": "before"})
        DIVIDE.send(queue, {"by": 0})
        NOTE.send(queue, {"note": "behind"})
    # Of a transaction that failed nothing stays.
    assert NOTED.send(wire, {}).rows() in ([None], [""])
    assert DIVIDE.send(wire, {"by": 1}).rows() == [1]


def test_a_block_that_fails_sends_nothing(wire: psycopg.Connection[Any]) -> None:
    with pytest.raises(LookupError), Pipeline(wire) as queue:  # noqa: PT012
        NOTE.send(queue, {"note": "sent"})
        raise LookupError
    assert NOTED.send(wire, {}).rows() == [None]


def test_the_transaction_begins_with_the_first_statement(wire: psycopg.Connection[Any]) -> None:
    wire.autocommit = False
    DOUBLE.send(wire, {"numbers": [1]})
    assert status_of(wire) is pq.TransactionStatus.INTRANS
    with pytest.raises(psycopg.errors.DivisionByZero):
        DIVIDE.send(wire, {"by": 0})
    assert status_of(wire) is pq.TransactionStatus.INERROR
    wire.rollback()
    assert DOUBLE.send(wire, {"numbers": [1]}).rows() == [2]


def test_what_was_prepared_outlasts_a_rollback(wire: psycopg.Connection[Any]) -> None:
    wire.autocommit = False
    for _ in range(3):
        DOUBLE.send(wire, {"numbers": [1]})
        wire.rollback()
    assert prepared(wire) == 1


def test_a_statement_that_could_not_be_prepared_is_prepared_the_next_time(
    wire: psycopg.Connection[Any],
) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable):
        ABSENT.send(wire, {})
    wire.execute("CREATE TEMPORARY TABLE wire_comes_later ()")
    assert ABSENT.send(wire, {}).rows() == [0]


def test_megabytes_pass_in_both_directions_at_once(wire: psycopg.Connection[Any]) -> None:
    """Neither side waits for the other to read first."""
    texts = ["x" * 100_000] * 10
    with Pipeline(wire) as queue:
        echoes = [ECHO.send(queue, {"texts": texts}) for _ in range(20)]
    assert all(echo.rows() == [texts] for echo in echoes)


def test_a_server_that_goes_says_why_and_the_connection_is_closed(
    wire: psycopg.Connection[Any],
) -> None:
    with pytest.raises(psycopg.errors.AdminShutdown), Pipeline(wire) as queue:  # noqa: PT012
        TERMINATE.send(queue, {})
        DOUBLE.send(queue, {"numbers": [1]})
    assert wire.closed
    with pytest.raises(psycopg.OperationalError, match="closed"):
        DOUBLE.send(wire, {"numbers": [1]})
