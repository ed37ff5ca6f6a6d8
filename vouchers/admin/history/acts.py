"""Lines of a row's history in words: what services and Django noted, in the reader's language."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.contrib.admin.models import LogEntry
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from vouchers.admin.history.words import OPTIONS
from vouchers.admin.words import FOUND_BY, ROLES, in_words, instant
from vouchers.models import Consent, Link
from vouchers.money import yuan

CHOICES: Final[Mapping[str, Mapping[Any, Any]]] = {
    "found_by": dict(FOUND_BY),
    "link": dict(Link.Kind.choices),
    "purpose": dict(Consent.Purpose.choices),
    "role": ROLES,
}
"""Words of facts that are one of several, beside those of the row's own columns."""
SPOKEN: Final[Mapping[str, Callable[[Any], str]]] = {
    "area": lambda name: name or _("the whole city"),
    "count": "{:,}".format,
    "terms": lambda sha256: f"{sha256[:12]}…",
}
"""How other facts are said; what is not here is a number or a name."""


def told(act: LogEntry, zone: ZoneInfo) -> str:
    """A line of the history; instants are local times of `zone`.

    What no service writes is what Django makes of it; what can't be put in words is shown as it was
    written.
    """
    line = _line(act.change_message)
    if line is None:
        return act.get_change_message()
    try:
        return _told(line, act, zone)
    except (AttributeError, KeyError, TypeError, ValueError):  # of another version of the program
        return act.change_message


def _told(line: dict[str, Any], act: LogEntry, zone: ZoneInfo) -> str:
    kind = act.content_type and act.content_type.model_class()
    facts = {name: _spoken(name, value, kind, zone) for name, value in line["facts"].items()}
    said = _(line["what"]) % facts
    if facts.get("until_at"):
        said = _("%(what)s until %(until)s") % {"what": said, "until": facts["until_at"]}
    if facts.get("reason"):
        said = _("%(what)s: %(reason)s") % {"what": said, "reason": facts["reason"]}
    return capfirst(said)


def _line(message: str) -> dict[str, Any] | None:
    """What `services.history.note` wrote; None for a message of another kind."""
    try:
        (line,) = json.loads(message)
    except (TypeError, ValueError):
        return None
    return line if isinstance(line, dict) and line.keys() == {"what", "facts"} else None


def _spoken(name: str, value: Any, kind: Any, zone: ZoneInfo) -> str:
    if name in SPOKEN:
        return SPOKEN[name](value)
    if name in OPTIONS:
        return in_words(OPTIONS[name], value, zone)
    if name.endswith("_fen"):
        return yuan(value)
    if name.endswith("_at"):
        return instant(value, zone) if value else ""
    choices = CHOICES.get(name) or _choices(kind, name)
    return str(choices.get(value, value))


def _choices(kind: Any, name: str) -> Mapping[Any, Any]:
    """Those of the row's column of the same name."""
    columns = {field.name: field for field in kind._meta.concrete_fields} if kind else {}
    return dict(columns[name].flatchoices) if name in columns else {}
