"""Risk rules in words: how each figure is called, its unit, and a sentence for each rule.

One declaration by kind. The parameters and their bounds are `PARAMETERS` of
`rules/limits/risk_rules.py`.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from vouchers.models.limits.risk import RISK_KINDS, RISK_VERDICTS
from vouchers.money import yuan
from vouchers.rules.limits.risk_rules import PARAMETERS
from vouchers.states import RiskKind, RiskSetting

KIND_NAMES: Final[Mapping[str, Any]] = dict(RISK_KINDS)


class Measure(NamedTuple):
    """The unit a figure is typed in, and a figure with its unit as people say it."""

    unit: Any
    said: Callable[[int], str]


class Figure(NamedTuple):
    """What a parameter is called beside its field, and what it is measured in."""

    label: Any
    measure: Measure


class Words(NamedTuple):
    """What a kind of rule looks for, with its figures by name."""

    sentence: Any
    figures: Mapping[str, Figure]


def _orders(count: int) -> str:
    return ngettext("%(count)s order", "%(count)s orders", count) % {"count": f"{count:,}"}


def _people(count: int) -> str:
    return ngettext("%(count)s person", "%(count)s people", count) % {"count": f"{count:,}"}


def _stores(count: int) -> str:
    return ngettext("%(count)s store", "%(count)s stores", count) % {"count": f"{count:,}"}


def _minutes(count: int) -> str:
    return ngettext("%(count)s minute", "%(count)s minutes", count) % {"count": f"{count:,}"}


ORDERS = Measure(gettext_lazy("orders"), _orders)
PEOPLE = Measure(gettext_lazy("people"), _people)
STORES = Measure(gettext_lazy("number of stores"), _stores)
MINUTES = Measure(gettext_lazy("minutes"), _minutes)
YUAN = Measure(gettext_lazy("yuan"), yuan)
METRES = Measure(gettext_lazy("metres"), lambda metres: _("%s m") % f"{metres:,}")
SPEED = Measure(gettext_lazy("km/h"), lambda speed: _("%s km/h") % f"{speed:,}")
PERCENT = Measure("%", lambda share: f"{share} %")
HOUR = Measure(gettext_lazy("full hour, 0 to 23"), lambda hour: f"{hour:02d}:00")

WORDS: Final[Mapping[RiskKind, Words]] = {
    RiskKind.TERMINAL_MINUTE: Words(
        gettext_lazy("More than %(orders)s a minute at one till"),
        {"orders": Figure(gettext_lazy("Normal in a minute up to"), ORDERS)},
    ),
    RiskKind.MERCHANT_DAY: Words(
        gettext_lazy("More than %(fen)s of subsidy a day at one merchant"),
        {"fen": Figure(gettext_lazy("Normal subsidy in a day up to"), YUAN)},
    ),
    RiskKind.DEVICE_SHARED: Words(
        gettext_lazy("One device showing vouchers of more than %(people)s"),
        {"people": Figure(gettext_lazy("Normal on one device up to"), PEOPLE)},
    ),
    RiskKind.STORE_DISTANCE: Words(
        gettext_lazy("Shown more than %(metres)s from the store"),
        {"metres": Figure(gettext_lazy("Normal from the store up to"), METRES)},
    ),
    RiskKind.IMPOSSIBLE_TRAVEL: Words(
        gettext_lazy(
            "One person at two stores more than %(metres)s apart, sooner than at %(km_per_hour)s"
        ),
        {
            "km_per_hour": Figure(gettext_lazy("Normal speed up to"), SPEED),
            "metres": Figure(gettext_lazy("Stores are neighbours up to"), METRES),
        },
    ),
    RiskKind.THRESHOLD_HUGGING: Words(
        gettext_lazy(
            "More than %(share_percent)s of a store's orders of the day at most %(within_percent)s"
            " above the threshold, from %(orders)s a day on"
        ),
        {
            "within_percent": Figure(gettext_lazy("Just above the threshold means up to"), PERCENT),
            "share_percent": Figure(gettext_lazy("Normal share of such orders up to"), PERCENT),
            "orders": Figure(gettext_lazy("Looks at a store from so many a day on"), ORDERS),
        },
    ),
    RiskKind.SPLIT_ORDERS: Words(
        gettext_lazy("A second voucher of one person at one store within %(minutes)s"),
        {"minutes": Figure(gettext_lazy("Too soon up to"), MINUTES)},
    ),
    RiskKind.NIGHT_HOURS: Words(
        gettext_lazy("At night, from %(from_hour)s to %(to_hour)s"),
        {
            "from_hour": Figure(gettext_lazy("Night begins at"), HOUR),
            "to_hour": Figure(gettext_lazy("Night ends at"), HOUR),
        },
    ),
    RiskKind.FEW_PEOPLE: Words(
        gettext_lazy("From %(orders)s a day at one till on, shown by at most %(people)s in all"),
        {
            "orders": Figure(gettext_lazy("Looks at a till from so many a day on"), ORDERS),
            "people": Figure(gettext_lazy("Few means up to"), PEOPLE),
        },
    ),
    RiskKind.TERMINAL_ROAMING: Words(
        gettext_lazy("One till number that is not on file, in more than %(stores)s a day"),
        {"stores": Figure(gettext_lazy("Normal for one number in a day up to"), STORES)},
    ),
    RiskKind.REFUND_RATE: Words(
        gettext_lazy(
            "More than %(share_percent)s of a store's orders refunded, from %(orders)s on"
        ),
        {
            "share_percent": Figure(gettext_lazy("Normal share refunded up to"), PERCENT),
            "orders": Figure(gettext_lazy("Looks at a store from so many in all on"), ORDERS),
        },
    ),
}


def sentence_of(kind: RiskKind, parameters: Mapping[str, int]) -> str:
    """What a rule with these figures looks for."""
    sentence, figures = WORDS[kind]
    said = {name: figure.measure.said(parameters[name]) for name, figure in figures.items()}
    if kind is RiskKind.NIGHT_HOURS and is_empty_night(parameters):
        return _("At night: never, it begins and ends at %(from_hour)s") % said
    return str(sentence) % said


def is_empty_night(parameters: Mapping[str, int]) -> bool:
    """Whether a night has no hour, since it ends when it begins."""
    return parameters["from_hour"] == parameters["to_hour"]


def usual(kind: RiskKind) -> dict[str, int]:
    """The figures a form begins with."""
    return {name: bounds.default for name, bounds in PARAMETERS[kind].items()}


def standing_of(setting: str, verdict: str) -> str:
    """Whether a rule is in force, and what it does, or would do, about what it notices."""
    if setting == RiskSetting.OFF:
        return _("off")
    does = dict(RISK_VERDICTS)[verdict]
    if setting == RiskSetting.SHADOW:
        return _("only watched (shadow); once in force: %s") % does
    return _("in force: %s") % does


def spoken_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a `risk_rule_invalid` as people say them: the rule's name in place of its kind,
    what a figure is called in place of its parameter, and bounds with their unit."""
    if facts.get("kind") not in KIND_NAMES:
        return dict(facts)
    figures = WORDS[RiskKind(facts["kind"])].figures
    spoken = {**facts, "kind": KIND_NAMES[facts["kind"]]}
    if "named" in facts:
        spoken["named"] = "; ".join(
            _("%(label)s (%(unit)s)") % {"label": figure.label, "unit": figure.measure.unit}
            for figure in figures.values()
        )
    if figure := figures.get(facts.get("parameter", "")):
        said = figure.measure.said
        bounds = {name: said(facts[name]) for name in ("least", "most")}
        spoken |= {"parameter": figure.label, **bounds}
    return spoken


def tried_text(rule: Mapping[str, Any]) -> str:
    """A rule as it might be: what it looks for, and what it would do in force."""
    sought = sentence_of(RiskKind(rule["kind"]), rule["parameters"])
    return f"{sought} · {_('once in force: %s') % dict(RISK_VERDICTS)[rule['verdict']]}"


def rule_text(rule: Mapping[str, Any]) -> str:
    """A rule of a version: what it looks for, whether it is in force, what it does."""
    sought = sentence_of(RiskKind(rule["kind"]), rule["parameters"])
    return f"{sought} · {standing_of(rule['setting'], rule['verdict'])}"
