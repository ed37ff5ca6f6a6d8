"""`manage.py preview CAMPAIGN`: whom a campaign would reach now, in counts."""

from argparse import ArgumentParser
from typing import IO, Any, cast

from django.core.management.base import BaseCommand
from django.utils import timezone
from django.utils.translation import gettext as _
from rich.console import Console
from rich.table import Table

from vouchers.admin.campaigns.overview import Bar, count_text, preview_groups
from vouchers.management.campaigns import add_campaign, campaign_named
from vouchers.services.audience.preview import preview


class Command(BaseCommand):
    """The counts of the admin's page, from the code that targets a run; nothing is changed."""

    help = "Show whom a campaign would reach now: counts by ring, district and nearest store."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_campaign(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        campaign = campaign_named(options["campaign"])
        counts = preview(campaign=campaign, at=timezone.now())
        console = Console(file=cast(IO[str], self.stdout))
        table = Table(_("Audience as of now"), _("residents"))
        table.columns[1].justify = "right"
        table.add_row(_("targeted"), count_text(counts["targeted"]))
        table.add_row(_("examined"), count_text(counts["examined"]))
        console.print(table)
        console.print(_("Counts of people are rounded to tens; those below 10 are not shown."))
        for title, bars in preview_groups(counts):
            if bars:
                console.print(_table(title, bars))


def _table(title: str, bars: list[Bar]) -> Table:
    table = Table(title, _("residents"))
    table.columns[1].justify = "right"
    for bar in bars:
        table.add_row(bar.label, bar.value)
    return table
