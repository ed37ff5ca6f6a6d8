"""Fields that work without the admin's scripts, so that a section can be put in anew."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone
from unfold.widgets import UnfoldAdminTextInputWidget


class LocalDateTimeInput(UnfoldAdminTextInputWidget):
    """The browser's own field for a day and a time, in the campaign's zone."""

    input_type = "datetime-local"
    supports_microseconds = False

    def format_value(self, value: Any) -> str | None:
        """To the minute, or to the second where there are any."""
        if not isinstance(value, datetime):
            return super().format_value(value)
        local = timezone.localtime(value) if timezone.is_aware(value) else value
        return local.strftime("%Y-%m-%dT%H:%M:%S" if local.second else "%Y-%m-%dT%H:%M")


def made_ready(form: Any) -> None:
    """Fit a form's class for a page whose rows come and go: one native field in place of each pair
    of fields with scripts; a choice without an empty one begins with its first, as browsers show
    it, so that an untouched row is no change."""
    for name, field in form.base_fields.items():
        if isinstance(field, forms.SplitDateTimeField):
            form.base_fields[name] = forms.DateTimeField(
                label=field.label,
                required=field.required,
                help_text=field.help_text,
                initial=field.initial,
                widget=LocalDateTimeInput,
            )
        elif type(field) in {forms.ChoiceField, forms.TypedChoiceField} and field.initial is None:
            values = [value for value, _label in field.choices]
            if values and values[0] not in {"", None}:
                field.initial = values[0]
