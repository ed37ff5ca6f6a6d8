"""Long answers read a block at a time, through a cursor that stays on the server."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any, Final

import psycopg

BLOCK_ROWS: Final = 5_000

Row = tuple[Any, ...]
_numbers = count(1)


def stream(
    raw: psycopg.Connection[Any],
    text: str,
    parameters: Mapping[str, Any],
    *,
    block_rows: int = BLOCK_ROWS,
) -> Iterator[Sequence[Row]]:
    """The rows of a query in blocks, in the transaction that is open. Instants come in UTC, jsonb
    as Python objects, bytea as bytes.
    """
    with raw.cursor(name=f"stream_{next(_numbers)}") as cursor:
        cursor.execute(text, parameters, binary=True)
        while block := cursor.fetchmany(block_rows):
            yield block
