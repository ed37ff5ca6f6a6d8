"""One run of the benchmarks: what is asked for, in order; the table; the file of figures."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from rich.console import Console
from rich.table import Table

from tests.benchmarks import (
    admin_lists,
    alerts,
    audit,
    city,
    claims,
    distribute,
    equality,
    ground,
    growth,
    half_load,
    issue,
    machine,
    mixed_load,
    pgbench,
    presenting,
    redemptions,
    risk,
    size,
    snapshot,
    targeting,
)
from tests.benchmarks.figures import Figure, merge, paired, under
from tests.benchmarks.load import GENERATOR

TEMPLATE = "huimin_bench_template"
SAME = "huimin_bench_same"
TABLE_WIDTH = 110
ISSUE = {"issue_vs_raw_copy": "≥ 0.5", "issue_vs_bulk_create": "≥ 90"}


@dataclass
class Session:
    """What to measure and how thoroughly."""

    only: str
    rounds: int
    seconds: int
    residents: int
    compare: int
    figures: dict[str, Figure] = field(default_factory=dict)
    reports: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    latencies: list[redemptions.Latency] = field(default_factory=list)
    noise: machine.Noise = field(default_factory=machine.Noise)
    console: Console = field(default_factory=lambda: Console(width=TABLE_WIDTH))

    def run(self) -> int:
        """Measure; 0, or 1 when a baseline does not keep the engine's rules."""
        contests = [c for c in redemptions.CONTESTS if self._wants(c.name)]
        wants_issue = any(self._wants(name) for name in ISSUE)
        described = machine.describe()
        try:
            if contests and not self._same_rules():
                return 1
            if contests or wants_issue or self._wants_city():
                self._in_city(contests, wants_issue)
            if any(self._wants(name) for name in claims.FIGURES):
                self._claims()
            if self._wants(mixed_load.FIGURE):
                self._mixed_load()
            self._targeting()
            if any(self._wants(name) for name in alerts.FIGURES):
                self._alerts()
            if self._wants(audit.FIGURE) or self._wants(admin_lists.FIGURE):
                self._audit()
            if self._wants(size.FIGURE):
                self._size()
            if self._wants(growth.FIGURE):
                with self.noise.watched():
                    self.figures[growth.FIGURE] = growth.measure(
                        rounds=self.rounds, on_progress=self._say
                    )
        finally:
            own = (audit.NAME, snapshot.NAME, distribute.NAME)
            for name in (ground.NAME, TEMPLATE, *own, *size.NAMES, *growth.NAMES):
                ground.drop(name)
        path = settings.HUIMIN_LOCAL_DIR / "bench" / "latest.json"
        merge(path, self.figures, self.reports)
        self._print(described)
        self.console.print(f"Kept in {path}")
        return 0

    def _wants(self, name: str) -> bool:
        return name.startswith(self.only)

    def _wants_city(self) -> bool:
        """Whether anything is measured in the city that has no baseline."""
        names = (half_load.FIGURE, *presenting.FIGURES, risk.FIGURE)
        return any(self._wants(name) for name in names)

    def _say(self, sentence: str) -> None:
        self.console.print(f"[dim]… {sentence}[/dim]")

    def _same_rules(self) -> bool:
        """Whether the baselines answer and write as the engine does."""
        ground.create(TEMPLATE)
        ground.close()
        report = equality.compare(
            template=TEMPLATE, count=self.compare, name=SAME, on_progress=self._say
        )
        for difference in report.differences:
            self.console.print(difference, style="red", markup=False)
        if not report.differences:
            self._say(f"the baselines give the same verdicts and rows: {dict(report.verdicts)}")
        return not report.differences

    def _in_city(self, contests: list[redemptions.Contest], wants_issue: bool) -> None:
        self._say(f"a city of {self.residents:,} residents and their vouchers")
        ground.create()
        built = city.build(residents=self.residents)
        if wants_issue:
            self._issue(built)
        if not contests and not self._wants_city():
            return
        orders = city.orders(built)
        if contests:
            pgbench.install()
            pgbench.write_orders(built, orders)
            with self.noise.watched():
                measured = redemptions.measure(
                    built,
                    orders,
                    contests,
                    rounds=self.rounds,
                    seconds=self.seconds,
                    on_progress=self._say,
                )
            self.figures |= measured.figures
            self.latencies = measured.latencies
        self._without_baseline(built, orders)

    def _without_baseline(self, built: city.City, orders: city.Orders) -> None:
        with self.noise.watched():
            if any(self._wants(name) for name in presenting.FIGURES):
                self.figures |= presenting.measure(
                    orders, rounds=self.rounds, seconds=self.seconds, on_progress=self._say
                )
            for measured in (half_load, risk):
                if self._wants(measured.FIGURE):
                    self.figures[measured.FIGURE] = measured.measure(
                        built,
                        orders,
                        rounds=self.rounds,
                        seconds=self.seconds,
                        on_progress=self._say,
                    )

    def _issue(self, built: city.City) -> None:
        self._say("issuing")
        with self.noise.watched():
            rounds = [issue.measure(built) for _ in range(min(self.rounds, city.SPARE_SHARDS))]
        minting = [one.minting for one in rounds]
        sides = {
            "issue_vs_raw_copy": [one.raw_copy for one in rounds],
            "issue_vs_bulk_create": [one.bulk_create for one in rounds],
        }
        for name, against in sides.items():
            if self._wants(name):
                self.figures[name] = paired(minting, against, unit="vouchers/s", goal=ISSUE[name])

    def _claims(self) -> None:
        with self.noise.watched():
            self.figures |= claims.measure(
                self._wants, rounds=self.rounds, seconds=self.seconds, on_progress=self._say
            )

    def _mixed_load(self) -> None:
        with self.noise.watched():
            figure, report = mixed_load.measure(on_progress=self._say)
        self.figures[mixed_load.FIGURE] = figure
        self.reports[mixed_load.REPORT] = report

    def _alerts(self) -> None:
        for name, measure in (
            (alerts.FIGURE, partial(alerts.measure, rounds=self.rounds)),
            (alerts.MINTING, alerts.measure_minting),
        ):
            if self._wants(name):
                with self.noise.watched():
                    figure = measure(on_progress=self._say)
                if figure is not None:
                    self.figures[name] = figure

    def _targeting(self) -> None:
        for module in (targeting, snapshot, distribute):
            if any(self._wants(name) for name in module.FIGURES):
                with tempfile.TemporaryDirectory() as folder, self.noise.watched():
                    self.figures |= module.measure(
                        self._wants,
                        folder=Path(folder),
                        rounds=self.rounds,
                        on_progress=self._say,
                    )

    def _audit(self) -> None:
        size = audit.wanted_size()
        audit.build(size, on_progress=self._say)
        if self._wants(admin_lists.FIGURE):
            with self.noise.watched():
                figure = admin_lists.measure(rounds=self.rounds, on_progress=self._say)
            self.figures[admin_lists.name_of(size)] = figure
        if not self._wants(audit.FIGURE):
            return
        with self.noise.watched():
            reports = [audit.measure(number) for number in range(self.rounds)]
        took_s = [report.took_s for report in reports]
        name = audit.FIGURE if size == audit.VOUCHERS else f"audit_{size}_s"
        self.figures[name] = under(took_s, audit.MOST_S, unit="s", goal="≤ 1")
        for finding in audit.longest(reports[-1]):
            self._say(f"{finding.took_s:6.2f} s {finding.name}")

    def _size(self) -> None:
        on_file = size.wanted_size()
        with self.noise.watched():
            figure = size.measure(size=on_file, rounds=self.rounds, on_progress=self._say)
        self.figures[size.name_of(on_file)] = figure

    def _print(self, described: machine.Machine) -> None:
        table = Table(title="Benchmarks: median of rounds, least and greatest in brackets")
        for heading in ("figure", "value", "against", "unit", "ratio", "goal"):
            numeric = heading in {"value", "against", "ratio"}
            table.add_column(heading, justify="right" if numeric else "left", no_wrap=True)
        for name, figure in self.figures.items():
            ratio = f"{figure.ratio:.2f} ({figure.low:.2f}–{figure.high:.2f})"
            numbers = (_plain(figure.value), _plain(figure.against))
            table.add_row(name, *numbers, figure.unit, ratio, figure.goal)
        self.console.print(table)
        for latency in sorted(self.latencies):
            self.console.print(
                f"engine, {latency.connections} connections: {latency.per_s:,.0f}/s,"
                f" p50 {latency.p50_ms:.1f} ms, p99 {latency.p99_ms:.1f} ms"
            )
        self.console.print(f"{described.cores} cores, {described.cpu}")
        self.console.print(f"pg_test_fsync: fdatasync {described.fdatasync}")
        self.console.print(f"noise while measuring: {self.noise}")
        if self.latencies:
            self.console.print(f"load over HTTP by {GENERATOR}")


def _plain(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.2f}"
