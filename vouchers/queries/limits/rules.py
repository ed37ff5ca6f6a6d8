"""What each risk rule of a campaign noticed, version by version, and how often it was wrong."""

from datetime import datetime
from typing import NamedTuple

from vouchers.models import Campaign, RiskVersion
from vouchers.models.limits.cases import COUNT_BY_RULE, RuleCount
from vouchers.rules.limits.risk_rules import RiskRule
from vouchers.sql.pipeline import raw_connection
from vouchers.states import RiskSetting


class RuleResult(NamedTuple):
    """A rule as a version has it, in force from an instant, and what it noticed."""

    version: int
    in_force_at: datetime
    rule: RiskRule
    counted: RuleCount

    @property
    def overturned_pct(self) -> float | None:
        """Of the cases decided, the per cent that were cleared; None before the first."""
        decided = self.counted.cleared_cases + self.counted.confirmed_cases
        return 100 * self.counted.cleared_cases / decided if decided else None


def rule_results(campaign: Campaign) -> list[RuleResult]:
    """Of every version the rules that were not off, the newest version first."""
    rows = COUNT_BY_RULE.send(raw_connection(), {"campaign_id": campaign.pk}).rows()
    counts = {(row.version_id, row.kind): row for row in rows}
    versions = RiskVersion.objects.filter(campaign=campaign).order_by("-number")
    return [
        RuleResult(
            version.number,
            version.in_force_at,
            rule,
            counts.get((version.pk, rule.kind.value)) or _nothing(version, rule),
        )
        for version in versions
        for rule in map(RiskRule.of, version.rules)
        if rule.setting is not RiskSetting.OFF
    ]


def _nothing(version: RiskVersion, rule: RiskRule) -> RuleCount:
    named = (rule.kind.value, rule.setting.value, rule.verdict.value)
    return RuleCount(version.pk, *named, 0, 0, 0, 0, 0, 0)
