"""The embedded servers: started on demand, shared, adopted, recovered, stopped by the last user.

Users are processes of their own, since leaving is what a process does when it ends.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import redis

from config import embedded, servers

ROOT = Path(__file__).parents[2]
CHEAP_S = 0.1
SERVER_URLS = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL")

USER = """
import os, sys
from config import embedded
embedded.ensure()
print("ready", flush=True)
for line in sys.stdin:
    if line == "ensure\\n":
        embedded.ensure()
    elif line == "fork\\n" and os.fork() == 0:
        sys.exit()
    elif line == "fork\\n":
        os.wait()
    print("done", flush=True)
"""


class User:
    """A process that uses the servers of one local directory until it leaves or is killed."""

    def __init__(self, local: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", USER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=_environment(local),
        )
        assert self._answer() == "ready"

    def say(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()
        assert self._answer() == "done"

    def leave(self) -> None:
        self.process.communicate(timeout=60)
        assert self.process.returncode == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=60)

    def _answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


def _environment(local: Path) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if name not in SERVER_URLS}
    return own | {"HUIMIN_LOCAL_DIR": str(local)}


@contextmanager
def directory() -> Iterator[Path]:
    """A local directory with a short name; its servers are stopped at the end."""
    local = Path(tempfile.mkdtemp(prefix="huimin-"))
    local.chmod(0o755)
    try:
        yield local
    finally:
        servers.Postgres(local).stop()
        servers.Valkey(local).stop()
        shutil.rmtree(local)


@pytest.fixture
def empty() -> Iterator[Path]:
    """A local directory in which no server has been yet."""
    with directory() as local:
        yield local


@pytest.fixture(scope="module")
def used() -> Iterator[Path]:
    """A local directory whose servers were made and have ended."""
    with directory() as local:
        User(local).leave()
        yield local


@pytest.fixture
def local(used: Path, empty: Path) -> Path:
    """The same for one test: to copy a cluster takes an eighth of the time of making it."""
    subprocess.run(["cp", "-a", *used.iterdir(), empty], check=True)
    return empty


def connect(local: Path, role: str = embedded.OWNER_ROLE) -> psycopg.Connection:
    return psycopg.connect(
        host=embedded.postgres_host(local), port=embedded.PORT, dbname="huimin", user=role
    )


def postgres_pid(local: Path) -> int:
    return int((local / "pg" / "postmaster.pid").read_text(encoding="utf-8").split("\n")[0])


def valkey_pid(local: Path) -> int:
    with redis.Redis.from_url(embedded.valkey_url(local)) as client:
        return int(client.info("server")["process_id"])


def kill(*pids: int) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    while any(servers.is_alive(pid) for pid in pids):
        time.sleep(0.01)


def running(local: Path) -> list[bool]:
    return [servers.Postgres(local).is_ready(), servers.Valkey(local).is_ready()]


def test_a_second_call_is_cheap_and_finds_the_same_servers(local: Path) -> None:
    user = User(local)
    before = postgres_pid(local), valkey_pid(local)
    started = time.monotonic()
    user.say("ensure")
    assert time.monotonic() - started < CHEAP_S
    assert (postgres_pid(local), valkey_pid(local)) == before
    user.leave()


def test_the_last_user_to_leave_stops_both_servers(local: Path) -> None:
    first, second = User(local), User(local)
    first.leave()
    assert running(local) == [True, True]
    second.leave()
    assert running(local) == [False, False]
    assert not (local / "pg" / "postmaster.pid").exists()


def test_a_forked_child_leaves_without_stopping_anything(local: Path) -> None:
    user = User(local)
    user.say("fork")
    assert running(local) == [True, True]
    user.leave()
    assert running(local) == [False, False]


def test_a_worker_process_leaves_like_any_other_user(empty: Path) -> None:
    script = (
        "from multiprocessing import Process; from config import embedded;"
        "worker = Process(target=embedded.ensure); worker.start(); worker.join()"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=_environment(empty), check=True)
    assert (empty / "pg").is_dir()
    assert running(empty) == [False, False]


def test_servers_of_a_killed_user_are_adopted_by_the_next(local: Path) -> None:
    owner = User(local)
    before = postgres_pid(local), valkey_pid(local)
    owner.kill()
    assert running(local) == [True, True]
    heir = User(local)
    assert (postgres_pid(local), valkey_pid(local)) == before
    heir.leave()
    assert running(local) == [False, False]


def test_killed_servers_come_back_with_everything_committed(local: Path) -> None:
    user = User(local)
    with connect(local) as connection:
        connection.execute("CREATE TABLE evidence AS SELECT 42 AS answer")
    kill(postgres_pid(local), valkey_pid(local))
    user.say("ensure")
    with connect(local) as connection:
        assert connection.execute("SELECT answer FROM evidence").fetchone() == (42,)
    assert running(local) == [True, True]
    user.leave()


def test_a_stale_pid_file_of_another_program_is_ignored(local: Path) -> None:
    user = User(local)
    kill(postgres_pid(local))
    pid_file = local / "pg" / "postmaster.pid"
    lines = pid_file.read_text(encoding="utf-8").split("\n")
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]), encoding="utf-8")
    user.say("ensure")
    assert running(local) == [True, True]
    user.leave()


def test_two_checkouts_side_by_side_have_servers_of_their_own(local: Path) -> None:
    with directory() as other:
        here, there = User(local), User(other)
        assert postgres_pid(local) != postgres_pid(other)
        assert valkey_pid(local) != valkey_pid(other)
        here.leave()
        assert running(other) == [True, True]
        there.leave()


def test_a_directory_that_only_its_owner_may_enter_is_good_enough(empty: Path) -> None:
    empty.chmod(0o700)
    user = User(empty)
    assert running(empty) == [True, True]
    user.leave()


def test_the_servers_are_durable_have_no_port_and_two_roles(local: Path) -> None:
    user = User(local)
    with connect(local, embedded.APP_ROLE) as connection:
        for name, value in {
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            "listen_addresses": "",
        }.items():
            assert connection.execute("SELECT current_setting(%s)", (name,)).fetchone() == (value,)
        roles = connection.execute(
            "SELECT rolname, rolcreatedb, rolsuper, rolname = pg_get_userbyid(datdba)"
            " FROM pg_roles, pg_database WHERE datname = 'huimin' AND rolname ~ '^huimin'"
            " ORDER BY rolname"
        ).fetchall()
    assert roles == [("huimin_app", False, False, False), ("huimin_owner", True, False, True)]
    with redis.Redis.from_url(embedded.valkey_url(local)) as client:
        assert client.config_get("port") == {"port": "0"}
    user.leave()


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in SERVER_URLS:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_a_path_too_long_for_a_socket_gets_one_sentence(
    empty: Path, in_process: pytest.MonkeyPatch
) -> None:
    deep = empty / ("a" * 100)
    in_process.setenv("HUIMIN_LOCAL_DIR", str(deep))
    with pytest.raises(embedded.EmbeddedServerError, match="shorter path"):
        embedded.ensure()
    assert not deep.exists()


def test_a_platform_without_a_wheel_gets_one_sentence(
    empty: Path, in_process: pytest.MonkeyPatch
) -> None:
    in_process.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(embedded.EmbeddedServerError, match="servers of your own"):
        servers.Postgres(empty).start()


def test_nothing_starts_where_servers_are_named(
    empty: Path, in_process: pytest.MonkeyPatch
) -> None:
    untouched = empty / "untouched"
    in_process.setenv("HUIMIN_LOCAL_DIR", str(untouched))
    in_process.setenv("DATABASE_URL", "postgresql://huimin_app@db/huimin")
    in_process.setenv("REDIS_URL", "redis://cache:6379/0")
    embedded.ensure()
    assert not untouched.exists()
