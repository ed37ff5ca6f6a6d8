"""`manage.py distribute CAMPAIGN --by USER`: request a distribution run, and watch it."""

import secrets
import time
from argparse import ArgumentParser
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from merchants.errors import Refused
from vouchers import tasks
from vouchers.errors import explain
from vouchers.http.progress import progress_text
from vouchers.management.campaigns import add_campaign, add_user, campaign_named, user_named
from vouchers.models import Campaign, Round, Run
from vouchers.queries.issuing import progress_of
from vouchers.services.issuing import runs
from vouchers.states import RunState

POLL_S = 0.5
OVER = (RunState.DONE, RunState.CANCELLED)


class Command(BaseCommand):
    """The work itself is done by workers; leaving this command does not stop it."""

    help = (
        "Request a distribution run of a launched campaign and show its progress until it is over. "
        "Ctrl-C ends the watching only. Exit code 1: it was refused, or cancelled."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_campaign(parser)
        parser.add_argument("--round", type=int, help="number of the round")
        parser.add_argument("--channel", help="where quotas are kept by channel")
        parser.add_argument("--seed", help="decides every tie; drawn at random by default")
        add_user(parser)
        parser.add_argument("--no-wait", action="store_true", help="don't watch it")

    def handle(self, *args: Any, **options: Any) -> None:
        campaign = campaign_named(options["campaign"])
        try:
            run = runs.request_run(
                campaign=campaign,
                round=_round(campaign, options["round"]),
                channel=options["channel"],
                seed=options["seed"] or secrets.token_hex(8),
                by=user_named(options["by"]),
                at=timezone.now(),
            )
        except Refused as refused:
            raise CommandError(explain(refused.refusal, get_language() or "en")) from None
        tasks.wake_distribution()
        console = Console(file=cast(IO[str], self.stdout))
        console.print(_("Run %(run)s is queued.") % {"run": run.pk})
        if not options["no_wait"]:
            _watch(run, console)


def _round(campaign: Campaign, number: int | None) -> Round | None:
    if number is None:
        return None
    found = campaign.rounds.filter(number=number).first()
    if found is None:
        raise CommandError(_("The campaign has no round %(number)s.") % {"number": number})
    return found


def _watch(run: Run, console: Console) -> None:
    """Until it is over. Raises CommandError when it was cancelled."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=100)
        while True:
            run.refresh_from_db()
            progress = progress_of(run, at=timezone.now())
            said = f"{run.get_state_display()} · {progress_text(progress)}"
            bar.update(task, completed=progress.progress_pct, description=said)
            if progress.state in OVER:
                break
            time.sleep(POLL_S)
    if run.state == RunState.CANCELLED:
        raise CommandError(_("Run %(run)s was cancelled.") % {"run": run.pk})
