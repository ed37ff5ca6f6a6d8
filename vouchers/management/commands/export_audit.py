"""`manage.py export_audit CAMPAIGN FILE`: the auditor's pack."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from vouchers.management.campaigns import add_campaign, campaign_named
from vouchers.queries.proofs.pack.sheets import FILE_COUNT
from vouchers.services.proofs.pack import Written, export_pack
from vouchers.services.proofs.seals import seal_whole


class Command(BaseCommand):
    """Seals what can be sealed, then writes everything of one moment."""

    help = (
        "Write all an auditor needs to recompute a campaign into one archive. The verifier in it"
        " needs a Python 3.11 or later alone: unzip PACK verify.pyz; python verify.pyz PACK"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_campaign(parser)
        parser.add_argument("file", type=Path, help="the archive to write")

    def handle(self, *args: Any, **options: Any) -> None:
        campaign, path = campaign_named(options["campaign"]), options["file"]
        at = timezone.now()
        seal_whole(campaign=campaign, at=at)
        console = Console(stderr=True)
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rows]:,}"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        ) as bar:
            task = bar.add_task(_("Exporting"), total=FILE_COUNT, rows=0)
            seen: dict[str, int] = {}

            def progress(name: str, rows: int) -> None:
                seen[name] = seen.get(name, 0) + rows
                bar.update(task, description=name, completed=len(seen), rows=seen[name])

            try:
                written = export_pack(campaign=campaign, path=path, at=at, progress=progress)
            except OSError as error:
                raise CommandError(f"{error.filename}: {error.strerror}") from error
        self._print(path, written)

    def _print(self, path: Path, written: Written) -> None:
        rows = sum(written.rows.values())
        self.stdout.write(
            _("%(rows)s rows in %(files)s files: %(path)s")
            % {"rows": f"{rows:,}", "files": len(written.rows), "path": path}
        )
        self.stdout.write(f"SHA-256 {written.sha256}")
