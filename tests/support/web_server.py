"""A real web server on the test database: granian, on a free port of the loopback address."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from vouchers.management import programs
from vouchers.management.programs import NO_AUTHORITIES

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

    def client(self) -> httpx.Client:
        """A client of the server's."""
        return client_of(self.url)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rpartition(":")[2])

    @property
    def workers(self) -> list[int]:
        """Process ids of its workers, on systems with /proc."""
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [pid for pid in map(int, listed.split()) if _is_worker(pid)]


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
    arguments = ["-m", "granian", *flags, "--log-level=warning", APPLICATIONS[interface]]
    with _running(arguments, environment, port, wait or wait_ready) as server:
        yield server


@contextmanager
def serving_as_installed(environment: Mapping[str, str]) -> Iterator[Server]:
    """The very server that `manage.py serve` starts: two workers; one that dies is respawned."""
    port = free_port()
    with _running(programs.web(port).arguments, environment, port, wait_ready) as server:
        yield server


@contextmanager
def _running(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    port: int,
    wait: Callable[[Server], None],
) -> Iterator[Server]:
    process = subprocess.Popen(
        [sys.executable, *arguments],
        env={"LOG_LEVEL": "ERROR", **environment},
        start_new_session=True,
    )
    server = Server(process, f"http://{HOST}:{port}")
    try:
        wait(server)
        yield server
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                server.kill()


def _is_worker(pid: int) -> bool:
    """Whether a child of the server is one that answers, not the keeper of their semaphores."""
    return b"resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_bytes()


def client_of(url: str, *, timeout_s: float = 30) -> httpx.Client:
    """A client of the server at an address."""
    return httpx.Client(base_url=url, timeout=timeout_s, verify=NO_AUTHORITIES)


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
            # A connection for each question: a server that is not ready may leave one hanging.
            with client_of(server.url, timeout_s=10) as client:
                if is_enough(client.get("/health/?format=json").status_code):
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
