"""The form field for the weights of the need score: a line for each thing that counts."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from vouchers.admin.fields import items_of
from vouchers.rules.audience.need import MOST_POINTS, SCORE, TAG, TAG_BITS

TAGS = "tags"
"""The line for all weighed tags."""


class WeightsWidget(forms.MultiWidget):
    """A line for each thing that counts: what it is, and its points."""

    template_name = "vouchers/weights_widget.html"
    labels: ClassVar[Mapping[str, Any]] = {
        SCORE: _("each point of the need score on file"),
        "age_60": _("age of 60 and more"),
        "age_80": _("age of 80 and more, in addition"),
        "is_registered": _("registered household (户籍)"),
        "has_residence_permit": _("residence permit"),
        TAGS: _("tags, as number: points, separated by commas"),
    }

    def __init__(self) -> None:
        super().__init__(
            {
                name: UnfoldAdminTextInputWidget(attrs={"aria-label": label})
                if name == TAGS
                else UnfoldAdminIntegerFieldWidget(attrs={"aria-label": label})
                for name, label in self.labels.items()
            }
        )

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        """With each line's label."""
        context: dict[str, Any] = super().get_context(name, value, attrs)
        context["lines"] = list(
            zip(self.labels.values(), context["widget"]["subwidgets"], strict=True)
        )
        return context

    def decompress(self, value: Any) -> list[Any]:
        """Points by name, those of tags in one text."""
        points = value or {}
        tags = {name.removeprefix(TAG): points[name] for name in points if name.startswith(TAG)}
        listed = ", ".join(f"{bit}: {of_tag}" for bit, of_tag in tags.items())
        return [listed if name == TAGS else points.get(name) for name in self.labels]


class WeightsField(forms.MultiValueField):
    """Points by what they are for; a line left empty counts nothing."""

    widget = WeightsWidget

    def __init__(self, **options: Any) -> None:
        fields = [
            forms.CharField(required=False)
            if name == TAGS
            else forms.IntegerField(min_value=0, max_value=MOST_POINTS, required=False)
            for name in WeightsWidget.labels
        ]
        super().__init__(fields, require_all_fields=False, **options)

    def compress(self, data_list: list[Any]) -> dict[str, int]:
        """The lines that count."""
        found: dict[str, int] = {}
        for name, value in zip(WeightsWidget.labels, data_list, strict=False):
            if name == TAGS:
                found |= dict(_points_of_tags(value or ""))
            elif value:
                found[name] = value
        return found


def _points_of_tags(text: str) -> Iterator[tuple[str, int]]:
    for item in items_of(text.replace("：", ":")):
        bit, _colon, points = (part.strip() for part in item.partition(":"))
        is_tag = bit.isascii() and bit.isdecimal() and int(bit) < TAG_BITS
        is_weight = points.isascii() and points.isdecimal() and 0 < int(points) <= MOST_POINTS
        if not (is_tag and is_weight):
            raise ValidationError(
                _("%(item)s is not a tag (0 to 63) with its points (1 to %(most)s), as in 3: 10.")
                % {"item": item, "most": MOST_POINTS}
            )
        yield f"{TAG}{int(bit)}", int(points)
