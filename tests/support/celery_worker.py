"""A real Celery worker as a process of its own, and patience until it has done something."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

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
    environment: dict[str, str], *, name: str = "worker", include: str = "vouchers.tasks"
) -> Iterator[subprocess.Popen[bytes]]:
    """A Celery worker in a session of its own, which loads one more module; killed at the end if it
    still runs."""
    command = [sys.executable, "-m", "celery", "-A", "config.celery", "worker"]
    quiet = ["--loglevel=WARNING", "--without-gossip", "--without-mingle"]
    process = subprocess.Popen(
        [*command, "--concurrency=1", f"--hostname={name}@%h", f"--include={include}", *quiet],
        env=environment | CHECKED,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        kill(process)


def children_of(process: subprocess.Popen[bytes]) -> list[int]:
    """The processes of a worker that do its tasks; none of one that has ended."""
    try:
        listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    except FileNotFoundError:
        return []
    return [int(pid) for pid in listed.split()]


def kill_children(process: subprocess.Popen[bytes]) -> None:
    """kill −9 of the processes that do a worker's tasks; the worker makes others."""
    for pid in children_of(process):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def kill(process: subprocess.Popen[bytes]) -> None:
    """kill −9 of the worker and its children."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
