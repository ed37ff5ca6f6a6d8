"""A hot SQL statement as an object: its text and how to read a row of its answer.

Statements stand beside the table they are about; services run several in one pipeline.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import psycopg
from psycopg.types.numeric import Int8

Row = TypeVar("Row")


def _as_is(row: Sequence[Any]) -> Any:
    return row


def _as_bigint(value: Any) -> Any:
    """Lists of integers as bigint[] whatever their size.

    Left alone, psycopg picks the smallest type that fits the values, and every mixture of types
    would be one more prepared statement.
    """
    if isinstance(value, list) and any(type(item) is int for item in value):
        return [None if item is None else Int8(item) for item in value]
    return value


@dataclass(frozen=True, slots=True)
class Statement(Generic[Row]):
    """`text` with named parameters, `decode` from a fetched tuple to a row."""

    text: str
    decode: Callable[[Sequence[Any]], Row] = _as_is

    def send(
        self, connection: psycopg.Connection[Any], parameters: Mapping[str, Any]
    ) -> "Answer[Row]":
        """Execute, or queue when the connection is in a pipeline; rows are read from the answer."""
        cursor = psycopg.Cursor(connection)
        typed = {name: _as_bigint(value) for name, value in parameters.items()}
        cursor.execute(self.text.encode(), typed)
        return Answer(cursor, self.decode)


class Answer(Generic[Row]):
    """The rows of a sent statement, fetched when asked for (after the pipeline's sync)."""

    __slots__ = ("_cursor", "_decode")

    def __init__(self, cursor: psycopg.Cursor[Any], decode: Callable[[Sequence[Any]], Row]) -> None:
        self._cursor = cursor
        self._decode = decode

    def rows(self) -> list[Row]:
        """Every row, decoded."""
        return [self._decode(row) for row in self._cursor.fetchall()]

    @property
    def rowcount(self) -> int:
        """Rows written or returned."""
        return self._cursor.rowcount
