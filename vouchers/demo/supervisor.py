"""The processes of one installation: started, watched, started again when killed, stopped cleanly.

`serve` and the demo run the web server, the worker and beat under it. Each is a session of its own,
so a Ctrl-C at the terminal reaches the supervisor alone, which then stops them in order. A killed
process is started again at once, and an embedded server that is gone is started again too.
"""

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from django.conf import settings
from django.utils.module_loading import import_string

# By name, as Django names its applications: the processes' configuration stands above this module.
ENSURE_SERVERS: Final = "config.embedded.ensure"
ASGI: Final = "config.asgi:application"
CELERY: Final = "config.celery"

HOST: Final = "127.0.0.1"
WEB_WORKERS: Final = 2
WATCH_S: Final = 0.2
STOP_TIMEOUT_S: Final = 15.0
READY_TIMEOUT_S: Final = 60.0
QUICK_DEATH_S: Final = 5.0
QUICK_DEATHS: Final = 5


class SupervisorError(RuntimeError):
    """The processes can't run; the message is one sentence for whoever started them."""


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


@dataclass(slots=True)
class _Child:
    """A program and its process of the moment."""

    program: Program
    process: subprocess.Popen[bytes]
    started_s: float
    deaths: int = 0
    quick_deaths: int = 0


@dataclass
class Supervisor:
    """Runs programs from `with` to the end of its block; `say` is told of every restart."""

    programs: Sequence[Program]
    say: Callable[[str], None] = lambda sentence: None
    _children: list[_Child] = field(default_factory=list)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _watcher: threading.Thread | None = None
    _failure: str = ""
    _held: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __enter__(self) -> Self:
        self._held.enter_context(_alone())
        try:
            for program in self.programs:
                _end_leftover(program)
            for program in self.programs:
                if program.port is not None:
                    _check_port(program.port)
                self._children.append(_Child(program, _start(program), time.monotonic()))
        except BaseException:
            self._stop()
            raise
        self._watcher = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._watcher.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    @property
    def restarts(self) -> dict[str, int]:
        """How often each program had to be started again, by name."""
        return {child.program.name: child.deaths for child in self._children}

    def check(self) -> None:
        """Raise SupervisorError when a program can't be kept running."""
        if self._failure:
            raise SupervisorError(self._failure)

    def wait_ready(self) -> None:
        """Wait until the web server answers and finds its database and broker healthy."""
        deadline_s = time.monotonic() + READY_TIMEOUT_S
        for program in self.programs:
            while program.port is not None and not _is_healthy(program.port):
                self.check()
                if time.monotonic() > deadline_s:
                    raise SupervisorError(f"{program.name} does not answer; see {_log(program)}.")
                time.sleep(WATCH_S)

    def wait(self) -> None:
        """Wait for Ctrl-C (or a terminating signal, which ends the caller's thread)."""
        while True:
            self.check()
            time.sleep(WATCH_S)

    def _watch(self) -> None:
        ensure_servers: Callable[[], None] = import_string(ENSURE_SERVERS)
        while not self._stopping.wait(WATCH_S):
            try:
                ensure_servers()
                for child in self._children:
                    self._revive(child)
            except RuntimeError as error:  # an embedded server, with one sentence about it
                self._failure = str(error)
                return

    def _revive(self, child: _Child) -> None:
        code = child.process.poll()
        if code is None:
            return
        _kill_group(child.process.pid)
        lived_s = time.monotonic() - child.started_s
        child.quick_deaths = child.quick_deaths + 1 if lived_s < QUICK_DEATH_S else 0
        if child.quick_deaths >= QUICK_DEATHS:
            name, log = child.program.name, _log(child.program)
            raise SupervisorError(f"The {name} process ends as soon as it starts; see {log}.")
        self.say(f"{child.program.name} ended ({_ending(code)}) and is started again")
        child.deaths += 1
        child.process, child.started_s = _start(child.program), time.monotonic()

    def _stop(self) -> None:
        """Ask all to end, wait, and kill what is left. Embedded servers stay for their users."""
        self._stopping.set()
        if self._watcher:
            self._watcher.join()
        for child in self._children:
            with contextlib.suppress(ProcessLookupError):
                child.process.send_signal(signal.SIGTERM)
        deadline_s = time.monotonic() + STOP_TIMEOUT_S
        for child in self._children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.0, deadline_s - time.monotonic()))
            _kill_group(child.process.pid)
            child.process.wait()
        self._held.close()


def _check_port(port: int) -> None:
    """Raise SupervisorError when somebody else listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise SupervisorError(
                f"Port {port} is in use: stop whoever listens on {HOST}:{port}, or say --port."
            ) from None


def _run_directory() -> Path:
    directory: Path = settings.HUIMIN_LOCAL_DIR / "run"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One supervisor per installation; the lock goes with its process."""
    with (_run_directory() / "supervisor.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SupervisorError(
                "A demo or `serve` of this checkout is running already: stop it first."
            ) from None
        yield


def _pid_file(program: Program) -> Path:
    return _run_directory() / f"{program.name}.pid"


def _log(program: Program) -> Path:
    directory: Path = settings.HUIMIN_LOCAL_DIR / "logs"
    directory.mkdir(parents=True, exist_ok=True)
    return directory / f"{program.name}.log"


def _start(program: Program) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own. It holds a lock on its pid file while it lives."""
    with _log(program).open("ab") as log, _pid_file(program).open("w") as pid_file:
        fcntl.flock(pid_file, fcntl.LOCK_EX)
        process = subprocess.Popen(
            [sys.executable, *program.arguments],
            cwd=settings.BASE_DIR,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=[pid_file.fileno()],
        )
        pid_file.write(f"{process.pid}\n")
    return process


def _end_leftover(program: Program) -> None:
    """End a process that a killed supervisor has left: it still holds the lock on its pid file."""
    path = _pid_file(program)
    if not path.exists():
        return
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _kill_group(int(file.read()))
            fcntl.flock(file, fcntl.LOCK_EX)


def _kill_group(leader: int) -> None:
    """Kill what is left of a program's session: pool and web workers of a killed parent."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _is_healthy(port: int) -> bool:
    connection = HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/health/", headers={"Accept": "application/json"})
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
