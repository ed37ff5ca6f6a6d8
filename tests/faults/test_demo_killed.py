"""kill −9 of everything in the middle of the demo's distribution and of its merchant day."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from tests.support.demo_process import ROOT, demo, own_servers, summary_of

RESIDENTS = 8_000
DISTRIBUTION, DAY = "5. ", "6. "
"""How the lines of these steps begin."""

PAUSE_S = 0.3


@pytest.fixture
def local() -> Iterator[Path]:
    """A directory with a path short enough for Unix sockets."""
    directory = Path(tempfile.mkdtemp(prefix="hm-"))
    directory.chmod(0o755)
    yield directory
    stop = ["-m", "config.embedded", "stop"]
    subprocess.run([sys.executable, *stop], cwd=ROOT, env=own_servers(directory), check=True)
    shutil.rmtree(directory, ignore_errors=True)


def postgres(local: Path) -> int:
    return int((local / "pg" / "postmaster.pid").read_text().splitlines()[0])


def valkey(local: Path) -> int:
    with redis.Redis(unix_socket_path=str(local / "run" / "valkey.sock")) as client:
        return int(client.info("server")["process_id"])


def program(name: str) -> Callable[[Path], int]:
    return lambda local: int((local / "run" / f"{name}.pid").read_text())


VICTIMS = {
    "worker": program("worker"),
    "web": program("web"),
    "PostgreSQL": postgres,
    "Valkey": valkey,
}
"""Each with the way to its process id."""


@pytest.mark.timeout(600)
def test_killed_in_the_middle_everything_comes_back_and_nothing_is_lost(local: Path) -> None:
    killed: list[str] = []

    def kill_all() -> None:
        for name, pid_of in VICTIMS.items():
            time.sleep(PAUSE_S)
            os.kill(pid_of(local), signal.SIGKILL)
            killed.append(name)

    def on_line(line: str) -> None:
        if line.startswith((DISTRIBUTION, DAY)):
            threading.Thread(target=kill_all).start()

    code, said = demo(own_servers(local), RESIDENTS, on_line)
    assert killed == [*VICTIMS, *VICTIMS], said
    assert code == 0, said
    summary = summary_of(local)
    assert summary["books_proven"]
    assert summary["attacks_refused"]
    assert summary["nothing_lost"]
    assert summary["lost"] == []
    assert summary["restarts"]["web"] >= 1
    assert summary["restarts"]["worker"] >= 1
