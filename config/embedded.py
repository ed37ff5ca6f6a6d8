"""PostgreSQL 18 and Valkey 9 from Python wheels, started on demand for this checkout alone.

Without DATABASE_URL and REDIS_URL the entry points call `ensure()`. The servers listen on Unix
sockets below the local directory and on no TCP port, so two checkouts never meet. They run in a
session of their own and outlive a killed process: the next `ensure()` adopts them. Every process
that called `ensure()` holds a shared lock on one file, and the last one to leave stops the servers.
Importing this module, and asking it for addresses, starts nothing.
"""

import contextlib
import fcntl
import os
import sys
from collections.abc import Iterator
from multiprocessing.util import Finalize
from pathlib import Path
from urllib.parse import quote

from config.servers import (
    APP_ROLE,
    DATABASE,
    OWNER_ROLE,
    PORT,
    EmbeddedServerError,
    Postgres,
    Server,
    Valkey,
)

__all__ = [
    "APP_ROLE",
    "DATABASE",
    "OWNER_ROLE",
    "PORT",
    "EmbeddedServerError",
    "ensure",
    "local_dir",
    "postgres_host",
    "status",
    "stop",
    "valkey_url",
]

SOCKET_PATH_BYTES = 103 if sys.platform == "darwin" else 107


def local_dir() -> Path:
    """Where this checkout keeps its servers' data, secrets and results (HUIMIN_LOCAL_DIR)."""
    chosen = os.environ.get("HUIMIN_LOCAL_DIR", "").strip()
    return Path(os.path.abspath(chosen or Path(__file__).parent.parent / ".local"))


def postgres_host(root: Path) -> str:
    """The `host` by which libpq finds the embedded PostgreSQL."""
    return str(root / "run")


def valkey_url(root: Path) -> str:
    """The address of the embedded Valkey in redis-py's spelling."""
    return f"unix://{quote(str(root / 'run' / 'valkey.sock'))}"


def ensure() -> None:
    """Have the embedded servers of this checkout running; cheap if they are.

    Starts nothing for a server that DATABASE_URL or REDIS_URL replaces. Raises
    `EmbeddedServerError` with one clear sentence where a server can't run.
    """
    root = local_dir()
    servers = _wanted(root)
    if not servers:
        return
    _check(root)
    with _exclusive(root):
        _hold(root)
        for server in servers:
            if not server.is_ready():
                server.start()


def stop() -> None:
    """Stop this checkout's servers, also while other processes use them."""
    root = local_dir()
    if root.is_dir():
        with _exclusive(root):
            _stop_all(root)


def status() -> dict[str, bool]:
    """Which of this checkout's embedded servers answer."""
    return {server.name: server.is_ready() for server in _all(local_dir())}


def _all(root: Path) -> list[Server]:
    return [Valkey(root), Postgres(root)]


def _wanted(root: Path) -> list[Server]:
    replaced = {Postgres: "DATABASE_URL", Valkey: "REDIS_URL"}
    return [s for s in _all(root) if not os.environ.get(replaced[type(s)], "").strip()]


def _stop_all(root: Path) -> None:
    for server in _all(root):
        server.stop()


def _check(root: Path) -> None:
    room = SOCKET_PATH_BYTES - len(f"/run/.s.PGSQL.{PORT}")
    length = len(os.fsencode(root))
    if length > room:
        raise EmbeddedServerError(
            f"The local directory {root} is too long for a Unix socket ({length} bytes, at most"
            f" {room}): set HUIMIN_LOCAL_DIR to a shorter path."
        )
    if "," in str(root):
        raise EmbeddedServerError(
            f"The local directory {root} has a comma in its path, which PostgreSQL takes for two"
            " servers: set HUIMIN_LOCAL_DIR to a path without one."
        )
    try:
        root.mkdir(mode=0o755, parents=True, exist_ok=True)
        readable = os.access(root, os.R_OK | os.W_OK | os.X_OK)
    except OSError:
        readable = False
    if not readable:
        raise EmbeddedServerError(
            f"The local directory {root} belongs to another user: set HUIMIN_LOCAL_DIR to a"
            " directory of your own."
        )


@contextlib.contextmanager
def _exclusive(root: Path) -> Iterator[None]:
    """One process at a time starts or stops servers."""
    with (root / "start.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


AFTER_CHILDREN = -1
_holder: dict[Path, int] = {}


def _hold(root: Path) -> None:
    """Join the users of the servers; a forked child that asks for itself joins for itself."""
    if _holder.get(root) == os.getpid():
        return
    descriptor = os.open(root / "users.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    _holder[root] = os.getpid()
    # Unlike atexit this also runs in the web server's worker processes, and in no forked child.
    Finalize(None, _leave, args=(root, descriptor), exitpriority=AFTER_CHILDREN)


def _leave(root: Path, descriptor: int) -> None:
    """Stop the servers if no other process holds the lock."""
    if not root.is_dir():
        return
    with _exclusive(root):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        _stop_all(root)
        os.close(descriptor)


def main(arguments: list[str]) -> int:
    """`python -m config.embedded status|stop`."""
    if arguments == ["stop"]:
        stop()
    elif arguments != ["status"]:
        print("usage: python -m config.embedded status|stop", file=sys.stderr)
        return 2
    for name, ready in status().items():
        print(f"{name}: {'running' if ready else 'stopped'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
