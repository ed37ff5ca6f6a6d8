"""A hot SQL statement as an object: its text and how to read a row of its answer.

Statements stand beside the table they are about; services run several in one pipeline.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import psycopg

from vouchers.models.arrays import PACK, Pack

Row = TypeVar("Row")

_ARRAY_PARAMETER = re.compile(r"%\((\w+)\)s::(\w+)\[\]")


def _as_is(row: Sequence[Any]) -> Any:
    return row


@dataclass(frozen=True, slots=True)
class Statement(Generic[Row]):
    """`text` with named parameters, `decode` from a fetched tuple to a row.

    A parameter that `text` casts to an array (`%(ids)s::bigint[]`) is given as a list. The cast
    alone decides its type, so every execution is the same prepared statement. With `is_binary`
    the answer comes in the binary format, which spares Django's own loaders: instants in UTC and
    jsonb as Python objects.
    """

    text: str
    decode: Callable[[Sequence[Any]], Row] = _as_is
    is_binary: bool = False
    _query: bytes = field(init=False, repr=False)
    _arrays: Mapping[str, Pack] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        found = _ARRAY_PARAMETER.findall(self.text)
        object.__setattr__(self, "_query", self.text.encode())
        object.__setattr__(self, "_arrays", {name: PACK[item] for name, item in found})

    def send(
        self, connection: psycopg.Connection[Any], parameters: Mapping[str, Any]
    ) -> "Answer[Row]":
        """Execute, or queue when the connection is in a pipeline; rows are read from the answer."""
        packed = dict(parameters)
        for name, pack in self._arrays.items():
            if packed[name] is not None:
                packed[name] = pack(packed[name])
        cursor = psycopg.Cursor(connection)
        cursor.execute(self._query, packed, binary=self.is_binary)
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
