"""The history of a row in Django's own log: what was done to it, when, and by whom.

A line holds an English text, marked for translation where it is written, and beside it the facts
that stand in the text. Whoever shows it puts both in the reader's language
(`admin/history/acts.py`); a pack for the auditor has them as they are.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model
from django.utils.translation import gettext_noop as _

CLOCK: Final = "clock"
"""The user name under which the history records what scheduled jobs do."""

Fact = str | int | date | Sequence[str] | Mapping[str, Any] | None


def note(row: Model, *, by: User, what: str, at: datetime, **facts: Fact) -> None:
    """Write one line of a row's history, in the caller's transaction.

    `what` names its facts as `%(name)s`. Two facts go without saying so: what was done lasts until
    `until_at`, and for the `reason`. Raises KeyError for a fact that is named and not given.
    """
    # Not `type(row)`: a person who is signed in comes as a lazy object.
    _write(row._meta.model, str(row.pk), str(row), by, at, _line(what, facts))


def note_without_row(
    kind: type[Model], name: str, *, by: User, what: str, at: datetime, **facts: Fact
) -> None:
    """Write a line about something without a row, by its name; it is listed with the model's
    history. Raises KeyError as `note` does."""
    _write(kind, None, name, by, at, _line(what, facts))


def note_state(
    row: Any,
    *,
    until_at: datetime | None,
    why: str,
    by: User,
    at: datetime,
    case: int | None = None,
) -> None:
    """Write that a row is in the state that it is in now, until when, why, and of which case."""
    what = _("now %(state)s") if case is None else _("now %(state)s because of case %(case)s")
    note(row, by=by, what=what, at=at, state=row.state, case=case, until_at=until_at, reason=why)


def _line(what: str, facts: Mapping[str, Fact]) -> str:
    what % facts  # a line that lacks a fact could never be shown
    return json.dumps([{"what": what, "facts": facts}], cls=DjangoJSONEncoder, ensure_ascii=False)


def _write(
    kind: type[Model], key: str | None, name: str, by: User, at: datetime, line: str
) -> None:
    LogEntry.objects.create(
        user=by,
        action_time=at,
        action_flag=CHANGE,
        content_type=ContentType.objects.get_for_model(kind),
        object_id=key,
        object_repr=name[:200],
        change_message=line,
    )


def clock() -> User:
    """The actor of scheduled jobs: an inactive user without a usable password or any role."""
    user, _is_new = User.objects.get_or_create(
        username=CLOCK, defaults={"is_active": False, "password": make_password(None)}
    )
    return user
