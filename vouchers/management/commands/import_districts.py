"""`manage.py import_districts FILE`: districts and their streets from GeoJSON."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from merchants.services import LoadSummary, RowFault, import_districts
from vouchers.management.importing import ImportCommand


class Command(ImportCommand):
    """Upsert districts by adcode and streets by code; a second run of the same file changes
    nothing."""

    help = (
        "Import districts and streets from a GeoJSON feature collection: districts with the "
        "properties adcode (six digits), name and population_2020, streets with adcode (nine "
        "digits), name and, where the code does not begin with the district's, parent. "
        "Exit code 1: some features were refused, 2: all."
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
