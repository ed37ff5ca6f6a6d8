"""Risk rules as Mei proposes them and Li approves them."""

from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import count
from types import MappingProxyType

from tests.support import cast
from tests.support.cast import NOON
from vouchers.models import Campaign, Proposal, RiskVersion
from vouchers.rules.limits.risk_rules import PARAMETERS, RiskRule
from vouchers.services.campaigns.proposals import propose_risk_rule
from vouchers.services.campaigns.risk_rules import in_force
from vouchers.states import RiskKind, RiskSetting, RiskVerdict

Watched = Callable[..., Campaign]
"""The campaign watched by the rules given."""

_numbers = count(1)

QUIET: dict[RiskKind, dict[str, int]] = {
    kind: {name: bounds.most for name, bounds in PARAMETERS[kind].items()} for kind in RiskKind
} | {
    RiskKind.NIGHT_HOURS: {"from_hour": 0, "to_hour": 0},
    RiskKind.SPLIT_ORDERS: {"minutes": 1},
}
"""Parameters with which hardly anything is noticed."""


def rule(
    kind: RiskKind,
    *,
    setting: RiskSetting = RiskSetting.LIVE,
    verdict: RiskVerdict = RiskVerdict.REFUSE,
    figures: Mapping[str, int] = MappingProxyType({}),
    **parameters: int,
) -> RiskRule:
    """A rule; parameters neither named nor among `figures` are the usual ones of its kind."""
    usual = {name: bounds.default for name, bounds in PARAMETERS[kind].items()}
    return RiskRule(kind, setting, verdict, usual | dict(figures) | parameters)


def proposed(campaign: Campaign, changed: RiskRule, *, at: datetime = NOON) -> Proposal:
    """Mei's proposal of another version with this rule."""
    return propose_risk_rule(
        campaign=campaign,
        rule=changed,
        expected_version=in_force(campaign)[0],
        why="seen last week",
        request_id=f"risk-{next(_numbers)}",
        by=cast.mei(),
        at=at,
    )


def with_rules(campaign: Campaign, *rules: RiskRule, at: datetime = NOON) -> Campaign:
    """The campaign with these rules in force."""
    for changed in rules:
        cast.approved(proposed(campaign, changed, at=at), at=at)
    assert RiskVersion.objects.filter(campaign=campaign).exists()
    return campaign
