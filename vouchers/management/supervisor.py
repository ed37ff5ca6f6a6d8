"""The processes of one installation: started, watched, started again when killed, stopped cleanly.

`serve` and the demo run the web server, the worker and beat under it. Each is a session of its own,
so a Ctrl-C at the terminal reaches the supervisor alone, which then stops them in order. A killed
process is started again at once, and an embedded server that is gone is started again too. (The
runners of Procfiles end all processes when one ends, and leave them behind when killed.)
"""

import contextlib
import fcntl
import math
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from django.utils.module_loading import import_string

from vouchers.management.programs import (
    Program,
    SupervisorError,
    check_port,
    end_leftover,
    is_healthy,
    kill_group,
    log_of,
    run_directory,
    start,
)

# By name: the configuration stands above this module.
ENSURE_SERVERS: Final = "config.embedded.ensure"

WATCH_S: Final = 0.2
STOP_TIMEOUT_S: Final = 15.0
READY_TIMEOUT_S: Final = 120.0
QUICK_DEATH_S: Final = 5.0
QUICK_DEATHS: Final = 5

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, a service manager's stop, and the end of the terminal."""


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
    """Runs programs from `start` to the end of its block; `say` is called at every restart.

    Entering the block makes sure that they can run here: no other supervisor of this installation
    runs, what a killed one has left is ended, the ports are free. Raises SupervisorError. Within
    the block, which belongs to the main thread, STOP_SIGNALS raise KeyboardInterrupt.
    """

    programs: Sequence[Program]
    say: Callable[[str], None] = lambda sentence: None
    _children: list[_Child] = field(default_factory=list)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _watcher: threading.Thread | None = None
    _failure: str = ""
    _held: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __enter__(self) -> Self:
        self._held.enter_context(_alone())
        self._held.enter_context(_interruptible())
        try:
            for program in self.programs:
                end_leftover(program)
            for program in self.programs:
                if program.port is not None:
                    check_port(program.port)
        except BaseException:
            self._held.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def start(self) -> None:
        """Start the programs and watch them from now on."""
        for program in self.programs:
            self._children.append(_Child(program, start(program), time.monotonic()))
        self._watcher = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._watcher.start()

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
            while program.port is not None and not is_healthy(program.port):
                self.check()
                if time.monotonic() > deadline_s:
                    raise SupervisorError(f"{program.name} does not answer; see {log_of(program)}.")
                time.sleep(WATCH_S)

    def wait(self, for_s: float = math.inf) -> None:
        """Wait so long, or until one of STOP_SIGNALS raises KeyboardInterrupt."""
        deadline_s = time.monotonic() + for_s
        while time.monotonic() < deadline_s:
            self.check()
            time.sleep(WATCH_S)

    def _watch(self) -> None:
        ensure_servers: Callable[[], None] = import_string(ENSURE_SERVERS)
        while not self._stopping.wait(WATCH_S):
            try:
                ensure_servers()
                for child in self._children:
                    self._revive(child)
            except (RuntimeError, OSError) as error:  # a server that can't run says why
                self._failure = str(error)
                return

    def _revive(self, child: _Child) -> None:
        code = child.process.poll()
        if code is None:
            return
        kill_group(child.process.pid)
        lived_s = time.monotonic() - child.started_s
        child.quick_deaths = child.quick_deaths + 1 if lived_s < QUICK_DEATH_S else 0
        if child.quick_deaths >= QUICK_DEATHS:
            name, log = child.program.name, log_of(child.program)
            raise SupervisorError(f"The {name} process ends as soon as it starts; see {log}.")
        self.say(f"{child.program.name} ended ({_ending(code)}) and is started again")
        child.process, child.started_s = start(child.program), time.monotonic()
        child.deaths += 1

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
            kill_group(child.process.pid)
            child.process.wait()
        self._held.close()


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One supervisor per installation; the lock goes with its process."""
    with (run_directory() / "supervisor.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SupervisorError(
                "A demo or `serve` of this checkout is running already: stop it first."
            ) from None
        yield


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """STOP_SIGNALS raise KeyboardInterrupt, except those that are ignored, as under nohup."""
    handlers = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    before = {number: was for number, was in handlers.items() if was is not signal.SIG_IGN}
    for number in before:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
