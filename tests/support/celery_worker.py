"""A real Celery worker as a process of its own, and patience until it has done something."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from vouchers.management.programs import CHECKED

PATIENCE_S = 60


def eventually(what: Callable[[], bool], *, patience_s: float = PATIENCE_S) -> None:
    """Wait until something is so, or fail."""
    give_up_at = time.monotonic() + patience_s
    while not what():
        assert time.monotonic() < give_up_at, "it never came true"
        time.sleep(0.02)


@contextmanager
def worker(
    environment: dict[str, str], *, name: str = "worker"
) -> Iterator[subprocess.Popen[bytes]]:
    """A Celery worker in a session of its own; killed at the end if it still runs."""
    command = [sys.executable, "-m", "celery", "-A", "config.celery", "worker"]
    quiet = ["--loglevel=WARNING", "--without-gossip", "--without-mingle"]
    process = subprocess.Popen(
        [*command, "--concurrency=1", f"--hostname={name}@%h", *quiet],
        env=environment | CHECKED,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
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
