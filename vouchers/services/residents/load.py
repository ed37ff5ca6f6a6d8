"""Residents by the million: blocks of columns, each staged by COPY and upserted in one transaction.

Blocks of one load never meet the same resident, so two of them are written at a time, on
connections of their own, while the next is prepared. An interrupted load is repeated as a whole.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
import psycopg
from django.db import IntegrityError, OperationalError, connection, transaction
from numpy.typing import NDArray
from psycopg import errors

from merchants.services.blocks import Faults, Mask
from merchants.services.summaries import LoadSummary
from merchants.services.tables import BLOCK_ROWS
from vouchers.models.residents import staging as staging
from vouchers.services.residents import identity
from vouchers.services.residents.columns import (
    DISTRICT_UNKNOWN,
    ResidentColumns,
    known_districts,
    mark_faults,
    stage,
    with_normal_phones,
)
from vouchers.sql.pipeline import raw_connection

WRITERS: Final = 2
ATTEMPTS: Final = 3


def load_residents(
    *,
    rows: ResidentColumns,
    at: datetime,
    keep_originals: bool = False,
    on_fault: Callable[[int, str], None] = lambda row, code: None,
    on_progress: Callable[[int], None] = lambda done: None,
) -> LoadSummary:
    """Upsert residents by external id; loading the same again changes nothing.

    A moved point supersedes the one before it, a consent text not yet agreed to replaces the live
    one, both as of `at`. Refused rows are reported to `on_fault` (position, code), the others are
    loaded; `on_progress` receives the number of rows done. Outside a transaction each block of
    65,536 rows commits by itself; inside one, all of it belongs to that transaction.
    """
    with ResidentLoader(at=at, keep_originals=keep_originals) as loader:
        for start in range(0, len(rows), BLOCK_ROWS):
            block = rows.block(start, start + BLOCK_ROWS)

            def report(faults: Faults, start: int = start, size: int = len(block)) -> None:
                for row, code in faults.rows():
                    on_fault(start + row, code)
                on_progress(start + size)

            loader.put(block, Faults(len(block)), report)
    return loader.summary


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    rows: ResidentColumns
    sound: Mask
    keys: NDArray[np.uint64]
    keep_originals: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class _Outcome:
    new: int
    changed: int
    unchanged: int
    refused: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class _Pending:
    outcome: "Future[_Outcome]"
    faults: Faults
    report: Callable[[Faults], None]


class ResidentLoader:
    """Takes blocks one after another, writes them, and keeps the summary.

    Within one load a second row of a resident, or of an identity, is refused.
    """

    def __init__(self, *, at: datetime, keep_originals: bool = False) -> None:
        self.summary = LoadSummary()
        self._at = at
        self._keep_originals = keep_originals
        self._residents, self._identities = _Seen(), _Seen()
        self._pending: deque[_Pending] = deque()
        # Other connections cannot take part in a transaction of the caller's.
        inside = connection.in_atomic_block
        self._writers = None if inside else ThreadPoolExecutor(WRITERS, "resident-load")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            while self._pending and error is None:
                self._finish_one()
        finally:
            if self._writers:
                self._writers.shutdown(cancel_futures=True)

    def put(self, rows: ResidentColumns, faults: Faults, report: Callable[[Faults], None]) -> None:
        """Load the rows without a fault; `report` is called, in order, once their fate is known."""
        rows, unknown_districts = known_districts(rows)
        rows = with_normal_phones(rows)
        mark_faults(rows, faults)
        keys = identity.id_keys(rows.external_id)
        faults.mark(self._residents.repeated(keys, faults.sound), "duplicate_row")
        self._mark_repeated_identities(rows, faults)
        if unknown_districts:
            self.summary.warnings[DISTRICT_UNKNOWN] += unknown_districts
        self.summary.read += len(rows)
        block = _Block(rows, faults.sound.copy(), keys, self._keep_originals, self._at)
        self._pending.append(_Pending(self._submit(block), faults, report))
        while len(self._pending) > (WRITERS if self._writers else 0):
            self._finish_one()

    def _submit(self, block: "_Block") -> "Future[_Outcome]":
        if self._writers:
            return self._writers.submit(_write_apart, block)
        done: Future[_Outcome] = Future()
        done.set_result(_write(block))
        return done

    def _mark_repeated_identities(self, rows: ResidentColumns, faults: Faults) -> None:
        if rows.national_id is None:
            return
        named = np.array([bool(one) for one in rows.national_id], dtype=np.bool_)
        keys = identity.id_keys(rows.national_id)
        faults.mark(self._identities.repeated(keys, faults.sound & named), "identity_taken")

    def _finish_one(self) -> None:
        pending = self._pending.popleft()
        outcome = pending.outcome.result()
        for row, code in outcome.refused:
            where = np.zeros(pending.faults.sound.size, dtype=np.bool_)
            where[row] = True
            pending.faults.mark(where, code)
        self.summary.new += outcome.new
        self.summary.changed += outcome.changed
        self.summary.unchanged += outcome.unchanged
        self.summary.refused += int((~pending.faults.sound).sum())
        pending.report(pending.faults)


class _Seen:
    """The 64-bit keys seen so far in a load.

    Among 25 million people two share a key with a chance of 2 in 100,000; one would be refused.
    """

    def __init__(self) -> None:
        self._keys = np.empty(0, dtype=np.uint64)

    def repeated(self, keys: NDArray[np.uint64], where: Mask) -> Mask:
        """Which rows of `where` bring a key that an earlier row or block brought; remembers all."""
        rows = np.flatnonzero(where)
        unique, first = np.unique(keys[rows], return_index=True)
        repeated = where.copy()
        repeated[rows[first]] = self._has(unique)
        self._keys = np.union1d(self._keys, unique)
        return repeated

    def _has(self, keys: NDArray[np.uint64]) -> Mask:
        if not self._keys.size:
            return np.zeros(keys.size, dtype=np.bool_)
        places = np.minimum(np.searchsorted(self._keys, keys), self._keys.size - 1)
        return np.asarray(self._keys[places] == keys)


def _write_apart(block: _Block) -> _Outcome:
    """Write a block on a connection of its own, which ends with it."""
    try:
        return _write(block)
    finally:
        connection.close()


def _write(block: _Block) -> _Outcome:
    """Write a block in one transaction; once more if another writer brought the same person."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with transaction.atomic():
                return _write_once(block)
        except (IntegrityError, OperationalError) as error:
            passing = isinstance(error.__cause__, errors.UniqueViolation | errors.DeadlockDetected)
            if attempt == ATTEMPTS or not passing:
                raise
    raise AssertionError("the last attempt returns or raises")


