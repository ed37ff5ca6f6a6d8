"""Recorded changes in words: which row, which values, who and how."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import BooleanField, DateTimeField, Field, IntegerField, JSONField, Model
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from merchants.models import Store, Street
from vouchers.admin.words import LABELS, LISTS, NOTHING, in_words
from vouchers.models import Campaign, QuotaCell, Round, SetupChange, TermsVersion
from vouchers.queries.history import MODELS
from vouchers.rules.campaigns.declaration import CAMPAIGN, Option, Unit
from vouchers.sql.history import RECORDED

UNSHOWN: Final = "•••"

_UNITS: Final = {
    "fen": Unit.AMOUNT_FEN,
    "s": Unit.DURATION_S,
    "m": Unit.DISTANCE_M,
    "bp": Unit.BASIS_POINTS,
}
"""By the last part of a column's name."""
OPTIONS: Final = {option.name: option for option in CAMPAIGN}
"""The options of a campaign, by name."""
_LABELS: Final[Mapping[str, Any]] = {
    **LABELS,
    "amount_fen": gettext_lazy("share of the face"),
    "store": gettext_lazy("store"),
}
_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "vouchers_campaignstore": ("store",),
    "vouchers_limitrule": ("kind",),
    "vouchers_geofence": ("kind",),
    "vouchers_quotacell": ("tier", "round", "district", "store", "source", "channel", "day"),
    "vouchers_round": ("number",),
    "vouchers_tiersplit": ("tier", "source"),
    "merchants_storelocation": ("version",),
    "merchants_terminal": ("code",),
    "merchants_credential_merchants": ("merchant",),
    "merchants_credential_stores": ("store",),
}
"""Columns that say which row it is beside its page; other rows are called what they call
themselves."""


_TITLES: Final = ("name", "label", "code", "hint", "store_no")
"""Columns that name a row, the best first."""


class Words:
    """Values of a page of changes in words; what they refer to is read once for the page."""

    def __init__(self, changes: Iterable[SetupChange], zone: ZoneInfo) -> None:
        self._zone = zone
        changes = list(changes)
        wanted: dict[type[Model], set[Any]] = defaultdict(set)
        for change in changes:
            model = MODELS[change.table_name]
            wanted[model].add(change.row_id)
            for side in (change.before, change.after):
                for field, value in columns(model, side):
                    if field.is_relation and value is not None:
                        wanted[field.related_model].add(value)
        self._rows = {model: _rows(model, keys) for model, keys in wanted.items()}

    def row(self, change: SetupChange) -> str:
        """Which row it was: "Tier: 满300减90"."""
        model = MODELS[change.table_name]
        found = self._rows[model].get(change.row_id)
        given = _columns_by_name(model, change.before) | _columns_by_name(model, change.after)
        if found is not None:
            given = {field.name: getattr(found, field.attname) for field in model._meta.fields}
        names = _NAMES.get(change.table_name, ())
        words = [
            self.value(model, model._meta.get_field(it), given[it]) for it in names if it in given
        ]
        name = " · ".join(word for word in words if word != NOTHING)
        if not name and found is not None:
            name = called(found)
        elif not name:
            # It is gone, and its history says what it was.
            name = str(next((given[it] for it in _TITLES if it in given), change.row_id))
        return f"{capfirst(kind(model))}: {name}"

    def value(self, model: type[Model], field: Any, value: Any) -> str:
        """A column's value as it is recorded."""
        if field.column in RECORDED[model._meta.db_table].secret:
            return UNSHOWN
        if field.name == "geometry" or field.name == "boundary":
            return _outline(value)
        if value is None or value == "":
            return NOTHING
        if field.is_relation:
            found = self._rows.get(field.related_model, {}).get(value)
            return called(found) if found is not None else _("no. %s") % value
        if field.choices and field.name not in LISTS:
            return str(dict(field.flatchoices).get(value, value))
        return in_words(_option(field), value, self._zone, model)

    def lines(self, change: SetupChange) -> list[dict[str, str]]:
        """Label, before and after of each column, in the order of the table."""
        model = MODELS[change.table_name]
        before, after = change.before or {}, change.after or {}
        named = {field.column for field, _value in columns(model, before | after)}
        found = []
        recorded = RECORDED[change.table_name]
        for field in model._meta.concrete_fields:
            # The page itself names what it is about.
            if field.column in named - {"id", recorded.page_key}:
                old, new = (
                    self.value(model, field, side.get(field.column)) for side in (before, after)
                )
                if change.operation == SetupChange.Operation.UPDATE or {old, new} != {NOTHING}:
                    found.append({"label": capfirst(label(field)), "old": old, "new": new})
        return found


