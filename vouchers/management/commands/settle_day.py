"""`manage.py settle_day`: close a campaign's business day, and pay it if asked to."""

from argparse import ArgumentParser
from datetime import date, timedelta
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from rich.console import Console
from rich.table import Table

from merchants.errors import Refused
from vouchers.errors import explain
from vouchers.management.campaigns import add_campaign, campaign_named, user_named
from vouchers.models import Settlement
from vouchers.money import yuan
from vouchers.rules.limits.limits import business_day
from vouchers.services.settlement.days import settle_and_pay_day, settle_day


class Command(BaseCommand):
    """Safe to run again: a closed day stays as it is."""

    help = "Settle a business day of a campaign per merchant and funding source."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_campaign(parser)
        parser.add_argument(
            "day",
            nargs="?",
            type=date.fromisoformat,
            help="business day (YYYY-MM-DD), yesterday by default",
        )
        parser.add_argument(
            "--by",
            metavar="USER",
            help="your user name in the admin; kept on record, without it as done by the clock",
        )
        parser.add_argument(
            "--pay", action="store_true", help="also instruct the payouts that cash covers"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        at = timezone.now()
        campaign = campaign_named(options["campaign"])
        day = options["day"] or business_day(at, campaign.zone) - timedelta(days=1)
        settle = settle_and_pay_day if options["pay"] else settle_day
        try:
            by = user_named(options["by"]) if options["by"] else None
            settlements = settle(campaign=campaign, business_day=day, at=at, by=by)
        except Refused as refused:
            raise CommandError(explain(refused.refusal, get_language() or "en")) from None
        _show(Console(file=cast(IO[str], self.stdout)), settlements)


def _show(console: Console, settlements: list[Settlement]) -> None:
    table = Table(
        _("Business day"), _("Merchant"), _("Source"), _("Lines"), _("Total"), _("State"), "SHA-256"
    )
    for row in settlements:
        table.add_row(
            row.business_day.isoformat(),
            row.merchant.code,
            row.source.code,
            str(row.line_count),
            yuan(row.total_fen),
            row.get_state_display(),
            bytes(row.sha256).hex()[:16],
        )
    console.print(table)
