"""Clients over HTTP: each sends an act until it is answered, whatever is killed meanwhile."""

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from itertools import count
from typing import NamedTuple

import msgspec

from tests.support.mixed_load.acts import Act, Table
from tests.support.mixed_load.log import KEYLESS, Entry, Log, Repeat

CLIENTS = 32
PATIENCE_S = 90.0
TIMEOUT_S = 20.0
PAUSE_S = 0.05
REPEATED = 0.03
"""The share of acts that are sent once more after they were answered."""

HANGS_UP = 0.05
"""The share of acts after which a client calls anew, which lets all workers have a share."""

GATE = frozenset({"busy", "request_in_flight", "rate_limited"})
"""Refusals that say nothing of what became of the act."""


class Answer(NamedTuple):
    """An answer that stands."""

    status: int
    body: bytes


@dataclass
class Crowd:
    """All clients: what they share, and what they have noted."""

    port: int
    table: Table
    seed: int
    log: Log = field(default_factory=Log)
    done: list[tuple[Entry, Act]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """The clients act while the block runs; at its end each finishes the act it has begun."""
        with ThreadPoolExecutor(CLIENTS) as pool:
            shifts = [pool.submit(Client(self, number).work) for number in range(CLIENTS)]
            try:
                yield
            finally:
                self.over.set()
            for shift in shifts:
                shift.result(PATIENCE_S)

    def ask_again(self, most: int) -> None:
        """Some of the acts once more, drawn by seed."""
        stored = [(entry, act) for entry, act in self.done if entry.is_stored]
        client = Client(self, CLIENTS)
        for entry, act in random.Random(self.seed).sample(stored, min(most, len(stored))):
            client.repeat(entry, act)
        client.leave()


class Client:
    """A till and an app in one, by dice of its own."""

    def __init__(self, crowd: Crowd, number: int) -> None:
        self._crowd = crowd
        self._dice = random.Random(f"{crowd.seed}/{number}")
        self._keys = (f"C{number}-{n}" for n in count(1))
        self._connection = HTTPConnection("127.0.0.1", crowd.port, timeout=TIMEOUT_S)

    def work(self) -> None:
        """Act until it is over."""
        table = self._crowd.table
        while not self._crowd.over.is_set():
            act = table.draw(self._dice, next(self._keys))
            table.learn(act, self._act(act))
            if self._dice.random() < HANGS_UP:
                self.leave()
        self.leave()

    def leave(self) -> None:
        """Hang up."""
        self._connection.close()

    def repeat(self, entry: Entry, act: Act) -> None:
        """Send an act that was answered once more."""
        answer, _, _ = self._until_answered(act)
        with self._crowd.lock:
            self._crowd.log.repeats.append(Repeat(entry.key, *answer))

    def _act(self, act: Act) -> Entry:
        """The entry of an act, noted."""
        began_s = time.monotonic()
        answer, asked_s, sendings = self._until_answered(act)
        entry = Entry(
            act.kind,
            act.resident,
            act.key,
            act.sent,
            asked_s if act.kind in KEYLESS else began_s,
            time.monotonic(),
            *answer,
        )
        with self._crowd.lock:
            self._crowd.log.entries.append(entry)
            self._crowd.log.resolved += sendings > 1
            self._crowd.done.append((entry, act))
        if entry.is_stored and self._dice.random() < REPEATED:
            self.repeat(entry, act)
        return entry

    def _until_answered(self, act: Act) -> tuple[Answer, float, int]:
        """The answer that stands, when it was last asked for, and how often it was sent."""
        give_up_at = time.monotonic() + PATIENCE_S
        for sendings in count(1):
            asked_s = time.monotonic()
            answer = self._sent(act)
            if isinstance(answer, Answer):
                return answer, asked_s, sendings
            assert time.monotonic() < give_up_at, f"never answered: {act}"
            time.sleep(PAUSE_S)
        raise AssertionError  # count() does not end

    def _sent(self, act: Act) -> Answer | None:
        """The answer to one sending; None where its outcome is unknown, which is noted."""
        headers = {"Authorization": f"Bearer {act.bearer}", "Content-Type": "application/json"}
        if act.kind not in KEYLESS:
            headers["Idempotency-Key"] = act.key
        log = self._crowd.log
        with self._crowd.lock:
            log.sendings += 1
        try:
            self._connection.request("POST", act.path, msgspec.json.encode(act.body), headers)
            response = self._connection.getresponse()
            answer = Answer(response.status, response.read())
        except (OSError, HTTPException) as error:
            self._connection.close()
            trouble = f"cut ({type(error).__name__})"
        else:
            trouble = _trouble(answer)
            if not trouble:
                return answer
        with self._crowd.lock:
            log.unknown[trouble] += 1
            if trouble.startswith(BROKEN):
                log.broken.append(f"{trouble} to {act.path}: {answer.body[:200]!r}")
        return None


BROKEN = "broken"


def _trouble(answer: Answer) -> str:
    """What an answer is that does not stand; empty for one that does."""
    if answer.status < 400:
        return ""
    try:
        body = msgspec.json.decode(answer.body)
        code, rule = body["code"], body["rule"]
    except (msgspec.DecodeError, TypeError, KeyError):
        return f"{BROKEN} ({answer.status})"
    if code in GATE:
        return code if rule == code else f"{code} ({rule})"
    return f"{BROKEN} ({answer.status})" if answer.status >= 500 else ""
