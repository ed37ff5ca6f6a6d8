"""The programs of an installation: how each is started, found again, and got rid of."""

import contextlib
import fcntl
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
from django.conf import settings

# By name, as Django names its applications: the processes' configuration stands above this module.
ASGI: Final = "config.asgi:application"
CELERY: Final = "config.celery"

HOST: Final = "127.0.0.1"
WEB_WORKERS: Final = 2
CHECKED: Final = {"CELERY_SKIP_CHECKS": "1"}
"""The command that starts the programs has made Django's checks; Celery would repeat them."""

HEALTH_TIMEOUT_S: Final = 5
NO_AUTHORITIES: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For plain HTTP: reading the certificates of all authorities takes longer than what is asked."""


class SupervisorError(RuntimeError):
    """The processes can't run; the message is one sentence for the person who started them."""


@dataclass(frozen=True, slots=True)
class Program:
    """A process to run: its name (of the log too), the arguments of this Python, a port if any."""

    name: str
    arguments: Sequence[str]
    port: int | None = None


def web(port: int) -> Program:
    """Granian on the loopback address; a worker of its that dies is respawned by itself."""
    options = {"interface": "asginl", "host": HOST, "port": port, "workers": WEB_WORKERS}
    flags = [f"--{name}={value}" for name, value in options.items()]
    respawn = ["--respawn-failed-workers", "--respawn-interval=0.5", "--workers-kill-timeout=10"]
    arguments = ["-m", "granian", *flags, *respawn, "--log-level=warning", ASGI]
    return Program("web", arguments, port)


def worker() -> Program:
    """A Celery worker with two processes."""
    options = ["--concurrency=2", "--loglevel=INFO", "--without-gossip", "--without-mingle"]
    return Program("worker", ["-m", "celery", "-A", CELERY, "worker", *options])


def beat() -> Program:
    """Celery's clock; its schedule is in code, so its file may be lost."""
    file = settings.HUIMIN_LOCAL_DIR / "run" / "beat"
    options = [f"--schedule={file}", "--pidfile=", "--loglevel=INFO"]
    return Program("beat", ["-m", "celery", "-A", CELERY, "beat", *options])


def pid_file_of(program: Program) -> Path:
    """Where a running program's process id is."""
    return run_directory() / f"{program.name}.pid"


def log_of(program: Program) -> Path:
    """Where a program's output goes."""
    directory: Path = settings.HUIMIN_LOCAL_DIR / "logs"
    directory.mkdir(parents=True, exist_ok=True)
    return directory / f"{program.name}.log"


def start(program: Program) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own. It holds a lock on its pid file while it lives."""
    with log_of(program).open("ab") as log, pid_file_of(program).open("w") as pid_file:
        fcntl.flock(pid_file, fcntl.LOCK_EX)
        process = subprocess.Popen(
            [sys.executable, *program.arguments],
            cwd=settings.BASE_DIR,
            env={**os.environ, **CHECKED},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=[pid_file.fileno()],
        )
        pid_file.write(f"{process.pid}\n")
    return process


def end_leftover(program: Program) -> None:
    """End a process that a killed supervisor has left: it still holds the lock on its pid file."""
    path = pid_file_of(program)
    if not path.exists():
        return
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            kill_group(int(file.read()))
            fcntl.flock(file, fcntl.LOCK_EX)


def kill_group(leader: int) -> None:
    """Kill what is left of a program's session: pool and web workers of a killed parent."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def check_port(port: int) -> None:
    """Raise SupervisorError when another process listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise SupervisorError(
                f"Port {port} is in use: stop its program on {HOST}, or give another --port."
            ) from None


def is_healthy(port: int) -> bool:
    """Whether the web server answers and finds its database and broker."""
    url = f"http://{HOST}:{port}/health/?format=json"
    try:
        answer = httpx.get(url, timeout=HEALTH_TIMEOUT_S, trust_env=False, verify=NO_AUTHORITIES)
    except httpx.TransportError:
        return False
    return answer.is_success


def run_directory() -> Path:
    """Where the files of running processes are."""
    directory: Path = settings.HUIMIN_LOCAL_DIR / "run"
    directory.mkdir(parents=True, exist_ok=True)
    return directory
