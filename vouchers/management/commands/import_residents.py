"""`manage.py import_residents FILE`: residents from a CSV."""

from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from merchants.services import LoadSummary, RowFault
from vouchers.management.importing import ImportCommand
from vouchers.services.residents import DISTRICT_UNKNOWN, import_residents
from vouchers.tasks import refresh_snapshot, wake


class Command(ImportCommand):
    """Upsert residents by external_id; a second run of the same file changes nothing."""

    help = (
        "Import residents from a CSV with the column external_id and any of birth_year, district, "
        "street, {home,work,recent}_longitude and _latitude, datum, consent_targeting, tags, "
        "is_registered, has_residence_permit, need_score, national_id, phone. "
        "Exit code 1: some rows were refused, 2: all."
    )
    warnings = {
        DISTRICT_UNKNOWN: _("Residents of a district that is not on file (import_districts)")
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--keep-originals",
            action="store_true",
            help="also keep national ids and phone numbers, encrypted, where a channel must send",
        )

    def load(
        self,
        path: Path,
        options: Mapping[str, Any],
        on_fault: Callable[[RowFault], None],
        on_progress: Callable[[int], None],
    ) -> LoadSummary:
        summary = import_residents(
            path=path,
            datum=options["datum"],
            at=timezone.now(),
            keep_originals=options["keep_originals"],
            on_fault=on_fault,
            on_progress=on_progress,
        )
        # In a worker: the import need not wait for it, nor does it need a broker.
        wake(refresh_snapshot)
        return summary
