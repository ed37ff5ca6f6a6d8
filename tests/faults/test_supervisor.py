"""Processes under supervision: started again when killed, given up when hopeless, never doubled."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from config.servers import is_alive
from tests.support.web_server import free_port
from vouchers.management.programs import HOST, Program, SupervisorError, pid_file_of, start
from vouchers.management.supervisor import STOP_SIGNALS, Supervisor

PATIENCE_S = 30
SLEEPER = Program("sleeper", ["-c", "import time; time.sleep(600)"])
WITH_CHILD = """
import subprocess, sys, time
print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid, flush=True)
time.sleep(600)
"""
PARENT = Program("parent", ["-c", WITH_CHILD])
FAILING = Program("failing", ["-c", "raise SystemExit(3)"])


@pytest.fixture(autouse=True)
def local(servers: None, settings: Settings, tmp_path: Path) -> Path:
    settings.HUIMIN_LOCAL_DIR = tmp_path
    return tmp_path


def pid_of(program: Program) -> int:
    return int(pid_file_of(program).read_text())


def eventually(what: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < give_up_at, "it never came true"
        time.sleep(0.02)


def test_a_killed_process_is_started_again_and_ends_with_the_block() -> None:
    said: list[str] = []
    with Supervisor([SLEEPER], said.append) as running:
        running.start()
        first = pid_of(SLEEPER)
        os.kill(first, signal.SIGKILL)
        eventually(lambda: running.restarts == {"sleeper": 1})
        second = pid_of(SLEEPER)
        assert second != first
        assert is_alive(second)
    assert not is_alive(second)
    assert said == ["sleeper ended (signal 9) and is started again"]


@pytest.fixture(params=STOP_SIGNALS, ids=lambda number: number.name)
def stop_signal(request: pytest.FixtureRequest) -> Iterator[signal.Signals]:
    """A signal, with its default effect, however the tests were started."""
    number: signal.Signals = request.param
    before = signal.signal(number, signal.SIG_DFL)
    yield number
    signal.signal(number, before)


def test_every_signal_to_stop_ends_the_processes(stop_signal: signal.Signals) -> None:
    with Supervisor([SLEEPER]) as running:
        running.start()
        pid = pid_of(SLEEPER)
        threading.Timer(0.5, os.kill, [os.getpid(), stop_signal]).start()
        with pytest.raises(KeyboardInterrupt):
            running.wait()
    assert not is_alive(pid)
    assert signal.getsignal(stop_signal) is signal.SIG_DFL


def test_an_ignored_signal_stays_ignored(stop_signal: signal.Signals) -> None:
    signal.signal(stop_signal, signal.SIG_IGN)
    with Supervisor([SLEEPER]):
        assert signal.getsignal(stop_signal) is signal.SIG_IGN


def test_what_a_killed_process_leaves_behind_is_ended(local: Path) -> None:
    with Supervisor([PARENT]) as running:
        running.start()
        log = local / "logs" / "parent.log"
        eventually(lambda: log.exists() and log.read_text().endswith("\n"))
        orphan = int(log.read_text())
        os.kill(pid_of(PARENT), signal.SIGKILL)
        eventually(lambda: running.restarts == {"parent": 1})
        eventually(lambda: not is_alive(orphan))


def test_a_process_that_ends_at_once_is_given_up_with_a_sentence() -> None:
    with Supervisor([FAILING]) as running:
        running.start()
        with pytest.raises(SupervisorError, match=r"ends as soon as it starts; see .*failing\.log"):
            running.wait()


def test_there_is_one_supervisor_per_installation() -> None:
    with (
        Supervisor([SLEEPER]),
        pytest.raises(SupervisorError, match="running already"),
        Supervisor([SLEEPER]),
    ):
        pass


def test_what_a_killed_supervisor_left_is_ended_by_the_next() -> None:
    left = start(SLEEPER)
    with Supervisor([SLEEPER]):
        left.wait(PATIENCE_S)
    assert left.returncode == -signal.SIGKILL


def test_a_port_in_use_is_named_before_anything_starts(local: Path) -> None:
    port = free_port()
    program = Program("server", SLEEPER.arguments, port)
    with socket.create_server((HOST, port)):
        with pytest.raises(SupervisorError, match=f"Port {port} is in use"), Supervisor([program]):
            pass
        assert not pid_file_of(program).exists()
