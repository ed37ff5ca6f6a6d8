"""Many threads at one start line, each on a database connection of its own."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Barrier
from typing import TypeVar

from django.db import connection

from tests.support import database

MOST_JOBS = 64
PATIENCE_S = 60
# A session that waits longer for a lock than this hangs: its test fails and the run goes on.
LOCK_TIMEOUT = "20s"

Result = TypeVar("Result")

_threads = ThreadPoolExecutor(MOST_JOBS)
"""They stay, and so do their sessions: a new one has to read the catalogues first."""


def at_once(jobs: Sequence[Callable[[], Result]]) -> list[Result]:
    """Start every job in the same moment and give back their results in order.

    What a job raises, this raises; a job that waits for a lock too long raises too.
    """
    start = Barrier(len(jobs))

    def run(job: Callable[[], Result]) -> Result:
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
            start.wait(PATIENCE_S)
            return job()
        finally:
            database.keep_session()

    futures = [_threads.submit(run, job) for job in jobs]
    wait(futures, PATIENCE_S)
    return [future.result(timeout=0) for future in futures]
