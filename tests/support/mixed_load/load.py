"""The load itself: clients at a real web server, servers killed in the midst of it, and the books
read when all is over."""

import os
import random
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import redis
from django.db import connections

from tests.support.mixed_load.acts import Table
from tests.support.mixed_load.books import Books, read_books
from tests.support.mixed_load.checker import Ground
from tests.support.mixed_load.clients import Crowd
from tests.support.mixed_load.log import Log
from tests.support.mixed_load.scene import Scene
from tests.support.own_servers import OwnServers
from tests.support.web_server import Server, serving_as_installed

ASKED_AGAIN = 200
ACTS_A_PART = 75
"""So many acts at least are answered between two strikes, however slow the machine is."""
PATIENCE_S = 60.0


class Strike(NamedTuple):
    """Something done to a server: when, in seconds from the first act, and how long it took."""

    what: str
    at_s: float
    took_s: float


@dataclass(frozen=True)
class Load:
    """What was done, heard and written."""

    log: Log
    books: Books
    ground: Ground
    strikes: Sequence[Strike]
    took_s: float


def run_load(
    scene: Scene,
    servers: OwnServers,
    environment: Mapping[str, str],
    *,
    seconds: float,
    seed: int,
) -> Load:
    """All clients for so many seconds, in which a web worker is killed with kill −9, PostgreSQL is
    restarted and Valkey is emptied; then some acts are asked again, and the books are read.

    On a slow machine it lasts until enough acts are answered between the strikes.
    """
    dice = random.Random(seed)
    table = Table(scene.hands, scene.claimants, scene.keys)
    quietly = {**servers.environment(environment), "LOG_LEVEL": "CRITICAL"}
    with serving_as_installed(quietly) as server:
        crowd = Crowd(server.port, table, seed)
        started_s = time.monotonic()
        with crowd.at_work():
            strikes = _strike(_plan(server, servers, dice), crowd.log, seconds)
        took_s = time.monotonic() - started_s
        crowd.ask_again(ASKED_AGAIN)
    # Sessions that were there before the restart.
    connections.close_all()
    return Load(crowd.log, read_books(scene.campaign), scene.ground, strikes, took_s)


def _plan(
    server: Server, servers: OwnServers, dice: random.Random
) -> Sequence[tuple[str, Callable[[], None]]]:
    def kill_worker() -> None:
        os.kill(dice.choice(server.workers), signal.SIGKILL)

    def restart_postgres() -> None:
        servers.postgres.stop()
        servers.postgres.start()

    def flush_valkey() -> None:
        with redis.Redis.from_url(servers.valkey_url) as client:
            client.flushall()

    return (
        ("kill −9 of a web worker", kill_worker),
        ("restart of PostgreSQL", restart_postgres),
        ("FLUSHALL of Valkey", flush_valkey),
    )


def _strike(
    plan: Sequence[tuple[str, Callable[[], None]]], log: Log, seconds: float
) -> list[Strike]:
    """Each of the plan after an equal part of the time; another part follows the last."""
    struck = []
    started_s = time.monotonic()
    for number, (what, strike) in enumerate(plan, start=1):
        _wait(log, until_s=started_s + seconds * number / (len(plan) + 1))
        at_s = time.monotonic()
        strike()
        struck.append(Strike(what, at_s - started_s, time.monotonic() - at_s))
    _wait(log, until_s=started_s + seconds)
    return struck


def _wait(log: Log, *, until_s: float) -> None:
    wanted = len(log.entries) + ACTS_A_PART
    give_up_at = until_s + PATIENCE_S
    while (now_s := time.monotonic()) < until_s or len(log.entries) < wanted:
        assert now_s < give_up_at, "the clients are not answered"
        time.sleep(0.01)
