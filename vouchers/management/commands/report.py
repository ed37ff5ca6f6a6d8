"""`manage.py report CAMPAIGN FILE.html`: what a campaign did, as one page for readers and paper."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from vouchers.management.campaigns import add_campaign, campaign_named
from vouchers.pages.report.document import report_html
from vouchers.queries.proofs.report import report_of


class Command(BaseCommand):
    """Reads the books only; the page is made before the file is opened."""

    help = "Write the report of a campaign as one HTML file that loads nothing and prints on A4."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_campaign(parser)
        parser.add_argument("file", type=Path, help="where to write it")
        parser.add_argument(
            "--language",
            choices=[code for code, _name in settings.LANGUAGES],
            default=settings.LANGUAGE_CODE,
            help="language of the report",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        campaign = campaign_named(options["campaign"])
        report = report_of(campaign, at=timezone.now())
        path: Path = options["file"]
        try:
            path.write_text(report_html(report, language=options["language"]), encoding="utf-8")
        except OSError as error:
            raise CommandError(
                _("The report cannot be written to %(file)s: %(error)s.")
                % {"file": path, "error": error.strerror}
            ) from error
        self.stdout.write(_("The report is in %(file)s.") % {"file": path})
