"""A risk rule as it is typed: its kind is chosen first, then each figure has a field of its own.

The chosen kind, and the figures a form begins with, stand in the address of the page.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from django import forms
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget

from vouchers.admin.fields import YuanField
from vouchers.admin.rule_words import (
    KIND_NAMES,
    WORDS,
    YUAN,
    is_empty_night,
    rule_text,
    sentence_of,
    usual,
)
from vouchers.models.limits.risk import RISK_VERDICTS
from vouchers.rules.limits.risk_rules import PARAMETERS, RiskRule
from vouchers.states import CampaignState, RiskKind, RiskSetting, RiskVerdict

FIGURE = re.compile("[0-9]{1,12}")
CHANGED_IN = set(CampaignState) - {
    CampaignState.ENDED,
    CampaignState.SETTLED,
    CampaignState.CLOSED,
}
"""The states of a campaign in which another setting of a rule is offered."""
Documents = Sequence[Mapping[str, Any]]


class RuleFigures(forms.Form):
    """The fields of a rule of one kind: its figures and its verdict."""

    verdict = forms.ChoiceField(
        label=gettext_lazy("What it does in force"),
        choices=RISK_VERDICTS,
        widget=UnfoldAdminSelectWidget,
    )

    def __init__(self, *args: Any, kind: RiskKind, **options: Any) -> None:
        super().__init__(*args, **options)
        self.kind = kind
        self.fields |= {name: figure_field(kind, name) for name in PARAMETERS[kind]}
        # Figures stand before what is done about them.
        self.order_fields(["campaign", *PARAMETERS[kind], *self.fields])

    def clean(self) -> dict[str, Any]:
        """A night has at least one hour."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        is_night = self.kind is RiskKind.NIGHT_HOURS and usual(self.kind).keys() <= cleaned.keys()
        if is_night and is_empty_night(cleaned):
            self.add_error("to_hour", _("The night would have no hour: choose another end."))
        return cleaned

    def rule(self, setting: RiskSetting) -> RiskRule:
        """The rule of the fields."""
        given = self.cleaned_data
        figures = {name: given[name] for name in PARAMETERS[self.kind]}
        return RiskRule(self.kind, setting, RiskVerdict(given["verdict"]), figures)


def figure_field(kind: RiskKind, name: str) -> forms.Field:
    """A parameter's field, with its unit, bounds and usual value; money in yuan, fen inside."""
    label, measure = WORDS[kind].figures[name]
    bounds = PARAMETERS[kind][name]
    figures = {part: measure.said(value) for part, value in bounds._asdict().items()}
    refused = _("It has to be from %(least)s to %(most)s.") % figures
    options: dict[str, Any] = {
        "label": _("%(label)s (%(unit)s)") % {"label": label, "unit": measure.unit},
        "help_text": _("From %(least)s to %(most)s; usually %(default)s.") % figures,
        "error_messages": {"min_value": refused, "max_value": refused},
    }
    if measure is YUAN:
        return YuanField(max_value=Decimal(bounds.most) / 100, **options)
    return forms.IntegerField(
        min_value=bounds.least,
        max_value=bounds.most,
        widget=UnfoldAdminIntegerFieldWidget,
        **options,
    )


# What stands in an address


def chosen_kind(query: Mapping[str, str]) -> RiskKind | None:
    """The kind an address names; None for none, or for one that does not exist."""
    named = query.get("kind", "")
    return RiskKind(named) if named in set(RiskKind) else None


def query_of(rule: Mapping[str, Any], **more: Any) -> str:
    """The end of an address whose form begins with a rule, which `chosen_kind` and `beginning`
    read. Its setting is left out: a rule is not set in force by following a link."""
    named = {"kind": rule["kind"], "verdict": rule["verdict"]}
    return "?" + urlencode({**more, **named, **rule["parameters"]})


def beginning(kind: RiskKind, query: Mapping[str, str], rules: Documents) -> dict[str, Any]:
    """What a form begins with: what the address says, over the rule as it stands among `rules`,
    over what is usual."""
    start: dict[str, Any] = {
        "setting": RiskSetting.SHADOW.value,
        "verdict": RiskVerdict.HOLD.value,
        **usual(kind),
    }
    for rule in rules:
        if rule["kind"] == kind:
            start |= {"setting": rule["setting"], "verdict": rule["verdict"], **rule["parameters"]}
    if "verdict" in query:
        start["verdict"] = query["verdict"]
    asked = {name: query.get(name, "") for name in PARAMETERS[kind]}
    return start | {name: int(text) for name, text in asked.items() if FIGURE.fullmatch(text)}


class Offered(NamedTuple):
    """A kind that can be chosen: its name, its address if it can be, how it stands, a note."""

    name: Any
    address: str
    standing: str
    note: Any


def offered(
    rules: Documents | None,
    *,
    more: Mapping[str, Any],
    note: Callable[[RiskKind], Any] = lambda kind: "",
    is_open: Callable[[RiskKind], bool] = lambda kind: True,
) -> list[Offered]:
    """Every kind of rule to choose from, as it stands among `rules`, or as it is usual where they
    are None; `more` stands in the addresses too."""
    standing = {rule["kind"]: rule_text(rule) for rule in rules or ()}
    otherwise = "%s" if rules is None else _("off; usual: %s")
    return [
        Offered(
            KIND_NAMES[kind.value],
            "?" + urlencode({**more, "kind": kind.value}) if is_open(kind) else "",
            standing.get(kind.value) or otherwise % sentence_of(kind, usual(kind)),
            note(kind),
        )
        for kind in RiskKind
    ]
