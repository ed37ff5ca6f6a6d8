"""The campaign's form made from the declaration of its terms: headings, and a field per unit."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminIntegerFieldWidget

from vouchers.admin.campaigns.weights import WeightsField
from vouchers.admin.fields import (
    AddressesField,
    DurationField,
    NamesField,
    PercentField,
    YuanField,
)
from vouchers.admin.forms import AUDIENCE
from vouchers.admin.words import LISTS
from vouchers.rules.audience.filters import AudienceFilter
from vouchers.rules.campaigns.declaration import CAMPAIGN, Option, Section, Unit

SECTIONS: Mapping[Section, Any] = {
    Section.GENERAL: None,
    Section.PERIOD: _("Period"),
    Section.AUDIENCE: _("Audience"),
    Section.MONEY: _("Orders, money and proof"),
}
WIDE = {Unit.INSTANT, Unit.DURATION_S, Unit.WEIGHTS}
"""Units whose fields take a whole line."""


def fieldsets(*hidden: str) -> list[tuple[Any, dict[str, Any]]]:
    """Headings and their fields, two to a line except wide ones."""
    found = [
        (title, {"fields": _lines([o for o in CAMPAIGN if o.section is section])})
        for section, title in SECTIONS.items()
    ]
    found[0][1]["fields"].extend(hidden)
    return found


def _lines(options: Sequence[Option]) -> list[Any]:
    wide = [option.name for option in options if option.unit in WIDE]
    names = [name for option in options if option.unit not in WIDE for name in _typed(option)]
    return [*(tuple(names[at : at + 2]) for at in range(0, len(names), 2)), *wide]


def form_field(option: Option, column: Any) -> forms.Field | None:
    """The field in which an option of this unit is typed; None for Django's own."""
    make = _FIELDS.get(option.unit)
    return make(option, column) if make else None


def _typed(option: Option) -> list[str]:
    if option.unit is Unit.AUDIENCE:
        return [AUDIENCE + name for name in AudienceFilter.__dataclass_fields__]
    return [option.name]


def _common(column: Any) -> dict[str, Any]:
    return {
        "label": capfirst(column.verbose_name),
        "required": not column.blank,
        "initial": column.get_default() if column.has_default() else None,
    }


def _number(option: Option, column: Any) -> forms.Field:
    unit = _("%(label)s, metres") if option.unit is Unit.DISTANCE_M else None
    label = capfirst(column.verbose_name)
    return forms.IntegerField(
        **_common(column) | {"label": unit % {"label": label} if unit else label},
        min_value=option.least or 0,
        max_value=option.most or 2**31 - 1,
        widget=UnfoldAdminIntegerFieldWidget,
    )


def _choices(option: Option, column: Any) -> forms.Field:
    return forms.MultipleChoiceField(
        **_common(column),
        choices=LISTS[option.name],
        help_text=_("None chosen: every kind.") if column.blank else "",
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )


_FIELDS: Mapping[Unit, Callable[[Option, Any], forms.Field]] = {
    Unit.COUNT: _number,
    Unit.DISTANCE_M: _number,
    Unit.DURATION_S: lambda option, column: DurationField(
        **_common(column), least_s=option.least, most_s=option.most
    ),
    Unit.AMOUNT_FEN: lambda _option, column: YuanField(**_common(column)),
    Unit.BASIS_POINTS: lambda _option, column: PercentField(**_common(column)),
    Unit.CHOICES: _choices,
    Unit.WEIGHTS: lambda _option, column: WeightsField(
        **_common(column),
        help_text=_("Counts where the highest need comes first; all empty: the score on file."),
    ),
    Unit.NAMES: lambda _option, column: NamesField(**_common(column)),
    Unit.ADDRESSES: lambda _option, column: AddressesField(
        **_common(column),
        help_text=_("Web addresses (https) or e-mail addresses, separated by commas."),
    ),
}
