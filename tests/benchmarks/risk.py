"""What risk rules cost: redeeming with every rule live beside redeeming with none.

One engine, one city, the same kind of orders: between the runs another version of the rules is
approved, which is in force for the next request. The figures are wide and what is noticed is paid,
since a refusal is not a redemption; every rule is asked, and every tally kept.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from tests.benchmarks import load, web
from tests.benchmarks.city import City, Orders
from tests.benchmarks.figures import Figure, paired
from tests.benchmarks.redemptions import RATE_MAX_PER_S, WARM_UP_SECONDS
from tests.support.risk import QUIET, rule, with_rules
from vouchers.services.campaigns.risk_rules import in_force
from vouchers.states import RiskKind, RiskSetting, RiskVerdict

FIGURE = "fraud_inline_ratio"
GOAL = "≤ 1.3"
CONNECTIONS = 64


def measure(
    city: City,
    orders: Orders,
    *,
    rounds: int,
    seconds: int,
    on_progress: Callable[[str], None] = lambda sentence: None,
) -> Figure:
    """Microseconds of wall clock a redemption, at 64 connections."""
    supply = load.Supply(city, orders, is_located=True)
    took_us: dict[RiskSetting, list[float]] = {RiskSetting.LIVE: [], RiskSetting.OFF: []}
    with web.serving(web.ENGINE) as port:
        for number in range(-1, rounds):
            # In every other round the rules go first; the round before the first warms up.
            for setting in sorted(took_us, reverse=number % 2 == 1):
                on_progress(f"{FIGURE}: rules {setting.value}")
                _set_rules(city, setting)
                length_s = seconds if number >= 0 else WARM_UP_SECONDS
                capacity = RATE_MAX_PER_S * length_s
                outcome = load.run(
                    supply,
                    port=port,
                    connections=CONNECTIONS,
                    seconds=length_s,
                    capacity=capacity,
                )
                if number >= 0:
                    took_us[setting].append(1e6 / outcome.per_s)
    return paired(
        took_us[RiskSetting.LIVE], took_us[RiskSetting.OFF], unit="µs a redemption", goal=GOAL
    )


def _set_rules(city: City, setting: RiskSetting) -> None:
    current = in_force(city.campaign)[1]
    wanted = [
        rule(kind, setting=setting, verdict=RiskVerdict.PAY, figures=QUIET[kind])
        for kind in RiskKind
    ]
    changed = [each for each in wanted if each.document not in current]
    with_rules(city.campaign, *changed, at=datetime.now(UTC))
