"""Moving the face of vouchers between accounts, a pair of legs per allocation and source."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import chain
from typing import Final

from vouchers.rules.ledger.quotas import Price
from vouchers.services.ledger import transfers
from vouchers.states import AccountKind, Cause, TransferReason

AllocationAmounts = Sequence[tuple[int, Price, int]]
"""(allocation id, price, vouchers)."""

LEGS_MAX: Final = 32_000
"""Of a transfer: they are numbered with 16 bits."""


def amounts_per_transfer(amounts: AllocationAmounts) -> int:
    """How many amounts fit into one transfer, whatever number of sources pays for each."""
    return LEGS_MAX // max((2 * len(price.split) for _, price, _ in amounts), default=1)


def paid_by(source_id: int, sums: Iterable[tuple[int, int]]) -> AllocationAmounts:
    """(allocation id, fen) of one source's money as amounts, for moves that are not of vouchers."""
    return [
        (allocation_id, Price(fen, ((source_id, fen),)), 1) for allocation_id, fen in sums if fen
    ]


def post_amounts(
    *,
    campaign_id: int,
    amounts: AllocationAmounts,
    reason: TransferReason,
    cause: Cause,
    cause_id: int,
    origin: AccountKind,
    target: AccountKind,
    at: datetime,
    per_transfer: int | None = None,
) -> list[int]:
    """Post the move, inside the caller's transaction, in as few transfers as `per_transfer`
    allocations each allow, or as their legs do; returns their ids."""
    per_transfer = per_transfer or amounts_per_transfer(amounts)
    accounts = transfers.account_ids(campaign_id)
    postings = [
        transfers.Posting(
            campaign_id=campaign_id,
            reason=reason,
            cause=cause,
            cause_id=cause_id,
            at=at,
            lines=list(
                chain.from_iterable(
                    transfers.move_lines(
                        accounts,
                        split=price.times(count),
                        allocation_id=allocation_id,
                        origin=origin,
                        target=target,
                    )
                    for allocation_id, price, count in amounts[start : start + per_transfer]
                )
            ),
        )
        for start in range(0, len(amounts), per_transfer)
    ]
    return transfers.post(postings=postings)
