"""A real web server on the test database: granian, on a free port of the loopback address."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

HOST = "127.0.0.1"
READY_S = 90
STOP_S = 20
APPLICATIONS = {"asginl": "config.asgi:application", "wsgi": "config.wsgi:application"}


@dataclass(frozen=True, slots=True)
class Server:
    """A running server and where it answers."""

    process: subprocess.Popen[bytes]
    url: str

    def kill(self) -> None:
        """kill −9 of the server and its workers, as a power cut would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(STOP_S)


@contextmanager
def serving(
    environment: Mapping[str, str],
    interface: str = "asginl",
    port: int | None = None,
    wait: Callable[[Server], None] | None = None,
) -> Iterator[Server]:
    """A server with one worker, as `manage.py serve` starts it; stopped at the end. `wait` is for
    it to be ready, its servers included unless said otherwise."""
    port = port or free_port()
    options: dict[str, object] = {"interface": interface, "host": HOST, "port": port, "workers": 1}
    if interface == "wsgi":
        options["blocking-threads"] = 4
    flags = [f"--{name}={value}" for name, value in options.items()]
    process = subprocess.Popen(
        [sys.executable, "-m", "granian", *flags, "--log-level=warning", APPLICATIONS[interface]],
        env={"LOG_LEVEL": "ERROR", **environment},
        start_new_session=True,
    )
    server = Server(process, f"http://{HOST}:{port}")
    try:
        (wait or wait_ready)(server)
        yield server
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                server.kill()


def wait_ready(server: Server) -> None:
    """Wait until it answers with its database and its broker healthy."""
    _wait(server, lambda status: status == 200)


def wait_up(server: Server) -> None:
    """Wait until it answers at all."""
    _wait(server, lambda status: True)


def _wait(server: Server, is_enough: Callable[[int], bool]) -> None:
    give_up_at = time.monotonic() + READY_S
    while time.monotonic() < give_up_at:
        assert server.process.poll() is None, "the server has ended"
        try:
            if is_enough(httpx.get(f"{server.url}/health/?format=json", timeout=10).status_code):
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError("the server never became ready")


def free_port() -> int:
    """A port that no program listens on just now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
