"""`manage.py serve`: web server, worker and beat until Ctrl-C."""

import contextlib
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from vouchers.management.programs import HOST, SupervisorError, beat, web, worker
from vouchers.management.supervisor import Supervisor


class Command(BaseCommand):
    """Run this installation on one machine; a process that dies is started again."""

    help = "Serve admin and API with a worker and beat until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, **options: Any) -> None:
        port: int = options["port"]
        programs = [web(port), worker(), beat()]
        try:
            with contextlib.suppress(KeyboardInterrupt), Supervisor(programs, self._say) as running:
                if not settings.DATABASE_URL:  # the database is this checkout's own
                    call_command("migrate", verbosity=0, interactive=False)
                running.start()
                running.wait_ready()
                self._say(f"http://{HOST}:{port}/admin/  (Ctrl-C ends)")
                running.wait()
        except SupervisorError as error:
            raise CommandError(str(error)) from error

    def _say(self, sentence: str) -> None:
        self.stdout.write(sentence)
