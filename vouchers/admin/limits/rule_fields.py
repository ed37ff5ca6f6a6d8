"""A risk rule as it is typed: `name=number`, over the usual values of its kind."""

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from vouchers.rules.limits.risk_rules import PARAMETERS, RiskRule
from vouchers.states import RiskKind, RiskSetting, RiskVerdict

_PARAMETER = re.compile(r"(\w+)\s*=\s*(\d{1,12})")


class ParametersField(forms.CharField):
    """Parameters by name, separated by blanks or commas."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("label", _("Parameters"))
        options.setdefault(
            "help_text", _("Such as orders=10; what is not named keeps its usual value.")
        )
        super().__init__(required=False, widget=UnfoldAdminTextInputWidget, **options)

    def clean(self, value: Any) -> dict[str, int]:
        """By name the number."""
        text = super().clean(value)
        if _PARAMETER.sub("", text).strip(" ,"):
            raise ValidationError(_("Write each parameter as name=number."))
        return {name: int(number) for name, number in _PARAMETER.findall(text)}


def rule_typed(given: Mapping[str, Any], setting: RiskSetting) -> RiskRule:
    """The rule of a form with `kind`, `verdict` and `parameters`."""
    kind = RiskKind(given["kind"])
    usual = {name: bounds.default for name, bounds in PARAMETERS[kind].items()}
    verdict = RiskVerdict(given["verdict"])
    return RiskRule(kind, setting, verdict, usual | given["parameters"])
