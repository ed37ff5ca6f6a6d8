"""`manage.py import_deaths FILE --by USER`: deaths from a CSV."""

from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from merchants.services import LoadSummary, RowFault
from vouchers.management.campaigns import add_user, user_named
from vouchers.management.importing import ImportCommand
from vouchers.services.redemption.deaths import (
    HELD_AFTER_DEATH,
    PAID_AFTER_DEATH,
    import_deaths,
)


class Command(ImportCommand):
    """Record deaths by resident number; a second run of the same file changes nothing."""

    help = (
        "Record the deaths of a CSV with the columns external_id, document_no and optionally "
        "died_on (YYYY-MM-DD), and hold the money of redemptions on later days. "
        "Exit code 1: some rows were refused, 2: all."
    )
    warnings = {
        HELD_AFTER_DEATH: _("Redemptions after a death whose money is held now"),
        PAID_AFTER_DEATH: _("Redemptions after a death that are settled already"),
    }
    has_places = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        add_user(parser)

    def load(
        self,
        path: Path,
        options: Mapping[str, Any],
        on_fault: Callable[[RowFault], None],
        on_progress: Callable[[int], None],
    ) -> LoadSummary:
        return import_deaths(
            path=path,
            by=user_named(options["by"]),
            at=timezone.now(),
            on_fault=on_fault,
            on_progress=on_progress,
        )
