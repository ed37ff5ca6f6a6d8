"""`manage.py import_exclusions FILE --by USER`: residents kept out of an audience, from a CSV."""

from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.utils import timezone

from merchants.services import LoadSummary, RowFault
from vouchers.management.campaigns import add_user, campaign_named, user_named
from vouchers.management.importing import ImportCommand
from vouchers.services.residents.lists import import_exclusions


class Command(ImportCommand):
    """Exclude residents by number; a second run of the same file changes nothing."""

    help = (
        "Keep the residents of a CSV with the columns external_id and reason out of one campaign's "
        "audience, or of every one. Exit code 1: some rows were refused, 2: all."
    )
    has_places = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        add_user(parser)
        parser.add_argument("--campaign", help="code of the campaign (default: every one)")

    def load(
        self,
        path: Path,
        options: Mapping[str, Any],
        on_fault: Callable[[RowFault], None],
        on_progress: Callable[[int], None],
    ) -> LoadSummary:
        return import_exclusions(
            path=path,
            campaign=campaign_named(options["campaign"]) if options["campaign"] else None,
            by=user_named(options["by"]),
            at=timezone.now(),
            on_fault=on_fault,
            on_progress=on_progress,
        )
