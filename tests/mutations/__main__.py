"""`python -m tests.mutations [--only WORD]`: break each guard in turn.

Runs the selected tests of every mutation, first once without any; prints a table, keeps it as JSON
and exits with 1 when a mutant survives. A whole run is kept in `docs/mutations.json`, from which
the documentation makes its table.
"""

import argparse
import os
import sys
import time
from pathlib import Path

import django
from rich.console import Console

from config import embedded

DOCUMENTED = Path(__file__).parents[2] / "docs" / "mutations.json"


def main() -> int:
    """Run what the arguments name; 1 when something survives or could not be proved."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument("--only", default="", metavar="WORD", help="in the name, or an invariant")
    parser.add_argument("--jobs", type=int, default=2, help="mutants at once")
    arguments = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    embedded.ensure()
    django.setup()
    from tests.support import database

    with database.created():
        return _run(database.TEMPLATE, arguments.only, arguments.jobs)


def _run(base: str, only: str, jobs: int) -> int:
    # Models load once Django is set up.
    from tests.mutations.report import in_order, keep, show
    from tests.mutations.runner import Laboratory, Outcome, Result
    from tests.mutations.table import MUTATIONS

    chosen = [it for it in MUTATIONS if only in it.name or only == str(it.invariant)]
    path = embedded.local_dir() / "mutations.json"
    console = Console()
    started = time.monotonic()
    with Laboratory(base=base, jobs=jobs) as laboratory:
        console.print(f"{len(chosen)} mutations; first their tests without any …")
        control = laboratory.control(chosen)
        for test in control.red:
            console.print(f"[yellow]red without a mutation:[/] {test}")
        if control.returncode not in (0, 1):
            console.print(control.said)
            return 1
        results: list[Result] = []
        for result in laboratory.try_all(chosen, control):
            results = in_order([*results, result])
            keep(results, path, took_s=time.monotonic() - started)
            took = f"{result.took_s:.0f} s"
            name = result.mutation.name
            console.print(f"{result.outcome:9} {name}  [dim]{result.test} {took}[/]")
    show(results, console)
    took_s = time.monotonic() - started
    if not only:
        keep(results, DOCUMENTED, took_s=took_s)
    killed = sum(result.outcome is Outcome.KILLED for result in results)
    console.print(f"{killed} of {len(results)} mutants killed in {took_s:.0f} s; kept in {path}")
    return int(killed < len(results) or not results)


if __name__ == "__main__":
    sys.exit(main())
