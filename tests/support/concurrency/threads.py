"""Many threads at one start line, each on a database connection of its own."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Barrier, Event
from time import monotonic, sleep
from typing import TypeVar

from django.db import connection, transaction

from tests.support import database

MOST_JOBS = 64
PATIENCE_S = 60
# A session that waits longer for a lock than this hangs: its test fails and the run goes on.
LOCK_TIMEOUT = "20s"
WAITING = """
    SELECT EXISTS (
        SELECT FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock' AND state = 'active'
    )
"""

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


def wait_until_a_session_waits() -> None:
    """Return as soon as a statement of another connection waits for a lock; fail when none comes to
    wait."""
    until_s = monotonic() + PATIENCE_S
    while monotonic() < until_s:
        with connection.cursor() as cursor:
            # A transaction sees other sessions as they were when it first looked, but for this.
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(WAITING)
            if cursor.fetchone() == (True,):
                return
        sleep(0.01)
    raise AssertionError("no session came to wait for a lock")


def met(first: Callable[[], Result], second: Callable[[], Result]) -> list[Result]:
    """The answers of two acts of which the second waits until the first is committed."""
    has_begun = Event()

    def leads() -> Result:
        with transaction.atomic():
            answer = first()
            has_begun.set()
            wait_until_a_session_waits()
        return answer

    def follows() -> Result:
        assert has_begun.wait(PATIENCE_S)
        return second()

    return at_once([leads, follows])
