"""Values of the terms in words, by their unit: what the review page and messages show."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Model
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from vouchers.http.explanations import PHRASES, district_name, street_name
from vouchers.models import Campaign, LimitRule, ResidentPoint
from vouchers.models.campaigns.campaigns import LIMIT_KINDS
from vouchers.money import yuan
from vouchers.rules.audience.need import NAMES, TAG
from vouchers.rules.campaigns.declaration import DAY_S, MINUTE_S, Option, Part, Unit
from vouchers.services.hotline import FoundBy
from vouchers.states import LimitKind

HOUR_S = 60 * MINUTE_S
NOTHING = "–"
ORDER_KINDS = [
    ("in_store", gettext_lazy("in the store")),
    ("delivered", gettext_lazy("delivered")),
]
ORDER_NUMBERS = [
    ("payment_ref", gettext_lazy("payment reference")),
    ("receipt_no", gettext_lazy("receipt no.")),
]
ROLES: Mapping[str, Any] = {
    "manager": gettext_lazy("Manager"),
    "approver": gettext_lazy("Approver"),
    "risk officer": gettext_lazy("Risk officer"),
    "operator": gettext_lazy("Operator"),
    "auditor": gettext_lazy("Auditor"),
    "active": gettext_lazy("May sign in"),
    "staff": gettext_lazy("May use the admin"),
    "superuser": gettext_lazy("Administrator"),
}
"""Roles by the names of their groups, and Django's own marks of an account."""
FOUND_BY = [
    (FoundBy.VOUCHER.value, gettext_lazy("printed code of the voucher")),
    (FoundBy.RESIDENT.value, gettext_lazy("resident no.")),
    (FoundBy.ORDER.value, gettext_lazy("order no. and day")),
    (FoundBy.RECEIPT.value, gettext_lazy("receipt no. and day")),
]
"""What a caller has in hand."""

LISTS: Mapping[str, Sequence[tuple[Any, Any]]] = {
    "point_kinds": ResidentPoint.Kind.choices,
    "order_kinds": ORDER_KINDS,
    "order_numbers": ORDER_NUMBERS,
}
"""The values of options that are lists; a column's own choices name single ones."""

LABELS: Mapping[str, Any] = {
    "appropriated_fen": gettext_lazy("appropriated"),
    "face_fen": gettext_lazy("face value"),
    "threshold_fen": gettext_lazy("threshold"),
    "percent_bp": gettext_lazy("percentage"),
    "shares_fen": gettext_lazy("shares of the face"),
    "from_m": gettext_lazy("from"),
    "to_m": gettext_lazy("to"),
    "limit_fen": gettext_lazy("most subsidy"),
    "slice": gettext_lazy("slice"),
    "cap_fen": gettext_lazy("money at most"),
    "cap_count": gettext_lazy("vouchers at most"),
    "district": gettext_lazy("district"),
    "street": gettext_lazy("street (街镇)"),
    "merchant": gettext_lazy("merchant"),
    "store": gettext_lazy("store no."),
}
"""Labels of what has no column of its own, or whose column's label names a unit."""

WEIGHED: Mapping[str, Any] = {
    "need_score": gettext_lazy("%(points)d for each point of the need score on file"),
    "age_60": gettext_lazy("%(points)d from the age of 60"),
    "age_80": gettext_lazy("%(points)d from the age of 80, beside those from 60"),
    "is_registered": gettext_lazy("%(points)d with a registered household (户籍)"),
    "has_residence_permit": gettext_lazy("%(points)d with a residence permit"),
}
"""What need is counted by, beside tags."""

DIMENSIONS: Mapping[str, Any] = {
    "tier": gettext_lazy("tier"),
    "round": gettext_lazy("round"),
    "district": gettext_lazy("district"),
    "merchant": gettext_lazy("merchant"),
    "store": gettext_lazy("store no."),
    "source": gettext_lazy("funding source"),
    "channel": gettext_lazy("channel"),
    "day": gettext_lazy("day"),
}


def label(option: Option, model: type[Model] = Campaign) -> Any:
    """What an option is called."""
    if option.name in LABELS and model is not Campaign:
        return LABELS[option.name]
    column: Any = model._meta.get_field(option.name)
    return column.verbose_name


def model_of(part: Part) -> type[Model]:
    """The table of a part's rows."""
    relation: Any = Campaign._meta.get_field(part.relation)
    model: type[Model] = relation.related_model
    return model


