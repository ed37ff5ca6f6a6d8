"""Lists of residents by number, such as those kept out of an audience: one act a row.

A row that cannot be followed is reported and left out, the others go in; a second run changes
nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

import numpy as np
from django.contrib.auth.models import User
from django.utils.translation import gettext_noop

from merchants.errors import Refused
from merchants.services.blocks import Block
from merchants.services.summaries import REASONS, LoadSummary, RowFault
from merchants.services.tables import encoding_notice, open_table
from vouchers.models import Campaign, Resident
from vouchers.services.residents.columns import MAX_ID_CHARACTERS
from vouchers.services.residents.exclusions import exclude
from vouchers.services.roles import require_permission

LIST_REASONS: Final[Mapping[str, str]] = {
    **REASONS,
    "resident_unknown": gettext_noop("No resident has this number."),
    "resident_state": gettext_noop("The resident is in a state that does not allow it."),
    "date_malformed": gettext_noop("A date is not written YYYY-MM-DD, or lies in the future."),
}
ROWS_A_BLOCK: Final = 1_000


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of a list: the resident, the text about them, and a date where the list has one."""

    resident: Resident
    text: str
    day: date | None


def import_exclusions(
    *,
    path: Path,
    campaign: Campaign | None,
    by: User,
    at: datetime,
    on_fault: Callable[[RowFault], None],
    on_progress: Callable[[int], None] = lambda done: None,
) -> LoadSummary:
    """Keep the residents of a CSV (external_id, reason) out of a campaign's audience, or of every
    one. Refuses `not_permitted`; raises UnreadableFileError."""
    require_permission(by, "vouchers.add_exclusion", at=at)

    def keep_out(entry: Entry) -> bool:
        try:
            exclude(resident=entry.resident, campaign=campaign, reason=entry.text, by=by, at=at)
        except Refused as refused:
            if refused.refusal.code != "already_excluded":
                raise
            return False
        return True

    return load_list(
        path=path,
        column=("reason", 200),
        today=at.date(),
        act=keep_out,
        on_fault=on_fault,
        on_progress=on_progress,
    )


def load_list(
    *,
    path: Path,
    column: tuple[str, int],
    today: date,
    act: Callable[[Entry], bool],
    on_fault: Callable[[RowFault], None],
    on_progress: Callable[[int], None],
    day: str = "",
) -> LoadSummary:
    """Call `act` for each row; it returns whether it changed anything. `column` is the name and
    length of the text that each row needs, `day` the name of a column of dates, which may be
    absent. Raises UnreadableFileError, and what `act` refuses beside `resident_state`."""
    summary = LoadSummary()
    with open_table(path, ("external_id", column[0])) as table:
        summary.notices += encoding_notice(table)
        for block in table.blocks(ROWS_A_BLOCK):
            _follow(block, column, day, today, act, summary, on_fault)
            on_progress(table.bytes_read)
    return summary


def _follow(
    block: Block,
    column: tuple[str, int],
    day: str,
    today: date,
    act: Callable[[Entry], bool],
    summary: LoadSummary,
    on_fault: Callable[[RowFault], None],
) -> None:
    numbers = block.ids("external_id", MAX_ID_CHARACTERS)
    texts = block.texts(*column, required=True)
    days = _days(block, day, today)
    known = {row.external_id: row for row in Resident.objects.filter(external_id__in=numbers)}
    block.faults.mark(np.array([number not in known for number in numbers]), "resident_unknown")
    for row in np.flatnonzero(block.faults.sound).tolist():
        try:
            is_changed = act(Entry(known[numbers[row]], texts[row], days[row]))
        except Refused as refused:
            if refused.refusal.code != "resident_state":
                raise
            block.faults.mark(np.arange(len(block)) == row, "resident_state")
            continue
        summary.changed += is_changed
        summary.unchanged += not is_changed
    summary.read += len(block)
    summary.refused += int((~block.faults.sound).sum())
    block.report(numbers, LIST_REASONS, on_fault, summary)


def _days(block: Block, name: str, today: date) -> list[date | None]:
    if not name or name not in block:
        return [None] * len(block)
    found: list[date | None] = []
    bad = []
    for cell in block.texts(name, 10):
        day = _day(cell)
        found.append(day)
        bad.append(bool(cell) and (day is None or day > today))
    block.faults.mark(np.array(bad), "date_malformed")
    return found


def _day(cell: str) -> date | None:
    try:
        return date.fromisoformat(cell)
    except ValueError:
        return None
