"""A hot SQL statement as an object: its text and how to read a row of its answer.

Statements stand beside the table they are about; services run several in one pipeline.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import psycopg
from psycopg.types.numeric import Int8

from vouchers.sql.arrays import PACK, Pack

Row = TypeVar("Row")

_PARAMETER = re.compile(r"%\((\w+)\)s(?:::(\w+)\[\])?|%%")


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
    # By number of PostgreSQL's $1, $2, …: the name, and how a list of that type is packed.
    _parameters: Mapping[str, Pack | None] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Number the parameters once, so that executing need not read the text again."""
        parameters: dict[str, Pack | None] = {}

        def number(found: re.Match[str]) -> str:
            name, item = found.groups()
            if name is None:
                return "%"
            parameters[name] = PACK[item] if item else parameters.get(name)
            place = f"${list(parameters).index(name) + 1}"
            return f"{place}::{item}[]" if item else place

        object.__setattr__(self, "_query", _PARAMETER.sub(number, self.text).encode())
        object.__setattr__(self, "_parameters", parameters)

    def send(
        self, connection: psycopg.Connection[Any], parameters: Mapping[str, Any]
    ) -> "Result[Row]":
        """Execute, or queue when the connection is in a pipeline; rows are read from the answer."""
        values = [
            pack(parameters[name])
            if pack is not None and parameters[name] is not None
            else parameters[name]
            for name, pack in self._parameters.items()
        ]
        cursor = psycopg.RawCursor(connection)
        cursor.execute(self._query, values, binary=self.is_binary)
        return Result(cursor, self.decode)


class ByIds(Generic[Row]):
    """A statement on rows of a partitioned table, whose `text` says `IN %(name)s` of a list of ids.

    Every id is a parameter of its own. Only so does PostgreSQL leave the other partitions alone
    when it begins to execute; for an array or a join it opens all of them first. The list is
    filled up to one of few sizes, so that few statements are prepared.
    """

    SIZES = (8, 32, 128, 512)

    def __init__(
        self, text: str, name: str, decode: Callable[[Sequence[Any]], Row] = _as_is
    ) -> None:
        self._name = name
        self._statements = {
            size: Statement(text.replace(f"%({name})s", self._list(size)), decode)
            for size in self.SIZES
        }

    @staticmethod
    def _list(size: int) -> str:
        return f"({', '.join(f'%(id{number})s' for number in range(size))})"

    def send(
        self, connection: psycopg.Connection[Any], parameters: Mapping[str, Any]
    ) -> "Result[Row]":
        """As `Statement.send`, for at most 512 ids."""
        ids: Sequence[int] = parameters[self._name]
        size = next(size for size in self.SIZES if len(ids) <= size)
        filled = [*ids, *[ids[-1] if ids else 0] * (size - len(ids))]
        numbered = {f"id{number}": Int8(id_) for number, id_ in enumerate(filled)}
        return self._statements[size].send(connection, {**parameters, **numbered})


class Result(Generic[Row]):
    """The rows of a sent statement, fetched when asked for (after the pipeline's sync)."""

    __slots__ = ("_cursor", "_decode")

    def __init__(
        self, cursor: psycopg.RawCursor[Any], decode: Callable[[Sequence[Any]], Row]
    ) -> None:
        self._cursor = cursor
        self._decode = decode

    def rows(self) -> list[Row]:
        """Every row, decoded."""
        return [self._decode(row) for row in self._cursor.fetchall()]

    @property
    def rowcount(self) -> int:
        """Rows written or returned."""
        return self._cursor.rowcount
