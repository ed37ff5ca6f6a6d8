"""The dialog of an amendment: what terms may be widened, with the values in force beside it."""

from collections.abc import Iterator
from typing import Any, Final
from zoneinfo import ZoneInfo

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSingleDateWidget,
)

from merchants.admin.choices import PickedRows
from merchants.models import Merchant
from vouchers.admin.campaigns.units import YUAN_LABELS
from vouchers.admin.fields import DurationField, YuanField
from vouchers.admin.forms import DialogForm
from vouchers.admin.words import duration, instant
from vouchers.models import LimitRule
from vouchers.money import yuan
from vouchers.rules.campaigns.amendments import Figures
from vouchers.rules.campaigns.declaration import MOST_REDEMPTIONS, MOST_VALIDITY_S, WIDENED_PARTS
from vouchers.states import LimitKind

FIGURES: Final = tuple(WIDENED_PARTS["limits"].widened)
STAYS: Final = _("Now %s. Empty: it stays.")


class AmendmentForm(DialogForm):
    """Only widening: a later end, a longer validity, higher limits or none, more stores."""

    ends_on = forms.DateField(
        label=_("New end, midnight after"),
        required=False,
        widget=UnfoldAdminSingleDateWidget,
    )
    validity_s = DurationField(
        label=_("A voucher is valid for"), required=False, least_s=1, most_s=MOST_VALIDITY_S
    )
    lifted = forms.TypedMultipleChoiceField(
        label=_("No longer limited"),
        coerce=int,
        required=False,
        help_text=_("A limit is never lowered or added here: tills are held back by risk rules."),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    merchants = PickedRows(
        label=_("Also all active stores of"),
        queryset=Merchant.objects.filter(state="active"),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        ends_at = instant(self.campaign.ends_at, ZoneInfo(self.campaign.zone))
        self.fields["ends_on"].help_text = STAYS % ends_at
        self.fields["validity_s"].help_text = STAYS % duration(self.campaign.validity_s)
        self._limits = [
            (limit, name)
            for limit in self.campaign.limits.order_by("kind")
            for name in FIGURES
            if getattr(limit, name) is not None
        ]
        for limit, name in self._limits:
            self.fields[_key(limit, name)] = _figure(limit, name)
        kinds = {limit.kind: capfirst(limit.get_kind_display()) for limit, _name in self._limits}
        self.fields["lifted"].choices = list(kinds.items())
        if not kinds:
            del self.fields["lifted"]
        keys = [_key(limit, name) for limit, name in self._limits]
        self.order_fields(["ends_on", "validity_s", *keys])

    def clean(self) -> dict[str, Any]:
        """A limit is raised or lifted, and not both."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for limit, name in self._limits:
            key, now = _key(limit, name), getattr(limit, name)
            typed = cleaned.get(key)
            if typed is None:
                continue
            if limit.kind in cleaned.get("lifted", ()):
                self.add_error(key, _("Either a higher figure, or no limit."))
            elif typed < now:
                self.add_error(key, _("At least %s, as it is now.") % _said(name, now))
        return cleaned

    def limits(self) -> dict[LimitKind, Figures]:
        """What is to become of the limits that were chosen."""
        given = self.cleaned_data
        found: dict[LimitKind, dict[str, int | None]] = {
            LimitKind(kind): dict.fromkeys(FIGURES) for kind in given.get("lifted", ())
        }
        for limit, name, typed in self._typed():
            found.setdefault(LimitKind(limit.kind), {})[name] = typed
        return dict(found)

    def _typed(self) -> Iterator[tuple[LimitRule, str, int]]:
        for limit, name in self._limits:
            typed = self.cleaned_data[_key(limit, name)]
            if typed is not None:
                yield limit, name, typed


def _key(limit: LimitRule, name: str) -> str:
    return f"{LimitKind(limit.kind).name.lower()}_{name}"


def _figure(limit: LimitRule, name: str) -> forms.Field:
    label = YUAN_LABELS.get(name) or limit._meta.get_field(name).verbose_name  # type: ignore[union-attr]
    shared: dict[str, Any] = {
        "label": f"{capfirst(limit.get_kind_display())} · {capfirst(label)}",
        "required": False,
        "help_text": STAYS % _said(name, getattr(limit, name)),
    }
    if name in YUAN_LABELS:
        return YuanField(**shared)
    return forms.IntegerField(
        min_value=0, max_value=MOST_REDEMPTIONS, widget=UnfoldAdminIntegerFieldWidget, **shared
    )


def _said(name: str, figure: int) -> str:
    return yuan(figure) if name in YUAN_LABELS else f"{figure:,}"