def kind(model: type[Model]) -> str:
    """What a row of a table is called; of a table of pairs, what the pairs are for."""
    page = MODELS[RECORDED[model._meta.db_table].page]
    for pairs in page._meta.many_to_many:
        if pairs.remote_field.through is model:
            return str(pairs.verbose_name)
    return str(model._meta.verbose_name)


def label(field: Any) -> str:
    """What a column is called."""
    return str(_LABELS.get(field.name, field.verbose_name))


def called(row: Model) -> str:
    """What a row is called where its campaign is known."""
    if isinstance(row, Round):
        return f"#{row.number}"
    if isinstance(row, TermsVersion):
        return f"v{row.number}"
    if isinstance(row, QuotaCell):
        return _("whole campaign")
    return str(row)


def columns(model: type[Model], values: Mapping[str, Any] | None) -> list[tuple[Any, Any]]:
    """Fields and values of those columns that the table still has."""
    by_column = {field.column: field for field in model._meta.concrete_fields}
    return [(by_column[name], value) for name, value in (values or {}).items() if name in by_column]


def _columns_by_name(model: type[Model], values: Mapping[str, Any] | None) -> dict[str, Any]:
    return {field.name: value for field, value in columns(model, values)}


def _rows(model: type[Model], keys: set[Any]) -> dict[Any, Model]:
    """The rows that are still there, with what their names need."""
    rows = model._base_manager.filter(pk__in=keys)
    if model is Store:
        rows = rows.select_related("merchant")
    if model is Street:
        rows = rows.select_related("district")
    return {row.pk: row for row in rows}


def _option(field: Any) -> Option:
    """The declared option of a campaign's column, or one of the unit that the column is in."""
    if field.model is Campaign and field.name in OPTIONS:
        return OPTIONS[field.name]
    return Option(field.name, _unit(field))


def _unit(field: "Field[Any, Any]") -> Unit:
    if isinstance(field, DateTimeField):
        return Unit.INSTANT
    if isinstance(field, BooleanField):
        return Unit.FLAG
    if isinstance(field, JSONField):
        return Unit.NAMES
    if isinstance(field, IntegerField) and "_" in field.name:
        return _UNITS.get(field.name.rpartition("_")[2], Unit.TEXT)
    return Unit.TEXT


def _outline(geometry: Mapping[str, Any] | None) -> str:
    """An area on a map by the number of its corners; the map shows it."""
    if not geometry:
        return NOTHING
    corners = json.dumps(geometry.get("coordinates", [])).count("],") + 1
    return _("an area of %(count)d points") % {"count": corners}


def who(change: SetupChange) -> str:
    """The person, or the job that acted without one."""
    way = change.origin.partition(" ")[0]
    if change.username:
        return change.username
    if change.user_id is not None:
        return _("user no. %s") % change.user_id
    if way == "api":
        return _("a caller of the API")
    if way == "task":
        return _("a worker")
    if way == "command":
        return _("a command")
    return _("the program") if _is_services(change) else _("the database owner")


def how(change: SetupChange) -> str:
    """How the change was made: page, worker's task, command, or a session of the database."""
    way, _space, name = change.origin.partition(" ")
    words = {
        "admin": _("in the admin"),
        "api": "",
        "task": _("task %s") % name,
        "command": f"manage.py {name}",
        "": "" if _is_services(change) else _("database role %s") % change.database_role,
    }
    return words.get(way, change.origin)


def _is_services(change: SetupChange) -> bool:
    return bool(change.database_role == settings.DATABASES["default"]["USER"])
