"""What a campaign's state allows: its arrows, who decides on terms, when its books close. Pure."""

from collections.abc import Iterable, Mapping, Sequence
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


def may_settle(
    totals_fen: Mapping[AccountKind, int], *, unpaid_fen: Sequence[int]
) -> Refusal | None:
    """Whether nothing is promised, held or owed any more; totals of a campaign by kind, in fen, and
    those of its settlements that wait for cash.

    What was refunded while a settlement waited has left payable, but the merchant has the file and
    is paid by it all the same, or pays a debt back without having had the money.
    """
    if refusal := _none_left("money_under_way", UNDER_WAY, totals_fen):
        return refusal
    if not unpaid_fen:
        return None
    facts = {"settlements": len(unpaid_fen), "amount_fen": sum(unpaid_fen)}
    return Refusal("money_under_way", "settlements_unpaid", facts)


def may_close(
    totals_fen: Mapping[AccountKind, int], *, cash_fen: Mapping[str, int]
) -> Refusal | None:
    """Whether the left-over is gone, no merchant owes anything, and no source's cash (by code) is
    still here: once the books are closed nothing could return it."""
    kinds = (AccountKind.FREE, AccountKind.RECOVERABLE)
    if refusal := _none_left("left_over", kinds, totals_fen):
        return refusal
    for source, fen in sorted(cash_fen.items()):
        if fen:
            return Refusal("left_over", "cash_on_hand", {"source": source, "amount_fen": fen})
    return None


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
