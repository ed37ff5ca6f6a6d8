"""`manage.py audit_findings CAMPAIGN`: the redemptions an auditor checks first."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from datetime import time
from typing import IO, Any, cast

from django.core.management.base import BaseCommand
from django.utils import timezone
from django.utils.translation import gettext as _
from rich.console import Console
from rich.table import Table

from vouchers.management.campaigns import add_campaign, campaign_named
from vouchers.queries.proofs.findings import CLOSES_MINUTE, OPENS_MINUTE, Question, answers
from vouchers.sql.pipeline import raw_connection

SHOWN_ROWS = 20


def minute(text: str) -> int:
    """HH:MM as minutes of the day."""
    try:
        parsed = time.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError("say HH:MM") from None
    return parsed.hour * 60 + parsed.minute


class Command(BaseCommand):
    """The answers don't prove a fault; each lists rows to be checked."""

    help = "List redemptions worth a look: of deceased residents, off the list, after hours, twice."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_campaign(parser)
        parser.add_argument("--json", action="store_true", help="print every row as JSON")
        parser.add_argument("--opens", type=minute, default=OPENS_MINUTE, help="HH:MM (08:00)")
        parser.add_argument("--closes", type=minute, default=CLOSES_MINUTE, help="HH:MM (22:00)")

    def handle(self, *args: Any, **options: Any) -> None:
        campaign = campaign_named(options["campaign"])
        found = list(
            answers(
                raw_connection(),
                campaign_id=campaign.pk,
                at=timezone.now(),
                opens_minute=options["opens"],
                closes_minute=options["closes"],
            )
        )
        if options["json"]:
            document = {question.name: rows for question, rows in found}
            self.stdout.write(json.dumps(document, ensure_ascii=False, indent=2, default=str))
        else:
            _show(Console(file=cast(IO[str], self.stdout)), found)


def _show(console: Console, found: list[tuple[Question, list[dict[str, Any]]]]) -> None:
    """How many of each, then the first rows of those that found any."""
    summary = Table(_("Question"), _("What it lists"), _("Rows"))
    summary.columns[2].justify = "right"
    for question, rows in found:
        summary.add_row(question.name, _(question.statement), str(len(rows)) if rows else "—")
    console.print(summary)
    for question, rows in found:
        if rows:
            table = Table(*question.columns, title=question.name, title_justify="left")
            for row in rows[:SHOWN_ROWS]:
                table.add_row(*("" if value is None else str(value) for value in row.values()))
            console.print(table)
