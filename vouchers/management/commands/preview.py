"""`manage.py preview CAMPAIGN --by USER`: whom a campaign would reach now, and at what cost."""

from argparse import ArgumentParser
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from rich.console import Console
from rich.table import Table

from merchants.errors import Refused
from vouchers.admin.campaigns.overview import count_text
from vouchers.admin.campaigns.preview import preview_groups, preview_tables
from vouchers.admin.faults import sentence
from vouchers.management.campaigns import add_campaign, add_user, campaign_named, user_named
from vouchers.services.audience.preview import preview


class Command(BaseCommand):
    """The figures of the admin's page, from the same service; only the look is kept on record."""

    help = (
        "Show whom a campaign would reach now and what a distribution would cost: people by ring, "
        "district, street, age, tag and store. Kept in the campaign's history."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_campaign(parser)
        add_user(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        campaign = campaign_named(options["campaign"])
        by = user_named(options["by"])
        try:
            found = preview(campaign=campaign, by=by, at=timezone.now())
        except Refused as refused:
            language = translation.get_language() or "en"
            raise CommandError(sentence(refused.refusal, language)) from None
        console = Console(file=cast(IO[str], self.stdout))
        people = [
            [_("targeted"), count_text(found.figures.targeted)],
            [_("examined"), count_text(found.figures.examined)],
        ]
        console.print(_table([_("Audience as of now"), _("residents")], people))
        console.print(
            _("People are counted by squares of at least ten, in tens; fewer than ten are hidden.")
        )
        for table in preview_tables(campaign, found):
            if table["rows"]:
                console.print(table["title"], table.get("note", ""), sep="\n")
                console.print(_table(table["headers"], table["rows"]))
        for title, bars in preview_groups(found):
            if bars:
                rows = [[bar.label, bar.value] for bar in bars]
                console.print(_table([title, _("residents")], rows))


def _table(headers: list[str], rows: list[list[str]]) -> Table:
    table = Table(*headers)
    for column in table.columns[1:]:
        column.justify = "right"
    for row in rows:
        table.add_row(*row)
    return table
