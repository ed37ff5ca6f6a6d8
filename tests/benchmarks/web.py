"""Web servers under measurement: granian on the loopback address, on the database in use."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

from tests.support.environment import environment

# Load shedding counts, and lets one till send what a hundred would. No line is logged of a request.
MUCH = {
    "HUIMIN_TERMINAL_RATE_LIMIT": "10000000",
    "HUIMIN_RATE_LIMIT": "10000000",
    "LOG_LEVEL": "WARNING",
}
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 20
ENGINE = ("--interface", "asginl", "--workers", "2", "config.asgi:application")
"""As `make serve` runs it: two workers, so two lanes."""

TEXTBOOK = (
    *("--interface", "wsgi", "--workers", "2", "--blocking-threads", "4"),
    "tests.benchmarks.textbook_wsgi:application",
)


@contextlib.contextmanager
def serving(arguments: Sequence[str], **variables: str) -> Iterator[int]:
    """Run granian with `arguments` and environment `variables`; gives its port."""
    port = _free_port()
    command = [sys.executable, "-m", "granian", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--no-ws", "--log-level", "warning", *arguments],
        env={**environment(), **MUCH, "PYTHONWARNINGS": "ignore", **variables},
        start_new_session=True,
    )
    try:
        _wait(process, port)
        yield port
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_TIMEOUT_S)
        # A worker may outlive the server by a moment, and keep the database from being dropped.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline_s and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("granian did not start; it says why above")
