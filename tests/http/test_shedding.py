"""A key that asks too often is told to wait; a dead Valkey makes nobody wait."""

from dataclasses import replace
from typing import Any

import pytest
import redis

from merchants.auth import Caller
from vouchers.http.shedding import WINDOW_S, LoadShedder, limit_of

NOWHERE = "redis://127.0.0.1:1/0"


class Clock:
    """Seconds, moved by hand."""

    def __init__(self) -> None:
        self.now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def till(settings: Any) -> Caller:
    """A terminal that may ask twenty times in a window."""
    settings.HUIMIN_RATE_LIMITS = {"terminal": 120, "other": 0}
    return Caller(
        credential_id=7,
        kind="terminal",
        scopes=frozenset({"redeem"}),
        merchant_ids=frozenset(),
        store_ids=None,
        terminal_code="T1",
        channel_code="",
        is_test=False,
    )


@pytest.fixture
def process(redis_client: redis.Redis, settings: Any) -> LoadShedder:
    return LoadShedder(settings.REDIS_URL)


def test_a_key_is_rate_limited_after_too_many_calls(process: LoadShedder, till: Caller) -> None:
    answers = [process.admit(till) for _ in range(21)]
    assert [it.is_over for it in answers if it] == [False] * 20 + [True]
    first, last = answers[0], answers[-1]
    assert first is not None
    assert last is not None
    assert first.headers() == [
        ("RateLimit-Policy", f'"key";q=20;w={WINDOW_S}'),
        ("RateLimit", f'"key";r=19;t={WINDOW_S}'),
    ]
    assert dict(last.headers())["Retry-After"] == str(last.reset_s)
    assert last.remaining == 0


def test_requests_that_come_together_count_as_many(process: LoadShedder, till: Caller) -> None:
    left = [process.admit(till, requests=requests) for requests in (1, 18, 1, 1)]
    assert [(it.remaining, it.is_over) for it in left if it] == [
        (19, False),
        (1, False),
        (0, False),
        (0, True),
    ]


def test_another_key_is_not_concerned(process: LoadShedder, till: Caller) -> None:
    for _ in range(25):
        process.admit(till)
    other = process.admit(replace(till, credential_id=8))
    assert other is not None
    assert other.remaining == 19


def test_processes_count_together(process: LoadShedder, till: Caller, settings: Any) -> None:
    other = LoadShedder(settings.REDIS_URL)
    for _ in range(20):
        process.admit(till)
    process.report()
    standing = other.admit(till)
    assert standing is not None
    assert not standing.is_over, "it has not heard yet"
    other.report()
    standing = other.admit(till)
    assert standing is not None
    assert standing.is_over
    assert 0 < standing.reset_s <= WINDOW_S


def test_a_new_window_begins_when_the_old_one_ends(
    redis_client: redis.Redis, till: Caller, settings: Any
) -> None:
    clock = Clock()
    process = LoadShedder(settings.REDIS_URL, clock=clock)
    for _ in range(21):
        process.admit(till)
    clock.now_s += WINDOW_S
    standing = process.admit(till)
    assert standing is not None
    assert standing.remaining == 19


def test_a_quiet_till_costs_valkey_nothing(
    redis_client: redis.Redis, till: Caller, settings: Any
) -> None:
    """By a key of its own, since threads of other tests may still report theirs."""
    settings.HUIMIN_RATE_LIMITS = {"terminal": 12_000, "other": 0}
    process, quiet = LoadShedder(settings.REDIS_URL), replace(till, credential_id=4711)
    for _ in range(50):
        process.admit(quiet)
    process.report()
    assert not redis_client.keys("*4711*")
    process.admit(quiet, requests=1_000)
    process.report()
    assert redis_client.keys("*4711*"), "a busy one is counted under its number"


def test_a_dead_valkey_lets_everything_through(till: Caller) -> None:
    process = LoadShedder(NOWHERE)
    for _ in range(5):
        process.admit(till)
    process.report()
    for _ in range(100):
        standing = process.admit(till)
        assert standing is not None
        assert not standing.is_over


def test_kinds_without_a_limit_are_not_counted(process: LoadShedder, till: Caller) -> None:
    assert process.admit(replace(till, kind="integrator")) is None


def test_a_limit_is_rounded_up_to_whole_requests_of_a_window() -> None:
    assert limit_of("terminal", {"terminal": 1, "other": 0}) == 1
    assert limit_of("channel", {"terminal": 1, "other": 600}) == 100
