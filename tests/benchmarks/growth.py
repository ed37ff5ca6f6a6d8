"""What a redemption costs in a city of ten times the residents, vouchers and stores."""

from typing import Final

from tests.benchmarks import city, ground
from tests.benchmarks.figures import Figure, paired
from tests.benchmarks.size import BATCH, BATCHES, WARM_UP, OnProgress, orders_of, redeem_all

FIGURE: Final = "redeem_growth_10x"
GOAL: Final = "≤ 1.1"
TOWN: Final = "huimin_bench_growth_town"
CITY: Final = "huimin_bench_growth_city"
NAMES: Final = (TOWN, CITY)
SHARE: Final = BATCH * (WARM_UP + BATCHES)
RESIDENTS: Final = {TOWN: 3_000, CITY: 30_000}
STORES: Final = {TOWN: 24, CITY: 240}


def measure(*, rounds: int, on_progress: OnProgress) -> Figure:
    """Microseconds a redemption, in process and in batches, by turns in town and city."""
    orders = {}
    for name in NAMES:
        on_progress(f"{FIGURE}: {RESIDENTS[name]:,} residents, {STORES[name]} stores")
        ground.create(name)
        built = city.build(residents=RESIDENTS[name], stores=STORES[name])
        orders[name] = orders_of(built, most=SHARE * rounds)
    found: dict[str, list[float]] = {name: [] for name in NAMES}
    for number in range(rounds):
        # In every other round the city goes first.
        for name in sorted(NAMES, reverse=number % 2 == 1):
            ground.use(name)
            found[name].append(redeem_all(orders[name][number * SHARE : (number + 1) * SHARE]))
            on_progress(f"{name}: {found[name][-1]:,.0f} µs a redemption")
    return paired(found[CITY], found[TOWN], unit="µs", goal=GOAL)