def in_words(option: Option, value: Any, zone: ZoneInfo, model: type[Model] = Campaign) -> str:
    """A document's value; instants in local time of `zone`."""
    if option.unit is Unit.AUDIENCE:
        return audience(value)
    if value is None or value in ("", [], {}):
        return NOTHING
    if option.unit is Unit.INSTANT:
        return instant(value, zone)
    if option.unit in {Unit.CHOICE, Unit.CHOICES}:
        return _chosen(option, value, model)
    words: Callable[[Any], str] = _WORDS.get(option.unit, str)
    return words(value)


def instant(value: str | datetime, zone: ZoneInfo) -> str:
    """Year to minute, in local time; seconds where there are any."""
    at = parse_datetime(value) if isinstance(value, str) else value
    if at is None:
        return str(value)
    local = at.astimezone(zone)
    return date_format(local, "Y-m-d H:i:s" if local.second else "Y-m-d H:i")


def duration(seconds: int) -> str:
    """Days, hours, minutes and seconds, without those that are zero."""
    days, rest_s = divmod(seconds, DAY_S)
    hours, rest_s = divmod(rest_s, HOUR_S)
    minutes, rest_s = divmod(rest_s, MINUTE_S)
    parts = [
        ngettext("%(count)d day", "%(count)d days", days) % {"count": days} if days else "",
        ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours} if hours else "",
        ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}
        if minutes
        else "",
        ngettext("%(count)d second", "%(count)d seconds", rest_s) % {"count": rest_s}
        if rest_s or not seconds
        else "",
    ]
    return " ".join(part for part in parts if part)


def percent(basis_points: int) -> str:
    """12.5 %, with no more decimals than it has."""
    return f"{(Decimal(basis_points) / 100).normalize():f} %"


def audience(document: Mapping[str, Any]) -> str:
    """An audience filter as phrases that must all hold."""
    phrases = [
        PHRASES[name](value)
        for name, value in document.items()
        if value is not None and value not in ([], ())
    ]
    return "; ".join(phrases) or _("everyone within reach")


def weights(points_by_name: Mapping[str, int]) -> str:
    """The weights of the need score as a sentence that says how residents are ranked."""
    # A document keeps no order of names.
    phrases = [weighed(name, points_by_name[name]) for name in NAMES if name in points_by_name]
    return _(
        "Points: %s. What is not on file counts nothing. The most points come first; equals by lot."
    ) % "; ".join(phrases)


def weighed(name: str, points: int) -> str:
    """What a resident gets points for."""
    if name in WEIGHED:
        return str(WEIGHED[name]) % {"points": points}
    return _("%(points)d with tag %(tag)s") % {"points": points, "tag": name.removeprefix(TAG)}


def _chosen(option: Option, value: Any, model: type[Model]) -> str:
    names = dict(LISTS[option.name]) if option.name in LISTS else _choices(option, model)
    chosen = value if isinstance(value, list) else [value]
    return ", ".join(str(names.get(item, item)) for item in chosen)


def _choices(option: Option, model: type[Model]) -> dict[Any, Any]:
    if model is LimitRule:
        return {LimitKind(number).name.lower(): name for number, name in LIMIT_KINDS}
    column: Any = model._meta.get_field(option.name)
    return dict(column.flatchoices)


def _shares(shares_fen: Mapping[str, int]) -> str:
    return " + ".join(f"{source} {yuan(fen)}" for source, fen in shares_fen.items())


def _slice(dimensions: Mapping[str, str]) -> str:
    return ", ".join(
        f"{DIMENSIONS[name]} {district_name(value) if name == 'district' else value}"
        for name, value in dimensions.items()
    )


def _yes_or_no(value: bool) -> str:
    return _("yes") if value else _("no")


def _listed(values: Sequence[Any]) -> str:
    return ", ".join(map(str, values))


CATEGORIES: Mapping[str, Any] = {
    "tobacco": gettext_lazy("tobacco"),
    "alcohol": gettext_lazy("alcohol"),
}
"""Categories that presets name; others are called as tills name them."""


def _categories(codes: Sequence[str]) -> str:
    return _(", ").join(str(CATEGORIES.get(code, code)) for code in codes)


_WORDS: Mapping[Unit, Callable[[Any], str]] = {
    Unit.FLAG: _yes_or_no,
    Unit.COUNT: lambda value: f"{value:,}",
    Unit.DURATION_S: duration,
    Unit.DISTANCE_M: lambda value: _("%s m") % f"{value:,}",
    Unit.AMOUNT_FEN: yuan,
    Unit.BASIS_POINTS: percent,
    Unit.NAMES: _categories,
    Unit.ADDRESSES: _listed,
    Unit.SHARES: _shares,
    Unit.SLICE: _slice,
    Unit.DISTRICT: district_name,
    Unit.STREET: street_name,
    Unit.WEIGHTS: weights,
    Unit.GEOMETRY: lambda value: json.dumps(value, ensure_ascii=False),
}
