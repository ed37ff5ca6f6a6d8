"""Everything at once for a minute with servers killed in it: no speed, but whether the books are
what was answered. The same load as `tests/faults/test_mixed_load.py`, longer."""

import os
from collections.abc import Callable, Mapping
from typing import Any

from tests.benchmarks import ground, web
from tests.benchmarks.figures import Figure, paired
from tests.support.environment import environment
from tests.support.mixed_load.checker import check
from tests.support.mixed_load.load import run_load
from tests.support.mixed_load.report import report, sentences
from tests.support.mixed_load.scene import open_scene
from tests.support.own_servers import connected_to, own_servers

FIGURE, REPORT = "mixed_load", "mixed_load_report"
SECONDS = 60.0
HANDS, UNITS = 800, 100
SEED_VARIABLE = "HUIMIN_BENCH_SEED"
SEED = 20260401


def measure(*, on_progress: Callable[[str], None]) -> tuple[Figure, Mapping[str, Any]]:
    """Invariants that hold of all, and the report. Raises RuntimeError where one does not."""
    seed = int(os.environ.get(SEED_VARIABLE, SEED))
    with own_servers() as servers, connected_to(servers.postgres):
        ground.create()
        scene = open_scene(hands=HANDS, units=UNITS)
        on_progress(f"{FIGURE}: {SECONDS:.0f} s, seed {seed}")
        variables = {**environment(), **web.MUCH}
        load = run_load(scene, servers, variables, seconds=SECONDS, seed=seed)
    findings = check(load.log, load.books, load.ground)
    said = {"seed": seed, **report(load, findings)}
    for sentence in sentences(said, findings):
        on_progress(sentence)
    if findings:
        raise RuntimeError(f"{len(findings)} findings: {findings[0]}")
    held = [sum(not broken for broken in said["invariants"].values())]
    return paired(held, [len(said["invariants"])], unit="invariants", goal="= 1"), said
