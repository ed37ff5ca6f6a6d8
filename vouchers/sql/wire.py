"""Statements on their way: as many as are queued travel in one packet and one round trip.

psycopg's own pipelines hand every statement to the operating system by itself, and wait for the
socket several times for each. A batch of redemptions is two dozen statements, so that this, and
waking the server's process for each of them, was half of its time. Here libpq gathers them, and the
socket is written and read once. The calls are psycopg's documented ones of libpq (`psycopg.pq`).
"""

import select
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary

import psycopg
from psycopg import pq
from psycopg.errors import error_from_result
from psycopg.pq.abc import PGconn, PGresult

_FAILED: Final = (pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.PIPELINE_ABORTED)


class Call(NamedTuple):
    """A prepared statement with its parameters, encoded. `types` are oids, 0 where the text says
    the type; `name` is the same for the same text and types, in every process."""

    name: bytes
    query: bytes
    values: Sequence[bytes | None]
    types: Sequence[int]
    formats: Sequence[int]
    result_format: int


class Reply:
    """What a call was answered; there is nothing until its pipeline has ended."""

    __slots__ = ("result",)

    def __init__(self, result: PGresult | None = None) -> None:
        self.result = result


class Pipeline:
    """Calls queued on a connection, sent together when the block ends.

    Errors of any of them surface there; those behind it have not been executed then. In a block
    that itself fails nothing is sent.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self._queued: list[tuple[Call, Reply]] = []

    def queue(self, call: Call) -> Reply:
        """Send `call` with the others."""
        reply = Reply()
        self._queued.append((call, reply))
        return reply

    def __enter__(self) -> "Pipeline":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None and self._queued:
            results = _run(self.connection, [call for call, _ in self._queued])
            for (_, reply), result in zip(self._queued, results, strict=True):
                reply.result = result


Wire = psycopg.Connection[Any] | Pipeline
"""Where a statement is sent: on a connection at once, in a pipeline with the others."""


def at_once(connection: psycopg.Connection[Any], call: Call) -> Reply:
    """Send one call and wait for its answer."""
    (result,) = _run(connection, [call])
    return Reply(result)


# Names of what each connection has prepared. psycopg itself prepares nothing (`prepare_threshold`
# is None), else it would deallocate these too after a rollback.
_prepared: Final[WeakKeyDictionary[psycopg.Connection[Any], set[bytes]]] = WeakKeyDictionary()


def _run(connection: psycopg.Connection[Any], calls: Sequence[Call]) -> list[PGresult]:
    """The result of every call, or the first error. What each has to be preceded by (the beginning
    of a transaction, its preparation) goes along."""
    if connection.closed:
        raise psycopg.OperationalError("the connection is closed")
    pgconn = connection.pgconn
    known = _prepared.setdefault(connection, set())
    is_first = not connection.autocommit
    is_first = is_first and pgconn.transaction_status == pq.TransactionStatus.IDLE
    fresh = list({call.name: call for call in calls if call.name not in known}.values())
    pgconn.enter_pipeline_mode()
    try:
        if is_first:
            pgconn.send_query_params(b"BEGIN", None)
        for call in fresh:
            pgconn.send_prepare(call.name, call.query, call.types)
        for call in calls:
            pgconn.send_query_prepared(call.name, call.values, call.formats, call.result_format)
        pgconn.pipeline_sync()
        results = _received(pgconn)
        pgconn.exit_pipeline_mode()
    except BaseException:
        # Answers may be under way that will never be read.
        pgconn.finish()
        raise
    heads = int(is_first)
    for call, result in zip(fresh, results[heads:], strict=False):
        if result.status not in _FAILED:
            known.add(call.name)
    _raise_first(results)
    return results[heads + len(fresh) :]


def _received(pgconn: PGconn) -> list[PGresult]:
    """The results up to the sync. Waits without the GIL."""
    results: list[PGresult] = []
    socket = select.poll()
    unsent = pgconn.flush()
    while True:
        if unsent or pgconn.is_busy():
            socket.register(pgconn.socket, select.POLLIN | (select.POLLOUT if unsent else 0))
            socket.poll()
            try:
                pgconn.consume_input()
            except psycopg.OperationalError:
                # The server may have said why before it went.
                _raise_first(results)
                raise
            unsent = unsent and pgconn.flush()
            continue
        result = pgconn.get_result()
        if result is None:
            if pgconn.status == pq.ConnStatus.BAD:
                raise psycopg.OperationalError("the connection is lost")
        elif result.status == pq.ExecStatus.PIPELINE_SYNC:
            return results
        else:
            results.append(result)


def _raise_first(results: Sequence[PGresult]) -> None:
    for result in results:
        if result.status == pq.ExecStatus.FATAL_ERROR:
            raise error_from_result(result)
