"""A campaign's risk rules as they are proposed, approved and read: kinds, parameters, settings.

Pure. A version holds every rule of a campaign; a kind that it does not name is off.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from merchants.errors import Fact, Refusal
from vouchers.states import RiskKind, RiskSetting, RiskVerdict


class Bounds(NamedTuple):
    """The least and the greatest value of a parameter, and the one a form begins with."""

    least: int
    most: int
    default: int


PARAMETERS: Final[Mapping[RiskKind, Mapping[str, Bounds]]] = {
    RiskKind.TERMINAL_MINUTE: {"orders": Bounds(1, 10_000, 10)},
    RiskKind.MERCHANT_DAY: {"fen": Bounds(0, 100_000_000_00, 1_000_000)},
    RiskKind.DEVICE_SHARED: {"people": Bounds(1, 10_000, 5)},
    RiskKind.STORE_DISTANCE: {"metres": Bounds(1, 1_000_000, 1_000)},
    RiskKind.IMPOSSIBLE_TRAVEL: {
        "km_per_hour": Bounds(1, 2_000, 120),
        "metres": Bounds(0, 1_000_000, 1_000),
    },
    RiskKind.THRESHOLD_HUGGING: {
        "within_percent": Bounds(0, 100, 2),
        "share_percent": Bounds(0, 99, 50),
        "orders": Bounds(1, 100_000, 20),
    },
    RiskKind.SPLIT_ORDERS: {"minutes": Bounds(1, 1_440, 10)},
    RiskKind.NIGHT_HOURS: {"from_hour": Bounds(0, 23, 23), "to_hour": Bounds(0, 23, 6)},
    RiskKind.FEW_PEOPLE: {"orders": Bounds(2, 100_000, 20), "people": Bounds(1, 10_000, 3)},
    RiskKind.TERMINAL_ROAMING: {"stores": Bounds(1, 10_000, 1)},
    RiskKind.REFUND_RATE: {
        "share_percent": Bounds(0, 99, 30),
        "orders": Bounds(1, 100_000, 20),
    },
}
"""By kind its parameters. Figures are the most that is still inconspicuous, or what is looked at;
`orders` beside a share or `people` is from how many on the rule speaks."""


class RiskRule(NamedTuple):
    """One rule: what it looks for, and what is done about it."""

    kind: RiskKind
    setting: RiskSetting
    verdict: RiskVerdict
    parameters: Mapping[str, int]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "RiskRule":
        """From a rule as a version has it."""
        return cls(
            RiskKind(document["kind"]),
            RiskSetting(document["setting"]),
            RiskVerdict(document["verdict"]),
            document["parameters"],
        )

    @property
    def document(self) -> dict[str, Any]:
        """The rule as a version has it."""
        return {
            "kind": self.kind.value,
            "setting": self.setting.value,
            "verdict": self.verdict.value,
            "parameters": dict(self.parameters),
        }


class RuleSet(NamedTuple):
    """The rules in force that are not off, and the version they are of."""

    version_id: int
    number: int
    rules: Sequence[RiskRule]

    @classmethod
    def of(cls, row: Sequence[Any] | None) -> "RuleSet | None":
        """From [version id, number, rules]; None where nothing is looked for."""
        if row is None:
            return None
        rules = [RiskRule.of(item) for item in row[2] if item["setting"] != RiskSetting.OFF]
        return cls(row[0], row[1], rules) if rules else None


def with_rule(rules: Iterable[Mapping[str, Any]], changed: RiskRule) -> list[dict[str, Any]]:
    """The documents of a version in which one rule is replaced or added, in the order of kinds."""
    every = {item["kind"]: dict(item) for item in rules} | {changed.kind.value: changed.document}
    return [every[kind.value] for kind in RiskKind if kind.value in every]


def check_rule(rule: RiskRule) -> Refusal | None:
    """None for a rule with exactly the parameters of its kind, each within its bounds."""
    bounds = PARAMETERS[rule.kind]
    if rule.parameters.keys() != bounds.keys():
        named = ", ".join(bounds)
        return Refusal("risk_rule_invalid", "parameters", {"kind": rule.kind.value, "named": named})
    for name, (least, most, _) in bounds.items():
        value: object = rule.parameters[name]
        if type(value) is not int or not least <= value <= most:
            facts: dict[str, Fact] = {"kind": rule.kind.value, "parameter": name}
            facts |= {"least": least, "most": most}
            return Refusal("risk_rule_invalid", "bounds", facts)
    return None


def check_change(
    *,
    in_force: int,
    expected: int,
    rules: Sequence[Mapping[str, Any]],
    current: Sequence[Mapping[str, Any]],
) -> Refusal | None:
    """Whether another version may follow the one in force (by number; 0 before the first): the one
    that its author saw, and different rules."""
    if in_force != expected:
        return Refusal("figure_changed", "as_seen", {"expected": expected, "actual": in_force})
    if list(rules) == list(current):
        return Refusal("nothing_to_change", "another_rule")
    for item in rules:
        if refusal := check_rule(RiskRule.of(item)):
            return refusal
    return None
