"""Long answers read a block at a time, through a cursor that stays on the server."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any, Final

import psycopg

BLOCK_ROWS: Final = 5_000

Row = tuple[Any, ...]
_numbers = count(1)


@contextmanager
def server_cursor(
    raw: psycopg.Connection[Any], text: str, parameters: Mapping[str, Any]
) -> Iterator[psycopg.ServerCursor[Any]]:
    """A query begun in the transaction that is open. Instants come in UTC, jsonb as Python
    objects, bytea as bytes.
    """
    with raw.cursor(name=f"stream_{next(_numbers)}") as cursor:
        cursor.execute(text, parameters, binary=True)
        yield cursor


def blocks(cursor: psycopg.ServerCursor[Any]) -> Iterator[Sequence[Row]]:
    """The rest of the answer, block by block."""
    while block := cursor.fetchmany(BLOCK_ROWS):
        yield block


def stream(
    raw: psycopg.Connection[Any], text: str, parameters: Mapping[str, Any]
) -> Iterator[Sequence[Row]]:
    """The rows of a query in blocks."""
    with server_cursor(raw, text, parameters) as cursor:
        yield from blocks(cursor)
