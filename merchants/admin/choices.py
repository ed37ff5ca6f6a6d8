"""Choices that stay usable in a large city: a list to pick from while it is short, else a number to
type."""

from typing import Any, Self

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

MOST_OPTIONS = 200
"""Most options of a select box or a group of tick boxes; more need a search field."""


class CodesInput(UnfoldAdminTextInputWidget):
    """Several codes in one line, separated by commas."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        """The codes, without what separates them."""
        typed = str(data.get(name, "")).replace("，", ",")
        return [code for part in typed.split(",") if (code := part.strip())]

    def format_value(self, value: Any) -> str | None:
        return ", ".join(map(str, value)) if isinstance(value, list | tuple) else value


class PickedOrTyped:
    """Picks a row while there are at most 200 of them; beyond, its `typed_by` is typed whole."""

    typed_by = "code"
    typed_in: type[forms.Widget] = UnfoldAdminTextInputWidget
    typed_help: Any = _("More than can be listed: type the whole code.")

    def __deepcopy__(self, memo: Any) -> Self:
        """The field of one form, decided when the form is made, by the rows of that moment."""
        field: Any = super().__deepcopy__(memo)  # type: ignore[misc]
        field.become_short()
        return field

    def become_short(self: Any) -> None:
        """Let the value be typed, since the queryset has become too long for a list."""
        if self.queryset is not None and is_too_long(self.queryset):
            self.to_field_name = self.typed_by
            self.widget = self.typed_in()
            self.help_text = self.typed_help


class PickedRow(PickedOrTyped, forms.ModelChoiceField):  # type: ignore[type-arg]
    """One row, picked or typed."""

    def to_python(self, value: Any) -> Any:
        return super().to_python(value.strip() if isinstance(value, str) else value)


class PickedRows(PickedOrTyped, forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """Several rows, ticked or typed."""

    typed_in = CodesInput
    typed_help = _("More than can be listed: type the whole codes, with commas between them.")


def is_too_long(rows: Any) -> bool:
    """Whether there are more rows than a list shows."""
    return len(rows.order_by().values_list("pk", flat=True)[: MOST_OPTIONS + 1]) > MOST_OPTIONS