def _write_once(block: _Block) -> _Outcome:
    # Not prepared: a plan made for one block's staging tables may be a bad one for the next.
    with connection.wrap_database_errors, psycopg.Cursor(raw_connection()) as cursor:
        cursor.execute(staging.STAGE.encode(), prepare=False)
        data_keys = _DataKeys(cursor, block) if block.keep_originals else None
        staged = stage(block.rows, block.sound, block.keys, data_keys)
        _copy(cursor, staged.copy_text, staged.residents)
        _copy(cursor, staging.COPY_POINTS, staged.points)
        known = _one(cursor, staging.LOCK_KNOWN)[0]
        cursor.execute(staging.MATCH.encode(), prepare=False)
        refused = _refused(cursor) if known or staged.has_identities else ()
        statements = [*staging.FOR_NEW, *(staging.for_known(staged.given) if known else ())]
        for statement in statements:
            cursor.execute(statement.encode(), {"at": block.at}, prepare=False)
        new, changed, unchanged = _one(cursor, staging.COUNT)
    return _Outcome(new, changed, unchanged, refused)


class _DataKeys:
    """Wrapped data keys: the one on file, else a new one."""

    def __init__(self, cursor: psycopg.Cursor[Any], block: _Block) -> None:
        ids = {"external_ids": list(block.rows.external_id)}
        cursor.execute(staging.LOCK_DATA_KEYS.encode(), ids, prepare=False)
        self._on_file: dict[str, bytes] = dict(cursor.fetchall())

    def __call__(self, external_id: str) -> bytes:
        return self._on_file.get(external_id) or identity.new_data_key()


def _copy(cursor: psycopg.Cursor[Any], text: str, rows: bytes) -> None:
    with cursor.copy(text.encode()) as copy:
        copy.write(rows)


def _one(cursor: psycopg.Cursor[Any], text: str) -> Any:
    return cursor.execute(text.encode(), prepare=False).fetchone()


def _refused(cursor: psycopg.Cursor[Any]) -> tuple[tuple[int, str], ...]:
    return tuple(cursor.execute(staging.REFUSED.encode(), prepare=False).fetchall())
