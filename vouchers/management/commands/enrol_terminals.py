"""`manage.py enrol_terminals FILE`: terminals from a CSV, each with a one-time code."""

import os
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.core.management import CommandError
from django.utils import timezone

from merchants.services import SCOPES, LoadSummary, RowFault
from merchants.services.terminal_files import MadeCode, import_terminals
from merchants.spreadsheets import SpreadsheetWriter
from vouchers.management.importing import NOTHING_USABLE, ImportCommand

DAY_S = 24 * 60 * 60
TILL_SCOPES = ("quote", "redeem", "refund")


class Command(ImportCommand):
    """Enrols what is missing and makes a code for every row; older unused codes are void."""

    help = (
        "Enrol terminals from a CSV with the columns merchant, store, terminal, and write a "
        "one-time code for each, which the till exchanges for its key."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--codes", type=Path, help="where the codes are written (default: FILE.codes.csv)"
        )
        parser.add_argument(
            "--days", type=int, default=7, help="how long a code is good, days (default: 7)"
        )
        parser.add_argument(
            "--scopes",
            default=",".join(TILL_SCOPES),
            help="what the keys may do, separated by commas",
        )
        parser.add_argument("--test", action="store_true", help="keys of the sandbox")

    def load(
        self,
        path: Path,
        options: Mapping[str, Any],
        on_fault: Callable[[RowFault], None],
        on_progress: Callable[[int], None],
    ) -> LoadSummary:
        scopes = [scope.strip() for scope in options["scopes"].split(",")]
        if options["days"] < 1:
            raise CommandError("--days must be at least 1", returncode=NOTHING_USABLE)
        if unknown := set(scopes) - SCOPES:
            raise CommandError(f"unknown scope {min(unknown)!r}", returncode=NOTHING_USABLE)
        out = options["codes"] or path.with_name(f"{path.name}.codes.csv")
        # A reader of the file can enrol the tills: readable by its owner only.
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="utf-8-sig", newline="") as file:
            writer = SpreadsheetWriter(file)
            writer.row(MadeCode._fields)
            return import_terminals(
                path=path,
                scopes=scopes,
                valid_s=options["days"] * DAY_S,
                is_test=options["test"],
                at=timezone.now(),
                on_fault=on_fault,
                on_code=writer.row,
                on_progress=on_progress,
            )
