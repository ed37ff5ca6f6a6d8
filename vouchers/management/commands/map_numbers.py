"""`manage.py map_numbers CREDENTIAL FILE`: an integrator's own numbers of stores and tills."""

from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.core.management import CommandError

from merchants.models import Credential
from merchants.services import LoadSummary, RowFault
from merchants.services.terminal_files import import_own_numbers
from vouchers.management.importing import NOTHING_USABLE, ImportCommand


class Command(ImportCommand):
    """A number given again means what the file says now; numbers left out stay."""

    help = (
        "Map an integrator's own numbers from a CSV with the columns own_store, merchant, store "
        "and optionally own_terminal, terminal."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("credential", type=int, help="number of the credential in the admin")
        super().add_arguments(parser)

    def load(
        self,
        path: Path,
        options: Mapping[str, Any],
        on_fault: Callable[[RowFault], None],
        on_progress: Callable[[int], None],
    ) -> LoadSummary:
        credential = Credential.objects.filter(pk=options["credential"]).first()
        if credential is None:
            raise CommandError("there is no such credential", returncode=NOTHING_USABLE)
        return import_own_numbers(
            path=path, credential=credential, on_fault=on_fault, on_progress=on_progress
        )
