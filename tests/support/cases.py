"""Signals of a rule that notices every order of the tests' noon, and the cases they open."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from merchants.models import Store
from tests.support import cast
from tests.support.cast import NOON
from tests.support.risk import rule, with_rules
from tests.support.till import answer_to, issue_vouchers, order
from vouchers.models import Campaign, Case, Redemption, Resident
from vouchers.rules.limits.cases import Seen
from vouchers.rules.limits.risk_rules import RiskRule
from vouchers.services.limits.cases import gather_signals
from vouchers.states import RiskKind, RiskSetting, RiskVerdict


def at_noon(
    verdict: RiskVerdict = RiskVerdict.HOLD, setting: RiskSetting = RiskSetting.LIVE
) -> RiskRule:
    """A rule about stores that notices whatever is redeemed at noon."""
    hours = {"from_hour": 12, "to_hour": 13}
    return rule(RiskKind.NIGHT_HOURS, setting=setting, verdict=verdict, figures=hours)


def watched(*rules: RiskRule, **options: Any) -> Campaign:
    """A running campaign without limits, with these rules in force."""
    return with_rules(cast.running_campaign(limits={}, **options), *rules)


def used(
    campaign: Campaign,
    people: Sequence[Resident],
    *,
    store: Store | None = None,
    at: datetime = NOON,
    **change: Any,
) -> list[Redemption]:
    """Each person's own voucher, redeemed; those whose orders a rule refused are left out."""
    found = []
    for voucher in issue_vouchers(campaign, people):
        here = store or cast.nanjing_road()
        status, body = answer_to(order(voucher, here, voucher.resident, at=at, **change))
        if status == 201:
            found.append(Redemption.objects.get(pk=body["id"]))
    return found


def opened(campaign: Campaign, *, at: datetime = NOON) -> Case:
    """The one open case of the campaign, after a sweep."""
    gather_signals(at=at)
    return campaign.cases.get(state="open")


def seen(case: Case) -> Seen:
    """All there is of a case now."""
    row = Case.objects.get(pk=case.pk)
    return Seen(row.act_count, row.signal_count)
