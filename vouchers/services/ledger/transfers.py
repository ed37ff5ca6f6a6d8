"""The only writer of the ledger: postings and the accounts they name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, NamedTuple

from django.db import connection

from vouchers.models import (
    Account,
    FundingSource,
)
from vouchers.models.ledger.transfers import INSERT_LEGS, INSERT_TRANSFERS, NEXT_TRANSFER_IDS
from vouchers.sql.statements import Result
from vouchers.sql.wire import Wire
from vouchers.states import (
    AccountKind,
    Cause,
    TransferReason,
)

AccountIds = Mapping[tuple[int, AccountKind], int]
Split = Sequence[tuple[int, int]]
"""(source id, fen) in source order."""


class Line(NamedTuple):
    """A leg to be posted: a signed amount on an account, counted in an allocation's slices."""

    account_id: int
    allocation_id: int | None
    amount_fen: int


@dataclass(frozen=True, slots=True)
class Posting:
    """A transfer to be posted, with all its legs."""

    campaign_id: int
    reason: TransferReason
    cause: Cause
    cause_id: int
    at: datetime
    lines: Sequence[Line]


def move_lines(
    accounts: AccountIds,
    *,
    split: Split,
    allocation_id: int | None,
    origin: AccountKind,
    target: AccountKind,
) -> list[Line]:
    """Legs that move each source's share from `origin` to `target`; zero shares leave no leg."""
    return list(
        chain.from_iterable(
            (
                Line(accounts[source_id, origin], allocation_id, -amount_fen),
                Line(accounts[source_id, target], allocation_id, amount_fen),
            )
            for source_id, amount_fen in split
            if amount_fen
        )
    )


def post(*, postings: Sequence[Posting]) -> list[int]:
    """Write the postings in the caller's transaction; returns their transfer ids in order.

    The database refuses legs that do not sum to zero per source or that name accounts of another
    campaign (`legs_balance`).
    """
    if not postings:
        return []
    connection.ensure_connection()
    raw = connection.connection
    assert raw is not None
    assert connection.in_atomic_block
    with connection.wrap_database_errors:
        ids = NEXT_TRANSFER_IDS.send(raw, {"count": len(postings)}).rows()
        send_postings(raw, ids, postings)
    return ids


def send_postings(raw: Wire, ids: Sequence[int], postings: Sequence[Posting]) -> list[Result[Any]]:
    """Queue the two INSERTs on a raw connection, for callers that run their own pipeline."""
    transfers = {
        "ids": list(ids),
        "ats": [posting.at for posting in postings],
        "campaign_ids": [posting.campaign_id for posting in postings],
        "reasons": [posting.reason.value for posting in postings],
        "causes": [posting.cause.value for posting in postings],
        "cause_ids": [posting.cause_id for posting in postings],
    }
    legs = [
        (transfer_id, number, posting.at, *line)
        for transfer_id, posting in zip(ids, postings, strict=True)
        for number, line in enumerate(posting.lines, 1)
    ]
    columns = ("transfer_ids", "line_nos", "ats", "account_ids", "allocation_ids", "amounts_fen")
    return [
        INSERT_TRANSFERS.send(raw, transfers),
        INSERT_LEGS.send(raw, dict(zip(columns, map(list, zip(*legs, strict=True)), strict=True))),
    ]


def post_move(
    source: FundingSource,
    amount_fen: int,
    cause: tuple[Cause, int],
    at: datetime,
    *,
    reason: TransferReason,
    arrow: tuple[AccountKind, AccountKind],
) -> int:
    """Move money of one source that counts in no allocation, in the caller's transaction; returns
    the transfer's id."""
    kind, cause_id = cause
    origin, target = arrow
    lines = move_lines(
        account_ids(source.campaign_id),
        split=[(source.pk, amount_fen)],
        allocation_id=None,
        origin=origin,
        target=target,
    )
    (transfer_id,) = post(postings=[Posting(source.campaign_id, reason, kind, cause_id, at, lines)])
    return transfer_id


def account_ids(campaign_id: int) -> dict[tuple[int, AccountKind], int]:
    """Every account of a campaign by (source id, kind)."""
    rows = Account.objects.filter(campaign_id=campaign_id).values_list("source_id", "kind", "id")
    return {(source_id, AccountKind(kind)): id_ for source_id, kind, id_ in rows}
