"""What a campaign's state allows: its arrows, who decides on terms, when its books close. Pure."""

from collections.abc import Iterable, Mapping
from typing import Final

from merchants.errors import Refusal
from vouchers.states import (
    CAMPAIGN_ARROWS,
    AccountKind,
    CampaignState,
)


def move(old: CampaignState, new: CampaignState) -> Refusal | None:
    """None where the arrow exists, else a refusal naming both states."""
    if (old, new) in CAMPAIGN_ARROWS:
        return None
    return Refusal("campaign_state", "arrows", {"state": old.value, "wanted": new.value})


UNDER_WAY: Final = (
    AccountKind.RESERVED,
    AccountKind.OUTSTANDING,
    AccountKind.AUTHORISED,
    AccountKind.PAYABLE,
    AccountKind.RISK_HELD,
)
"""Accounts with money still promised, held or owed."""


def may_settle(totals_fen: Mapping[AccountKind, int]) -> Refusal | None:
    """Whether nothing is promised, held or owed any more; totals of a campaign by kind, in fen."""
    return _none_left("money_under_way", UNDER_WAY, totals_fen)


def may_close(totals_fen: Mapping[AccountKind, int]) -> Refusal | None:
    """Whether the left-over is gone and no merchant owes anything."""
    return _none_left("left_over", (AccountKind.FREE, AccountKind.RECOVERABLE), totals_fen)


def _none_left(
    code: str, kinds: Iterable[AccountKind], totals_fen: Mapping[AccountKind, int]
) -> Refusal | None:
    for kind in kinds:
        if fen := totals_fen.get(kind, 0):
            return Refusal(code, kind.value, {"account": kind.value, "amount_fen": fen})
    return None


def decide(
    *, editors: Iterable[int], approver_id: int, sha256: bytes, seen_sha256: bytes
) -> Refusal | None:
    """Whether a person may decide on terms: they edited no part, and saw exactly these."""
    if approver_id in editors:
        return Refusal("approver_edited", "another_person")
    if sha256 != seen_sha256:
        return Refusal("terms_not_as_seen", "seen_hash")
    return None
