"""The results as a table for a terminal, and as JSON."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.mutations.runner import Outcome, Result

STYLES = {Outcome.KILLED: "green", Outcome.SURVIVED: "bold red", Outcome.UNPROVEN: "yellow"}


def show(results: Iterable[Result], console: Console) -> None:
    """The table: what was broken, and which test went red."""
    table = Table(title="Mutations")
    for heading in ("", "mutation", "what was broken", "test that went red", "s"):
        table.add_column(heading, overflow="fold", justify="right" if heading == "s" else "left")
    for result in results:
        mutation, style = result.mutation, STYLES[result.outcome]
        said = (
            result.test if result.outcome is Outcome.KILLED else f"{result.outcome} {result.test}"
        )
        table.add_row(
            str(mutation.invariant),
            mutation.name,
            mutation.broken,
            f"[{style}]{said}[/]",
            f"{result.took_s:.0f}",
        )
    console.print(table)


def in_order(results: Iterable[Result]) -> list[Result]:
    """By invariant, then as the table has them."""
    return sorted(results, key=lambda result: (result.mutation.invariant, result.mutation.name))


def keep(results: Sequence[Result], path: Path, *, took_s: float) -> None:
    """Write the results as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "took_s": round(took_s),
        "counts": {
            outcome.value: sum(result.outcome is outcome for result in results)
            for outcome in Outcome
        },
        "mutations": [
            {
                "invariant": result.mutation.invariant,
                "name": result.mutation.name,
                "broken": result.mutation.broken,
                "outcome": result.outcome.value,
                "test": result.test,
            }
            for result in results
        ],
    }
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
