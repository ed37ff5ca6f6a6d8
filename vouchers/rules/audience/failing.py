"""Which conditions of an audience filter a resident does not meet. Pure."""

from dataclasses import fields, replace
from typing import Any

from vouchers.rules.audience.conditions import Conditions
from vouchers.rules.audience.facts import Facts
from vouchers.rules.audience.filters import AudienceFilter, Untargeted


def failed_conditions(conditions: Conditions, facts: Facts) -> dict[str, Any]:
    """By name what each condition asks that the one resident of `facts` fails: the code that judges
    all conditions, asked one at a time."""
    failed = {}
    for condition in fields(AudienceFilter):
        asked = getattr(conditions.wanted, condition.name)
        if asked == condition.default:
            continue
        alone = replace(
            conditions,
            wanted=AudienceFilter(**{condition.name: asked}),
            within_districts=(),
        )
        if alone.reasons(facts)[0] == Untargeted.FILTERED:
            failed[condition.name] = asked
    return failed
