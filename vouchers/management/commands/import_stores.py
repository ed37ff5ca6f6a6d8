"""`manage.py import_stores FILE`: stores from a CSV."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from merchants.services import LoadSummary, MerchantName, RowFault, import_stores
from merchants.services.stores import DISTRICT_UNKNOWN, OUTSIDE_DISTRICT
from vouchers.management.importing import ImportCommand


def merchant(text: str) -> MerchantName:
    """CODE=NAME."""
    code, equals, name = (part.strip() for part in text.partition("="))
    if not (code and equals and name):
        raise ArgumentTypeError("say CODE=NAME, for example bailian=百联集团")
    return MerchantName(code, name)


class Command(ImportCommand):
    """Upsert stores by store_id; a second run of the same file changes nothing."""

    help = (
        "Import stores from a CSV with the columns store_id, name, category, longitude, latitude "
        "and optionally brand, district, datum. Exit code 1: some rows were refused, 2: all."
    )
    warnings = {
        OUTSIDE_DISTRICT: _("Stores outside the district they state"),
        DISTRICT_UNKNOWN: _("Stores of a district that is not on file (import_districts)"),
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--merchant",
            type=merchant,
            metavar="CODE=NAME",
            help="put all stores under this merchant (default: one merchant per brand)",
        )

    def load(
        self,
        path: Path,
        options: Mapping[str, Any],
        on_fault: Callable[[RowFault], None],
        on_progress: Callable[[int], None],
    ) -> LoadSummary:
        return import_stores(
            path=path,
            datum=options["datum"],
            merchant=options["merchant"],
            at=timezone.now(),
            on_fault=on_fault,
            on_progress=on_progress,
        )
