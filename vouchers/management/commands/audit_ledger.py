"""`manage.py audit_ledger`: recompute the books from their rows and report what is broken."""

import json
import secrets
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from vouchers.rules.proofs.audit.facts import Finding
from vouchers.services.proofs.audit import (
    SAMPLE_MEMBERS,
    SEED_BITS,
    OnProgress,
    Report,
    audit,
    record,
)


class Command(BaseCommand):
    """Ends with status 1 and the first broken invariant when the books are not proven."""

    help = "Recompute the books from their rows; exit non-zero with the first broken invariant."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the report as JSON")
        parser.add_argument("--dry-run", action="store_true", help="do not keep the report")
        parser.add_argument(
            "--sample",
            type=int,
            default=SAMPLE_MEMBERS,
            help="how many targeted residents to measure again (default %(default)s)",
        )
        parser.add_argument("--seed", type=int, help="draws the sample; a random one by default")

    def handle(self, *args: Any, **options: Any) -> None:
        seed = secrets.randbits(SEED_BITS) if options["seed"] is None else options["seed"]
        with _bar() as on_progress:
            report = audit(
                at=timezone.now(), seed=seed, sample=options["sample"], on_progress=on_progress
            )
        if not options["dry_run"]:
            record(report=report)
        if options["json"]:
            self.stdout.write(json.dumps(report.document(), ensure_ascii=False, indent=2))
        else:
            _show(Console(file=cast(IO[str], self.stdout)), report)
        broken = report.first_broken
        if broken is not None:
            raise CommandError(
                _("Books not proven: invariant %(number)s is broken (%(name)s): %(statement)s.")
                % {
                    "number": broken.invariant,
                    "name": broken.name,
                    "statement": _(broken.statement),
                }
            )


@contextmanager
def _bar() -> Iterator[OnProgress]:
    """How far the audit is, on the terminal's error stream; nothing where there is no terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns,
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task(_("Auditing the books"), total=None)
        yield lambda done, of: progress.update(task, completed=done, total=of)


def _show(console: Console, report: Report) -> None:
    """The checks as a table, the rows of what is broken, and the verdict."""
    table = Table(_("Invariant"), _("Check"), _("What holds"), _("Broken rows"))
    table.columns[0].justify = table.columns[3].justify = "right"
    for finding in report.findings:
        count = str(finding.broken_count) if finding.broken_count else "—"
        style = "bold red" if finding.broken_count else None
        table.add_row(
            str(finding.invariant), finding.name, _(finding.statement), count, style=style
        )
    console.print(table)
    for finding in report.findings:
        if finding.rows:
            console.print(_rows_table(finding))
    console.print(
        _(
            "%(sampled)s targeted residents measured again, %(unmeasured)s no longer on file"
            " (seed %(seed)s); %(took).1f s."
        )
        % {
            "sampled": report.sampled,
            "unmeasured": report.unmeasured,
            "seed": report.seed,
            "took": report.took_s,
        }
    )
    proven = _("yes") if report.is_proven else _("no")
    console.print(_("Books proven: %(proven)s") % {"proven": proven}, style="bold")


def _rows_table(finding: Finding) -> Table:
    columns = list(dict.fromkeys(name for row in finding.rows for name in row))
    table = Table(*columns, title=f"{finding.invariant} {finding.name}", title_justify="left")
    for row in finding.rows:
        table.add_row(*("" if row.get(name) is None else str(row[name]) for name in columns))
    return table
