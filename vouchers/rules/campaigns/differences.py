"""What differs between two documents of terms, as the declaration divides them. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vouchers.rules.campaigns.declaration import CAMPAIGN, PARTS, Option, Part

Document = Mapping[str, Any]
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Changed:
    """One option with another value."""

    option: Option
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class ChangedRow:
    """A row that is in one document alone (the other is None), or has other values."""

    before: Row | None
    after: Row | None
    changed: tuple[Changed, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangedPart:
    """A list of the terms and those of its rows that differ."""

    part: Part
    rows: tuple[ChangedRow, ...]


@dataclass(frozen=True, slots=True)
class Differences:
    """All that differs; nothing does where both are empty."""

    options: tuple[Changed, ...]
    parts: tuple[ChangedPart, ...]


def differences(before: Document, after: Document) -> Differences:
    """From one document to another; what an older document does not have yet is None in it."""
    parts = (
        ChangedPart(part, _rows(part, before.get(part.name, ()), after.get(part.name, ())))
        for part in PARTS
    )
    return Differences(
        options=_changed(CAMPAIGN, before["campaign"], after["campaign"]),
        parts=tuple(part for part in parts if part.rows),
    )


def _changed(options: Sequence[Option], before: Row, after: Row) -> tuple[Changed, ...]:
    pairs = ((option, before.get(option.name), after.get(option.name)) for option in options)
    return tuple(Changed(option, old, new) for option, old, new in pairs if old != new)


def _rows(part: Part, before: Sequence[Row], after: Sequence[Row]) -> tuple[ChangedRow, ...]:
    """Gone and changed ones in the order before, then those that are new."""
    old, new = ({_key(part, row): row for row in rows} for rows in (before, after))
    found = []
    for key, row in old.items():
        other = new.get(key)
        if other is None:
            found.append(ChangedRow(row, None))
        elif changed := _changed(part.options, row, other):
            found.append(ChangedRow(row, other, changed))
    found.extend(ChangedRow(None, row) for key, row in new.items() if key not in old)
    return tuple(found)


def _key(part: Part, row: Row) -> str:
    return json.dumps([row.get(name) for name in part.identity], sort_keys=True)
