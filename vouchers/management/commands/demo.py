"""`manage.py demo`: a city and its merchant day, for real; then the admin."""

import contextlib
import sys
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console

from merchants.services import UnreadableFileError
from vouchers.demo.campaign import StuckError
from vouchers.demo.group import NoStoresError
from vouchers.demo.people import Staff
from vouchers.demo.story import (
    FEWEST_RESIDENTS,
    ForeignDatabaseError,
    Wishes,
    check_database,
    run_story,
)
from vouchers.demo.telling import Teller
from vouchers.demo.till import NoAnswerError
from vouchers.demo.wallets import TooFewHoldersError
from vouchers.management.programs import HOST, SupervisorError, beat, web, worker
from vouchers.management.supervisor import Supervisor

TROUBLES = (
    ForeignDatabaseError,
    NoAnswerError,
    NoStoresError,
    StuckError,
    SupervisorError,
    TooFewHoldersError,
    UnreadableFileError,
)
RESIDENTS = 200_000
INTERRUPTED = 130
RING_AFTER_S = 120.0
"""From the logins until the ring is back: time to sign in and open the live screen."""


def residents(text: str) -> int:
    """A whole number, large enough for a day to be seen."""
    if not text.isdecimal() or int(text) < FEWEST_RESIDENTS:
        raise ArgumentTypeError(f"say a whole number, {FEWEST_RESIDENTS:,} or more")
    return int(text)


class Command(BaseCommand):
    """Exit code 0 only if the books are proven, nothing was lost and every attack was refused."""

    help = "Load a city, run a campaign and its merchant day over HTTP, prove the books, serve."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--residents", type=residents, default=RESIDENTS)
        parser.add_argument("--stores", type=Path, help="CSV of stores in place of the demo's own")
        parser.add_argument("--exit", action="store_true", help="end after the summary")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console()
        teller = Teller(console)
        wishes = Wishes(options["residents"], options["stores"], options["port"])
        programs = [web(wishes.port), worker(), beat()]
        try:
            with Supervisor(programs, teller.say) as running:
                check_database()
                with teller.step("A database", "数据库"):
                    call_command("migrate", verbosity=0, interactive=False)
                running.start()
                told = run_story(wishes, teller, running)
                if not options["exit"]:
                    _print_logins(console, told.staff, wishes.port)
                    with contextlib.suppress(KeyboardInterrupt):
                        running.wait(RING_AFTER_S)
                        told.ring_returns()
                        running.wait()
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)
        except TROUBLES as trouble:
            raise CommandError(str(trouble)) from trouble
        if not told.is_good:
            sys.exit(1)


def _print_logins(console: Console, staff: Staff, port: int) -> None:
    console.print(f"[bold]http://{HOST}:{port}/admin/[/]  (Ctrl-C ends 结束)", highlight=False)
    logins = " · ".join(staff.logins)
    console.print(f"logins 登录: {logins}   password 密码: {staff.password}", highlight=False)
    console.print(
        f"http://{HOST}:{port}/live/: in {RING_AFTER_S / 60:.0f} minutes a cash-out ring comes"
        " 两分钟后有套现团伙，请看实时大屏",
        highlight=False,
    )
    console.print(f"API: http://{HOST}:{port}/api/v1/docs", highlight=False)
