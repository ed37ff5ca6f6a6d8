"""The terms of a campaign moved to another period: what a copy of it begins with. Pure."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from vouchers.rules.campaigns.declaration import CAMPAIGN, PARTS, Option, Unit
from vouchers.rules.campaigns.terms import written

Document = Mapping[str, Any]


def moved(
    document: Document, *, code: str, name: str, starts_at: datetime, is_test: bool
) -> dict[str, Any]:
    """The document of a campaign that begins at `starts_at`, every instant as long after as it was,
    on the clocks of its zone.

    Stores that have left stay out; the others take part from the beginning of the draft. A limit
    that an amendment has lifted stays out too.
    """
    campaign = document["campaign"]
    zone = ZoneInfo(campaign["zone"])
    by = _local(starts_at, zone) - _local(datetime.fromisoformat(campaign["starts_at"]), zone)
    options = {option.name: _later(option, campaign[option.name], by, zone) for option in CAMPAIGN}
    parts: dict[str, list[dict[str, Any]]] = {
        part.name: [
            {option.name: _later(option, row[option.name], by, zone) for option in part.options}
            for row in document[part.name]
        ]
        for part in PARTS
    }
    parts["stores"] = [
        {**row, "valid_from_at": None} for row in parts["stores"] if row["valid_until_at"] is None
    ]
    parts["limits"] = [
        row
        for row in parts["limits"]
        if row["limit_count"] is not None or row["limit_fen"] is not None
    ]
    named = {"code": code, "name": name, "is_test": is_test}
    return {**parts, "campaign": {**options, **named}}


def _later(option: Option, value: Any, by: timedelta, zone: ZoneInfo) -> Any:
    if option.unit is Unit.INSTANT and value is not None:
        # Aware datetimes of one zone are added on the wall clock.
        local = datetime.fromisoformat(value).astimezone(zone)
        return written(local + by)
    if option.unit is Unit.SLICE and "day" in value:
        day = date.fromisoformat(value["day"]) + timedelta(days=by.days)
        return {**value, "day": day.isoformat()}
    return value


def _local(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None)
