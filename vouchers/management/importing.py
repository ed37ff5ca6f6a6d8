"""What the import commands share: options, progress, the file of refused rows, the summary.

Exit codes: 0 every row is in, 1 some were refused (the others are in), 2 nothing usable.
"""

from abc import ABC, abstractmethod
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, ClassVar, Final

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from merchants.errors import Refused
from merchants.geo import Datum, UnknownDatumError, is_cgcs2000
from merchants.services import LoadSummary, RowFault, UnreadableFileError
from merchants.services.places import PLACE_FAR, PLACE_WHOLE_DEGREES
from merchants.services.summaries import (
    DATUM_CGCS2000,
    IDS_ROUNDED,
    LINES_SWALLOWED,
    ROWS_OF_SEVERAL_LINES,
)
from merchants.spreadsheets import SpreadsheetWriter
from vouchers.admin.faults import sentence

COMMON_WARNINGS: Final[Mapping[str, Any]] = {
    LINES_SWALLOWED: _lazy("Lines swallowed by quotes of refused rows"),
    DATUM_CGCS2000: _lazy("Rows whose CGCS2000 coordinates were read as WGS-84"),
    PLACE_FAR: _lazy("Places more than 50 km from every district on file"),
    PLACE_WHOLE_DEGREES: _lazy("Places given in whole degrees"),
    IDS_ROUNDED: _lazy("Numbers that end in 000, as a spreadsheet rounds long ones"),
    ROWS_OF_SEVERAL_LINES: _lazy("Rows with a quoted cell of several lines"),
}
SOME_REFUSED: Final = 1
NOTHING_USABLE: Final = 2


def datum_name(text: str) -> str:
    """The text, if it names a datum; argparse reports the sentence."""
    try:
        Datum.parse(text)
    except UnknownDatumError as error:
        raise ArgumentTypeError(str(error)) from None
    return text


@contextmanager
def error_file(path: Path) -> Iterator[Callable[[RowFault], None]]:
    """A CSV of refused rows (line, number, code, reason), made when the first one comes.

    What an earlier run left there is removed. No other cell of a row is copied, so that personal
    data stays where it was.
    """
    path.unlink(missing_ok=True)
    with ExitStack() as stack:
        writers: list[SpreadsheetWriter] = []

        def add(fault: RowFault) -> None:
            if not writers:
                # With a BOM, so that spreadsheets show Chinese.
                file = stack.enter_context(open(path, "w", encoding="utf-8-sig", newline=""))
                writers.append(SpreadsheetWriter(file))
                writers[0].row(["line", "number", "code", "reason"])
            writers[0].row([fault.line, fault.subject, fault.code, fault.reason])

        yield add


class ImportCommand(BaseCommand, ABC):
    """A command that loads FILE and prints the summary."""

    warnings: ClassVar[Mapping[str, Any]] = {}
    """Sentences of what this import alone warns of, by code."""
    has_places: ClassVar[bool] = True
    """Whether rows hold coordinates, whose datum may be named for all."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the file to import")
        if self.has_places:
            parser.add_argument(
                "--datum",
                type=datum_name,
                help="datum of coordinates whose row names none: WGS-84, GCJ-02 or BD-09",
            )
        parser.add_argument(
            "--errors", type=Path, help="where refused rows are listed (default: FILE.errors.csv)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        name: str | None = options.get("datum")
        datum = None if name is None else Datum.parse(name)
        errors = options["errors"] or path.with_name(f"{path.name}.errors.csv")
        try:
            with error_file(errors) as refuse, _progress(self._size(path)) as advance:
                summary = self.load(path, options | {"datum": datum}, refuse, advance)
        except Refused as refused:
            language = get_language() or "en"
            raise CommandError(
                sentence(refused.refusal, language), returncode=NOTHING_USABLE
            ) from None
        except UnreadableFileError as error:
            raise CommandError(str(error), returncode=NOTHING_USABLE) from error
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}", returncode=2) from error
        if name is not None and is_cgcs2000(name):
            summary.notices.append(_("CGCS2000 coordinates are read as WGS-84."))
        self._print(summary)
        _finish(summary, errors)

    @abstractmethod
    def load(
        self,
        path: Path,
        options: Mapping[str, Any],
        on_fault: Callable[[RowFault], None],
        on_progress: Callable[[int], None],
    ) -> LoadSummary:
        """Call the service."""

    def _size(self, path: Path) -> int | None:
        """What `on_progress` counts up to; None if that isn't known beforehand."""
        try:
            return path.stat().st_size
        except OSError:
            return None

    def _print(self, summary: LoadSummary) -> None:
        for notice in summary.notices:
            self.stderr.write(notice)
        counts = (
            (_("read"), summary.read),
            (_("new"), summary.new),
            (_("changed"), summary.changed),
            (_("unchanged"), summary.unchanged),
            (_("refused"), summary.refused),
        )
        self.stdout.write(" · ".join(f"{name} {count:,}" for name, count in counts))
        sentences = {**COMMON_WARNINGS, **self.warnings}
        for code, count in sorted(summary.warnings.items()):
            self.stdout.write(f"{sentences[code]}: {count:,}")
        if summary.unchanged and not (summary.new or summary.changed):
            self.stdout.write(_("Nothing changed."))


def _finish(summary: LoadSummary, errors: Path) -> None:
    """End with the exit code that the summary deserves."""
    if summary.refused and not summary.is_usable:
        message = _("No row could be used. Why is in %(path)s.")
        raise CommandError(message % {"path": errors}, returncode=NOTHING_USABLE)
    if not summary.read:
        raise CommandError(_("The file holds no rows."), returncode=NOTHING_USABLE)
    if summary.refused:
        message = _("%(count)s rows were refused. Why is in %(path)s.")
        raise CommandError(
            message % {"count": summary.refused, "path": errors}, returncode=SOME_REFUSED
        )


@contextmanager
def _progress(total: int | None) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal's standard error; nothing where standard error is not a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(
        *columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(_("Importing"), total=total)
        yield lambda done: bar.update(task, completed=done)
