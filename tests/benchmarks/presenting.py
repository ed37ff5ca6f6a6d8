"""Codes shown in an app: how many a second its server has made, and how long one of them takes."""

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec

from merchants.models import Credential
from merchants.services.credentials import issue_credential
from tests.benchmarks import load, web
from tests.benchmarks.city import Orders
from tests.benchmarks.figures import Figure, paired, under
from tests.benchmarks.redemptions import WARM_UP_SECONDS

RATE, WAIT = "present_per_s", "present_p99_ms"
FIGURES = (RATE, WAIT)
WANTED_PER_S = 300.0
"""A code for every redemption of a city's busiest minute: 18,000."""

SHOWN_WITHIN_MS = 1_000.0
CONNECTIONS = 16
PATH = "/api/v1/vouchers/{id}/present"
RATE_MAX_PER_S = 4_000


def measure(
    orders: Orders,
    *,
    rounds: int,
    seconds: int,
    on_progress: Callable[[str], None] = lambda sentence: None,
) -> dict[str, Figure]:
    """Codes a second at 16 connections, and the 99th of a hundred waits while so many are made; any
    voucher may be shown again."""
    _, key = issue_credential(
        name="app",
        kind=Credential.Kind.CHANNEL,
        scopes=["residents"],
        channel_code="app",
        at=datetime.now(UTC) - timedelta(days=1),
    )
    rates: list[float] = []
    waits_ms: list[float] = []
    with web.serving(web.ENGINE) as port:
        for number in range(-1, rounds):
            length_s = seconds if number >= 0 else WARM_UP_SECONDS
            outcome = _presented(orders, key, port, length_s)
            if number >= 0:
                rates.append(outcome.per_s)
                waits_ms.append(outcome.p99_us / 1000)
                on_progress(f"{RATE}: {rates[-1]:,.0f}/s, p99 {waits_ms[-1]:.1f} ms")
    return {
        RATE: paired(rates, [WANTED_PER_S] * rounds, unit="codes/s", goal="≥ 1"),
        WAIT: under(waits_ms, SHOWN_WITHIN_MS, unit="ms", goal="≤ 1"),
    }


def _presented(orders: Orders, key: str, port: int, seconds: int) -> load.Outcome:
    count = min(RATE_MAX_PER_S * seconds, len(orders))
    residents = orders.resident_no[:count].tolist()
    lines = (
        f"{key}\t{code}\t{msgspec.json.encode({'resident': resident}).decode()}"
        for code, resident in zip(orders.codes(0, count), residents, strict=True)
    )
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
        file.write("\n".join(lines))
        file.flush()
        outcome = load.send(
            file.name, port=port, connections=CONNECTIONS, seconds=seconds, path=PATH
        )
    if outcome.refused or outcome.broken:
        raise RuntimeError(f"a run that went wrong measures nothing: {outcome}")
    return outcome
