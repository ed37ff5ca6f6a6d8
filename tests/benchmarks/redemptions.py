"""Redeeming over HTTP beside the two baselines, in short runs that take turns.

Whatever else the machine does falls on all alike. In every other round the baseline goes first.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from tests.benchmarks import ground, load, pgbench, web
from tests.benchmarks.city import City, Orders
from tests.benchmarks.figures import Figure, paired

SECONDS = 4
WARM_UP_SECONDS = 2
RATE_MAX_PER_S = 12_000
"""No contender answers more; so many orders are made ready for a second."""

TEXTBOOK_RATE_MAX_PER_S = 1_000


class Contest(NamedTuple):
    """A figure: connections of the engine, and the baseline with as many clients as given."""

    name: str
    connections: int
    baseline: str
    clients: int
    goal: str


CONTESTS = (
    Contest("redeem_http_64_vs_pgbench", 64, "pgbench", 64, "≥ 2.5"),
    Contest("redeem_http_256_vs_pgbench", 256, "pgbench", 150, "≥ 6"),
    Contest("redeem_http_16_vs_pgbench", 16, "pgbench", 16, "≥ 1.0"),
    Contest("redeem_http_1_vs_pgbench", 1, "pgbench", 1, "≥ 0.4"),
    Contest("redeem_http_64_vs_textbook", 64, "textbook", 64, "≥ 40"),
)


class Latency(NamedTuple):
    """Of one run of the engine, in milliseconds."""

    connections: int
    per_s: float
    p50_ms: float
    p99_ms: float


class Measured(NamedTuple):
    """Figures by name, and how long requests of the engine took."""

    figures: dict[str, Figure]
    latencies: list[Latency]


def measure(
    city: City,
    orders: Orders,
    contests: Sequence[Contest],
    *,
    rounds: int,
    seconds: int = SECONDS,
    on_progress: Callable[[str], None] = lambda sentence: None,
) -> Measured:
    """Run every contest `rounds` times. The pgbench function and its orders must be installed."""
    supply = load.Supply(city, orders)
    values: dict[str, list[float]] = defaultdict(list)
    against: dict[str, list[float]] = defaultdict(list)
    latencies: list[Latency] = []
    with ExitStack() as stack:
        engine = stack.enter_context(web.serving(web.ENGINE))
        textbook = None
        if any(contest.baseline == "textbook" for contest in contests):
            textbook = stack.enter_context(web.serving(web.TEXTBOOK))
        _warm_up(supply, engine, textbook)
        # As autovacuum does within a minute of the first rows: plans made of empty tables go.
        ground.analyze()
        for contest, is_reversed in _turns(contests, rounds):
            on_progress(f"{contest.name} ({seconds} s each)")

            def by_engine(contest: Contest = contest) -> float:
                outcome = _by_http(supply, engine, contest.connections, seconds, RATE_MAX_PER_S)
                latencies.append(_latency(contest.connections, outcome))
                return outcome.per_s

            def by_baseline(contest: Contest = contest) -> float:
                if contest.baseline == "pgbench":
                    return _by_pgbench(supply, contest.clients, seconds)
                assert textbook is not None
                outcome = _by_http(
                    supply, textbook, contest.clients, seconds, TEXTBOOK_RATE_MAX_PER_S
                )
                return outcome.per_s

            sides = [(values, by_engine), (against, by_baseline)]
            for figures, work in reversed(sides) if is_reversed else sides:
                figures[contest.name].append(work())
    return Measured(
        {
            c.name: paired(values[c.name], against[c.name], unit="redemptions/s", goal=c.goal)
            for c in contests
        },
        latencies,
    )


def _turns(contests: Sequence[Contest], rounds: int) -> Iterator[tuple[Contest, bool]]:
    for number in range(rounds):
        for contest in contests:
            yield contest, number % 2 == 1


def _warm_up(supply: load.Supply, *ports: int | None) -> None:
    """The first requests of a worker load what it needs; that is not measured."""
    for port in ports:
        if port is not None:
            _by_http(supply, port, 16, WARM_UP_SECONDS, RATE_MAX_PER_S)
    _by_pgbench(supply, 2, WARM_UP_SECONDS)


def _by_http(
    supply: load.Supply, port: int, connections: int, seconds: int, rate_max_per_s: int
) -> load.Outcome:
    capacity = rate_max_per_s * seconds
    return load.run(supply, port=port, connections=connections, seconds=seconds, capacity=capacity)


def _by_pgbench(supply: load.Supply, clients: int, seconds: int) -> float:
    numbers = supply.take(min(RATE_MAX_PER_S * seconds, supply.left))
    outcome = pgbench.run(numbers=numbers, clients=clients, seconds=seconds)
    supply.give_back(len(numbers) - outcome.used)
    return outcome.per_s


def _latency(connections: int, outcome: load.Outcome) -> Latency:
    return Latency(connections, outcome.per_s, outcome.p50_us / 1000, outcome.p99_us / 1000)
