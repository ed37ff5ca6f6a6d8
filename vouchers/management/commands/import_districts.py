"""`manage.py import_districts FILE`: districts from GeoJSON."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from merchants.services import LoadSummary, RowFault, import_districts
from vouchers.management.importing import ImportCommand


class Command(ImportCommand):
    """Upsert districts by adcode; a second run of the same file changes nothing."""

    help = (
        "Import districts from a GeoJSON feature collection with the properties adcode, name and "
        "population_2020. Exit code 1: some features were refused, 2: all."
    )

    def load(
        self,
        path: Path,
        options: Mapping[str, Any],
        on_fault: Callable[[RowFault], None],
        on_progress: Callable[[int], None],
    ) -> LoadSummary:
        return import_districts(
            path=path, datum=options["datum"], on_fault=on_fault, on_progress=on_progress
        )

    def _size(self, path: Path) -> int | None:
        return None
