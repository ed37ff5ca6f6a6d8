"""A hot SQL statement as an object: its text and how to read a row of its answer.

Statements stand beside the table they are about; services run several in one pipeline.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final, Generic, TypeVar

import psycopg
from psycopg.adapt import PyFormat, Transformer

from vouchers.sql.arrays import PACK, Pack, Packed, pack_bigint
from vouchers.sql.wire import Call, Pipeline, Reply, Wire, at_once

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
    # For each of PostgreSQL's $1, $2, …: the name, and how a list of that type is packed.
    _parameters: Sequence[tuple[str, Pack | None]] = field(init=False, repr=False)
    # Of the prepared statement, where every parameter's type is said in the text.
    _name: bytes = field(init=False, repr=False)

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

        query = _PARAMETER.sub(number, self.text).encode()
        object.__setattr__(self, "_query", query)
        object.__setattr__(self, "_parameters", list(parameters.items()))
        object.__setattr__(self, "_name", _digest(query, 16))

    def send(self, wire: Wire, parameters: Mapping[str, Any]) -> "Result[Row]":
        """Execute on a connection, or queue in a pipeline; rows are read from the answer."""
        if isinstance(wire, Pipeline):
            call = self._call(wire.connection, parameters)
            return Result(wire.connection, wire.queue(call), self.decode)
        return Result(wire, at_once(wire, self._call(wire, parameters)), self.decode)

    def _call(self, connection: psycopg.Connection[Any], parameters: Mapping[str, Any]) -> Call:
        values: list[Any] = []
        others: list[int] = []
        for name, pack in self._parameters:
            value = parameters[name]
            if value is None or value.__class__ is Packed:
                pass
            elif pack is not None:
                value = pack(value)
            else:
                others.append(len(values))
            values.append(value)
        types, formats, prepared = [0] * len(values), [1] * len(values), self._name
        if others:
            dumped = Transformer.from_context(connection)
            found = dumped.dump_sequence([values[n] for n in others], [PyFormat.AUTO] * len(others))
            oids, kinds = dumped.types or (), dumped.formats or ()
            for n, value, oid, kind in zip(others, found, oids, kinds, strict=True):
                values[n], types[n], formats[n] = value, oid, kind
            prepared = b"%s_%s" % (prepared, _digest(repr(oids).encode(), 8))
        return Call(prepared, self._query, values, types, formats, int(self.is_binary))


def _digest(data: bytes, size: int) -> bytes:
    return blake2b(data, digest_size=size).hexdigest().encode()


_NAMES: Final = [f"id{number}" for number in range(512)]


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
        return f"({', '.join(f'%({name})s' for name in _NAMES[:size])})"

    def send(self, wire: Wire, parameters: Mapping[str, Any]) -> "Result[Row]":
        """As `Statement.send`, for at most 512 ids."""
        ids: Sequence[int] = parameters[self._name]
        size = next(size for size in self.SIZES if len(ids) <= size)
        filled = [*ids, *[ids[-1] if ids else 0] * (size - len(ids))]
        numbered = {name: pack_bigint(id_) for name, id_ in zip(_NAMES, filled, strict=False)}
        return self._statements[size].send(wire, {**parameters, **numbered})


class Result(Generic[Row]):
    """The rows of a sent statement, decoded when asked for: after the pipeline has ended."""

    __slots__ = ("_connection", "_decode", "_reply")

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        reply: Reply,
        decode: Callable[[Sequence[Any]], Row],
    ) -> None:
        self._connection = connection
        self._reply = reply
        self._decode = decode

    def rows(self) -> list[Row]:
        """Every row, decoded."""
        result = self._reply.result
        assert result is not None, "the pipeline has not ended"
        if not result.ntuples:
            return []
        loaded = Transformer.from_context(self._connection)
        loaded.set_pgresult(result)
        decode = self._decode
        return [decode(row) for row in loaded.load_rows(0, result.ntuples, tuple)]

    @property
    def rowcount(self) -> int:
        """Rows written or returned."""
        result = self._reply.result
        assert result is not None, "the pipeline has not ended"
        return result.command_tuples or 0
