"""How long a till waits at half of the load that the engine can work off: an open loop."""

from collections.abc import Callable

from tests.benchmarks import ground, load, web
from tests.benchmarks.city import City, Orders
from tests.benchmarks.figures import Figure, under
from tests.benchmarks.redemptions import RATE_MAX_PER_S, WARM_UP_SECONDS

FIGURE = "redeem_p99_ms_half_load"
GOAL = "≤ 1"
MOST_MS = 15.0
CONNECTIONS = 64


def measure(
    city: City,
    orders: Orders,
    *,
    rounds: int,
    seconds: int,
    on_progress: Callable[[str], None] = lambda sentence: None,
) -> Figure:
    """The 99th of a hundred latencies, in milliseconds: each round finds the peak first (a closed
    loop at 64 connections), then sends half as much a second, at random moments."""
    supply = load.Supply(city, orders)
    p99s_ms: list[float] = []
    with web.serving(web.ENGINE) as port:

        def peak(length_s: int) -> float:
            capacity = RATE_MAX_PER_S * length_s
            return load.run(
                supply, port=port, connections=CONNECTIONS, seconds=length_s, capacity=capacity
            ).per_s

        peak(WARM_UP_SECONDS)
        ground.analyze()
        for _ in range(rounds):
            rate_per_s = peak(seconds) / 2
            outcome = load.run_open(
                supply, port=port, connections=CONNECTIONS, rate_per_s=rate_per_s, seconds=seconds
            )
            p99s_ms.append(outcome.p99_us / 1000)
            on_progress(
                f"{FIGURE}: at {rate_per_s:,.0f}/s p50 {outcome.p50_us / 1000:.1f} ms,"
                f" p99 {p99s_ms[-1]:.1f} ms"
            )
    return under(p99s_ms, MOST_MS, unit="ms", goal=GOAL)
