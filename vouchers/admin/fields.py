"""Form fields for the units of the terms: money in yuan, per cent, durations, lists."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from vouchers.admin.words import duration
from vouchers.rules.campaigns.declaration import DAY_S, MINUTE_S
from vouchers.rules.campaigns.soundness import is_address

HOUR_S = 60 * MINUTE_S
UNITS_S = [(DAY_S, _("days")), (HOUR_S, _("hours")), (MINUTE_S, _("minutes")), (1, _("seconds"))]
MOST_S = 2**31 - 1
"""The largest value of a column of seconds."""


class HundredthsField(forms.DecimalField):
    """Typed with at most two decimals, an integer number of hundredths inside."""

    signs: ClassVar[Mapping[int, int | None]]
    """The signs that people write round the number."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("widget", UnfoldAdminTextInputWidget)
        super().__init__(decimal_places=2, min_value=Decimal(0), **options)

    def to_python(self, value: Any) -> Any:
        """The number without the signs."""
        return super().to_python(value.translate(self.signs) if isinstance(value, str) else value)

    def clean(self, value: Any) -> int | None:
        """Hundredths, or None when it is left empty."""
        number = super().clean(value)
        return None if number is None else int(number * 100)

    def prepare_value(self, value: Any) -> Any:
        """Hundredths as they are shown; what was typed stays as typed."""
        return self.shown(Decimal(value) / 100) if isinstance(value, int) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compares what is shown, so that an untouched figure is not a change."""
        return super().has_changed(
            Decimal(initial) / 100 if isinstance(initial, int) else initial, data
        )

    def shown(self, number: Decimal) -> str:
        """Two decimals, thousands apart."""
        return f"{number:,.2f}"


class YuanField(HundredthsField):
    """Typed and shown in yuan (¥1,234.56), an integer number of fen inside."""

    signs = str.maketrans("", "", "¥￥元,， ")

    def __init__(self, **options: Any) -> None:
        super().__init__(max_digits=15, **options)


class PercentField(HundredthsField):
    """Typed and shown in per cent (12.5 %), an integer number of basis points inside."""

    signs = str.maketrans("", "", "%％ ")

    def __init__(self, **options: Any) -> None:
        super().__init__(max_value=Decimal(100), **options)

    def shown(self, number: Decimal) -> str:
        """No more decimals than it has."""
        return f"{number.normalize():f}"


class DurationWidget(forms.MultiWidget):
    """A whole number and its unit."""

    def __init__(self) -> None:
        super().__init__(
            {
                "": UnfoldAdminIntegerFieldWidget(attrs={"aria-label": _("number")}),
                "unit": UnfoldAdminSelectWidget(attrs={"aria-label": _("unit")}, choices=UNITS_S),
            }
        )

    def decompress(self, value: Any) -> list[Any]:
        """Seconds in the largest unit that holds them without a remainder."""
        if not value:
            return [None, DAY_S]
        unit_s = next(size_s for size_s, _name in UNITS_S if value % size_s == 0)
        return [value // unit_s, unit_s]


class DurationField(forms.MultiValueField):
    """Typed as days, hours, minutes or seconds; whole seconds inside."""

    widget = DurationWidget

    def __init__(
        self, *, least_s: int | None = None, most_s: int | None = None, **options: Any
    ) -> None:
        self.least_s, self.most_s = least_s or 0, most_s or MOST_S
        fields = (
            # A page sends the unit in any case: a unit without a number is an empty field.
            forms.IntegerField(required=False),
            forms.TypedChoiceField(choices=UNITS_S, coerce=int, empty_value=None, required=False),
        )
        super().__init__(fields, require_all_fields=False, **options)
        number, unit = self.widget.widgets
        number.attrs["aria-label"], unit.attrs["aria-label"] = self.label, _("Unit of time")

    def compress(self, data_list: list[Any]) -> int | None:
        """Seconds within the bounds; None when no number is given."""
        if not data_list or data_list[0] is None:
            if self.required:
                raise ValidationError(self.error_messages["required"], code="required")
            return None
        number, unit_s = data_list
        seconds = int(number) * int(unit_s or DAY_S)
        if seconds < self.least_s:
            raise ValidationError(_("At least %s.") % duration(self.least_s))
        if seconds > self.most_s:
            raise ValidationError(_("At most %s.") % duration(self.most_s))
        return seconds


class NamesField(forms.CharField):
    """Texts separated by commas; a list inside."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("widget", UnfoldAdminTextInputWidget)
        options.setdefault("help_text", _("Separated by commas."))
        super().__init__(**options)

    def clean(self, value: Any) -> Any:
        """The trimmed texts, without empty ones."""
        return [self.clean_item(item) for item in items_of(super().clean(value))]

    def clean_item(self, item: str) -> Any:
        """One text as it is kept."""
        return item

    def prepare_value(self, value: Any) -> Any:
        """A list as it is typed."""
        return ", ".join(map(str, value)) if isinstance(value, list | tuple) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compares the texts, not the spaces between them."""
        return [str(item) for item in initial or ()] != items_of(data or "")


class AddressesField(NamesField):
    """Web (https) or e-mail addresses."""

    def clean_item(self, item: str) -> str:
        """An address that seals can be sent to."""
        if not is_address(item):
            raise ValidationError(_("%s is neither a web nor an e-mail address.") % item)
        return item


class TagsField(NamesField):
    """Numbers of tags, 0 to 63."""

    def clean_item(self, item: str) -> int:
        """A tag's bit number."""
        if not (item.isascii() and item.isdecimal() and int(item) < 64):
            raise ValidationError(_("%s is not a tag number (0 to 63).") % item)
        return int(item)


class SeenField(forms.JSONField):
    """The figures that a dialog showed, by name, in a hidden field: they come back with what was
    typed, so that a service can refuse an act on figures that are no longer the ones seen.

    A figure is a number or, where `is_cap`, a cap's money and number, None where not capped.
    """

    def __init__(self, *, is_cap: bool = False, **options: Any) -> None:
        super().__init__(widget=forms.HiddenInput, **options)
        self.is_cap = is_cap

    def clean(self, value: Any) -> dict[str, Any]:
        """The figures by name."""
        seen = super().clean(value)
        if not isinstance(seen, dict) or not all(map(self._is_figure, seen.values())):
            raise ValidationError(OUTDATED)
        return seen

    def _is_figure(self, figure: Any) -> bool:
        if not self.is_cap:
            return type(figure) is int
        is_pair = isinstance(figure, list) and len(figure) == 2
        return is_pair and all(cap is None or type(cap) is int for cap in figure)


OUTDATED = _("The figures have changed since the dialog was opened. Open it again.")


def items_of(text: str) -> list[str]:
    """The parts between commas, also Chinese ones, without empty ones."""
    parts = (part.strip() for part in text.replace("，", ",").replace("、", ",").split(","))
    return [part for part in parts if part]
