"""`manage.py archive_requests`: move old answered requests into a file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from vouchers.services.archives import archive_requests


class Command(BaseCommand):
    """Safe to run again: what is archived is archived."""

    help = (
        "Move the answers to requests that are older than HUIMIN_REQUEST_RETENTION_DAYS, and older"
        " than every campaign that is not closed, out of the database into a file."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "directory",
            nargs="?",
            type=Path,
            default=settings.HUIMIN_ARCHIVE_DIR,
            help="where to write the file, HUIMIN_ARCHIVE_DIR by default",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            archive = archive_requests(
                at=timezone.now(),
                retention=settings.HUIMIN_REQUEST_RETENTION,
                directory=options["directory"],
            )
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}") from error
        if archive is None:
            self.stdout.write(_("No request is old enough."))
            return
        self.stdout.write(
            _("%(rows)s requests: %(name)s, SHA-256 %(sha256)s")
            % {
                "rows": f"{archive.row_count:,}",
                "name": archive.name,
                "sha256": bytes(archive.sha256).hex(),
            }
        )
