"""A risk rule as it might be, asked about redemptions that have been: the very rule that a till's
orders meet, on tallies counted anew. Pure.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from merchants.errors import Refusal
from vouchers.rules.limits.risk import findings_on
from vouchers.rules.limits.risk_rules import RiskRule, RuleSet, check_rule
from vouchers.rules.limits.tallies import (
    NOTHING_SEEN,
    WHOLE_CAMPAIGN,
    Place,
    RiskCase,
    Seen,
    Tally,
    TallyKey,
    counted,
    redemptions_of,
    refunds_of,
)
from vouchers.states import RiskKind, RiskSetting, RiskVerdict

MOST_DAYS: Final = 92


class Replayed(StrEnum):
    """Whether what is on file answers what a rule asks."""

    EXACTLY = "exactly"
    # Of orders that were authorised first, the final amounts are on file.
    BY_FINAL_AMOUNT = "by_final_amount"
    # Stores lie where they lie now.
    BY_PLACES_OF_TODAY = "by_places_of_today"
    # Tills on file are those of today.
    BY_TILLS_OF_TODAY = "by_tills_of_today"
    # Where a voucher was shown is not kept.
    NOT = "not"


REPLAYED: Final[Mapping[RiskKind, Replayed]] = {
    **dict.fromkeys(RiskKind, Replayed.EXACTLY),
    RiskKind.THRESHOLD_HUGGING: Replayed.BY_FINAL_AMOUNT,
    RiskKind.IMPOSSIBLE_TRAVEL: Replayed.BY_PLACES_OF_TODAY,
    RiskKind.TERMINAL_MINUTE: Replayed.BY_TILLS_OF_TODAY,
    RiskKind.FEW_PEOPLE: Replayed.BY_TILLS_OF_TODAY,
    RiskKind.TERMINAL_ROAMING: Replayed.BY_TILLS_OF_TODAY,
    RiskKind.STORE_DISTANCE: Replayed.NOT,
}

FROM_THE_START: Final = frozenset(
    {
        RiskKind.DEVICE_SHARED,
        RiskKind.IMPOSSIBLE_TRAVEL,
        RiskKind.SPLIT_ORDERS,
        RiskKind.REFUND_RATE,
    }
)
"""Rules that look at the whole campaign: it is counted from its first day, whatever days are
asked about."""


def check_back_test(rule: RiskRule, days: int) -> Refusal | None:
    """None for a rule with fitting parameters whose facts are on file, and 1 to 92 days."""
    if refusal := check_rule(rule):
        return refusal
    if REPLAYED[rule.kind] is Replayed.NOT:
        return Refusal("risk_rule_invalid", "replayed", {"kind": rule.kind.value})
    if not 1 <= days <= MOST_DAYS:
        return Refusal("risk_rule_invalid", "replayed_days", {"most": MOST_DAYS})
    return None


class Replay:
    """One rule on the redemptions of one campaign, in the order of time. What the rule refuses is
    not counted, as at the till."""

    def __init__(self, rule: RiskRule, places: Mapping[int, Place]) -> None:
        live = rule._replace(setting=RiskSetting.LIVE)
        self.rules = RuleSet(0, 0, [live])
        self._is_refusing = rule.verdict is RiskVerdict.REFUSE
        self._places = places
        self._tallies: dict[TallyKey, Tally] = {}

    def is_hit(self, case: RiskCase, discount_fen: int) -> bool:
        """Whether the rule notices the redemption; then it is counted."""
        seen = Seen.of(case, discount_fen, self._tallies, self._places)
        is_noticed = bool(findings_on(case, seen))
        if not (is_noticed and self._is_refusing):
            self._tallies.update(counted(case, seen))
        return is_noticed

    def refund(self, campaign_id: int, store_id: int) -> None:
        """Count the first refund of a redemption of the store."""
        if redemptions_of(campaign_id, store_id) in self._tallies:
            key = refunds_of(campaign_id, store_id)
            before = self._tallies.get(key, NOTHING_SEEN)
            self._tallies[key] = before._replace(redemptions=before.redemptions + 1)

    def end_day(self) -> None:
        """Forget what only the day before was asked about."""
        self._tallies = {
            key: tally for key, tally in self._tallies.items() if key.window_no == WHOLE_CAMPAIGN
        }
