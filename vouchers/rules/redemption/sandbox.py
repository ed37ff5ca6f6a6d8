"""Magic order amounts: in the sandbox each forces one refusal, so that a till meets all of them.

Decided on the facts that voucher and key are both of a test campaign; a live order of such an
amount is an ordinary one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from merchants.errors import Fact, Refusal
from vouchers.rules.limits.limits import local_time

FIRST_FEN: Final = 99_990_001
"""¥999,900.01: beyond any order of a real till, and within the interface's bounds."""

DAYS_FROM_NOW: Final = {
    "next_at": 1,
    "valid_from_at": 1,
    "valid_until_at": -1,
    "paused_until_at": 1,
    "suspended_until_at": 1,
    "order_too_old": -4,
    "order_in_future": 1,
}
"""Instants among the facts, which follow the order's own; those of one fact by the rule."""


@dataclass(frozen=True, slots=True)
class Forced:
    """A refusal that an amount forces. Facts that are instants are added by `refusal`."""

    amount_fen: int
    code: str
    rule: str = ""
    facts: Mapping[str, Fact] = field(default_factory=dict)
    instant: str = ""

    def refusal(self, at: datetime, zone: str) -> Refusal:
        """The refusal as a till meets it at `at`."""
        if not self.instant:
            return Refusal(self.code, self.rule, self.facts)
        days = DAYS_FROM_NOW[self.rule if self.rule in DAYS_FROM_NOW else self.instant]
        moment = at + timedelta(days=days)
        return Refusal(self.code, self.rule, {**self.facts, self.instant: local_time(moment, zone)})


def _limit(number: int, subject: str, *, campaign: bool = False) -> Forced:
    if campaign:
        facts: dict[str, Fact] = {"limit": 1, "window": "campaign"}
        return Forced(FIRST_FEN + number, f"{subject}_limit", f"{subject}_campaign", facts)
    facts = {"limit": 1, "window": "day"}
    return Forced(FIRST_FEN + number, f"{subject}_limit", f"{subject}_day", facts, "next_at")


_AMOUNT: Final = {"threshold_fen": 10_000, "missing_fen": 1}
_AGE: Final = {"greatest_age_h": 72}
_PAYABLE: Final = {"discount_fen": 2_000, "eligible_fen": 2_000}

# An amount keeps its meaning for ever: append, never renumber.
FORCED: Final[tuple[Forced, ...]] = (
    Forced(FIRST_FEN + 0, "voucher_not_usable", "voucher_unknown"),
    Forced(FIRST_FEN + 1, "voucher_redeemed"),
    Forced(FIRST_FEN + 2, "voucher_withdrawn"),
    Forced(FIRST_FEN + 3, "voucher_not_yet_valid", instant="valid_from_at"),
    Forced(FIRST_FEN + 4, "voucher_expired", instant="valid_until_at"),
    Forced(FIRST_FEN + 5, "resident_not_active"),
    Forced(FIRST_FEN + 6, "campaign_not_running", facts={"state": "paused"}),
    Forced(FIRST_FEN + 7, "campaign_not_running", "campaign_over", {"state": "ended"}),
    Forced(FIRST_FEN + 8, "store_not_found"),
    Forced(FIRST_FEN + 9, "store_closed"),
    Forced(FIRST_FEN + 10, "store_not_participating"),
    Forced(FIRST_FEN + 11, "category_excluded", facts={"category": "tobacco"}),
    Forced(FIRST_FEN + 12, "order_kind_excluded", facts={"order_kind": "delivered"}),
    Forced(FIRST_FEN + 13, "below_threshold", facts=_AMOUNT),
    Forced(FIRST_FEN + 14, "payable_too_small", facts=_PAYABLE),
    Forced(FIRST_FEN + 15, "payable_too_small", "discount_rounds_to_nothing", {"eligible_fen": 1}),
    Forced(FIRST_FEN + 16, "order_already_used", facts={"order_no": "SANDBOX"}),
    Forced(FIRST_FEN + 17, "order_reversed", facts={"order_no": "SANDBOX"}),
    _limit(18, "resident"),
    _limit(19, "resident", campaign=True),
    _limit(20, "store"),
    _limit(21, "store", campaign=True),
    _limit(22, "merchant"),
    _limit(23, "merchant", campaign=True),
    Forced(FIRST_FEN + 24, "request_in_flight"),
    Forced(FIRST_FEN + 25, "busy"),
    Forced(FIRST_FEN + 26, "busy", "outcome_unknown"),
    Forced(FIRST_FEN + 27, "order_incomplete", "payment_ref_asked_for", {"field": "$.payment_ref"}),
    Forced(FIRST_FEN + 28, "order_incomplete", "receipt_no_asked_for", {"field": "$.receipt_no"}),
    Forced(FIRST_FEN + 29, "order_time", "order_too_old", _AGE, "occurred_at"),
    Forced(FIRST_FEN + 30, "order_time", "order_in_future", instant="occurred_at"),
    Forced(FIRST_FEN + 31, "presence_required"),
    Forced(FIRST_FEN + 32, "too_many_wrong_codes", "slowed", {"wait_s": 60}),
    Forced(FIRST_FEN + 33, "too_many_wrong_codes", "paper_locked", {"tries": 5}),
    Forced(FIRST_FEN + 34, "risk_refused", "night"),
    Forced(
        FIRST_FEN + 35,
        "campaign_not_running",
        "paused_until",
        {"state": "paused"},
        "paused_until_at",
    ),
    Forced(FIRST_FEN + 36, "store_closed", "suspended_until", instant="suspended_until_at"),
)
_BY_AMOUNT: Final = {forced.amount_fen: forced for forced in FORCED}


def forced_refusal(amount_fen: int, *, at: datetime, zone: str) -> Refusal | None:
    """The refusal that a sandbox order of this amount gets; None for an ordinary amount."""
    forced = _BY_AMOUNT.get(amount_fen)
    return None if forced is None else forced.refusal(at, zone)
