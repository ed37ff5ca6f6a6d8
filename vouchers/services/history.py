"""The history of a row in Django's own log: what was done to it, when, and by whom."""

import json
from datetime import datetime
from typing import Final

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model

CLOCK: Final = "clock"
"""The user name under which the history records what scheduled jobs do."""


def note(row: Model, *, by: User, what: str, at: datetime) -> None:
    """Write one line of a row's history, in the caller's transaction."""
    _write(type(row), str(row.pk), str(row), by, what, at)


def note_without_row(kind: type[Model], name: str, *, by: User, what: str, at: datetime) -> None:
    """Write a line about something without a row, by its name; it is listed with the model's
    history."""
    _write(kind, None, name, by, what, at)


def _write(
    kind: type[Model], key: str | None, name: str, by: User, what: str, at: datetime
) -> None:
    LogEntry.objects.create(
        user=by,
        action_time=at,
        action_flag=CHANGE,
        content_type=ContentType.objects.get_for_model(kind),
        object_id=key,
        object_repr=name[:200],
        change_message=json.dumps([{"changed": {"fields": [what]}}]),
    )


def clock() -> User:
    """The actor of scheduled jobs: an inactive user without a usable password or any role."""
    user, _is_new = User.objects.get_or_create(
        username=CLOCK, defaults={"is_active": False, "password": make_password(None)}
    )
    return user
