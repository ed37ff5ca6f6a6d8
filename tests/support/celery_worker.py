"""A real Celery worker as a process of its own, and patience until it has done something."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PATIENCE_S = 60


def eventually(what: Callable[[], bool]) -> None:
    """Wait until something is so, or fail."""
    give_up_at = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < give_up_at, "it never came true"
        time.sleep(0.02)


@contextmanager
def worker(
    environment: dict[str, str], *, concurrency: int = 1
) -> Iterator[subprocess.Popen[bytes]]:
    """A Celery worker in a session of its own; killed at the end if it still runs."""
    command = [sys.executable, "-m", "celery", "-A", "config.celery", "worker"]
    quiet = ["--loglevel=WARNING", "--without-gossip", "--without-mingle"]
    process = subprocess.Popen(
        [*command, f"--concurrency={concurrency}", *quiet], env=environment, start_new_session=True
    )
    try:
        yield process
    finally:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """kill −9 of the worker and its children."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
