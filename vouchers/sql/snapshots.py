"""One snapshot of the database read by several connections at once."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from django.db import connection, transaction

CONNECTIONS: Final = 2

Found = TypeVar("Found")

# Whole tables are joined and hardly a row comes back. Each connection has a core to itself, so no
# statement is spread over several; partitions are summed one after the other in little memory.
# Alone, workers are started for tables of gigabytes only: of empty ones, which were never analysed,
# the planner expects so much that it would start them too.
_PLANNED_FOR_WHOLE_TABLES: Final = """
SET LOCAL work_mem = '256MB'; SET LOCAL jit = off; SET LOCAL hash_mem_multiplier = 2;
SET LOCAL max_parallel_workers_per_gather = {workers};
SET LOCAL parallel_setup_cost = 100000; SET LOCAL parallel_tuple_cost = 0;
SET LOCAL enable_partitionwise_aggregate = on; SET LOCAL enable_partitionwise_join = on
"""
WORKERS_ALONE: Final = 2


@dataclass
class Work(Generic[Found]):
    """A queue of scans, and the results of those that are done.

    `on_progress` is called after each piece with the number done and the number of all.
    """

    pieces: Iterable[Callable[[], Iterable[Found]]]
    on_progress: Callable[[int, int], None]
    found: list[Found] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._waiting = deque(self.pieces)
        self._of = len(self._waiting)

    def do(self) -> None:
        """All pieces in one snapshot: shared by several connections, or, inside a transaction of
        the caller's, in that one alone and as isolated as it is."""
        if connection.in_atomic_block:
            with _reading(workers=WORKERS_ALONE):
                self._through()
            return
        with _reading(workers=0), ThreadPoolExecutor(CONNECTIONS - 1) as pool:
            shared = _exported()
            helpers = [pool.submit(self._help, shared) for _ in range(CONNECTIONS - 1)]
            self._through()
            for helper in helpers:
                helper.result()

    def _help(self, shared: str) -> None:
        try:
            with _reading(workers=0, shared=shared):
                self._through()
        finally:
            connection.close()

    def _through(self) -> None:
        """Take pieces until none waits."""
        while True:
            try:
                piece = self._waiting.popleft()
            except IndexError:
                return
            self.found.extend(piece())
            self.on_progress(self._of - len(self._waiting), self._of)


@contextmanager
def _reading(*, workers: int, shared: str | None = None) -> Iterator[None]:
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        with connection.cursor() as cursor:
            if is_outermost:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            if shared is not None:
                cursor.execute("SET TRANSACTION SNAPSHOT %s", [shared])
            cursor.execute(_PLANNED_FOR_WHOLE_TABLES.format(workers=workers))
        yield


def _exported() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_export_snapshot()")
        (name,) = cursor.fetchone()
    return str(name)
