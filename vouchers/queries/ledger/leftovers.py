"""The money of each round and tier, in fen: used, in unused vouchers, recoverable, returned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.db import connection

from vouchers.queries.ledger.balances import balances
from vouchers.sql.statements import Statement
from vouchers.states import AccountKind, TransferReason

_CREDITED = "l.amount_fen > 0"
_ISSUES = f"('{TransferReason.MINT.value}', '{TransferReason.REISSUE.value}')"


class LeftoverRow(NamedTuple):
    """Fen of one round, tier and source, by what became of it.

    `issued` = `used` + `in_hands` + `recoverable` + `returned` at every commit. `returned` is what
    vouchers gave up again, by expiry (`expired` of it) or after a void or refund; `reserved` waits
    to be issued and counts in none of the others.
    """

    round: int | None
    tier: str
    source: str
    reserved_fen: int
    issued_fen: int
    used_fen: int
    in_hands_fen: int
    recoverable_fen: int
    returned_fen: int
    expired_fen: int


@dataclass(frozen=True, slots=True)
class Leftovers:
    """A campaign's rows in order of round, tier and source, and what is free by source code."""

    rows: Sequence[LeftoverRow]
    free_fen: Mapping[str, int]

    @property
    def returned_fen(self) -> int:
        """All that vouchers gave up again."""
        return sum(row.returned_fen for row in self.rows)


# One pass over the legs of the campaign's accounts; the slices stand at the allocations.
SUM_BY_SLICE: Statement[LeftoverRow] = Statement(
    f"""
    WITH sums AS (
        SELECT l.allocation_id, a.source_id, a.kind, sum(l.amount_fen) AS fen,
               sum(l.amount_fen) FILTER (
                   WHERE {_CREDITED} AND t.reason IN {_ISSUES}) AS issued_fen,
               sum(l.amount_fen) FILTER (
                   WHERE t.reason NOT IN ('{TransferReason.RESERVE.value}',
                       '{TransferReason.RELEASE.value}', '{TransferReason.REISSUE.value}')
               ) AS returned_fen,
               sum(l.amount_fen) FILTER (
                   WHERE t.reason = '{TransferReason.EXPIRE.value}') AS expired_fen
          FROM vouchers_account a
          JOIN vouchers_leg l ON l.account_id = a.id
          JOIN vouchers_transfer t ON t.id = l.transfer_id AND t.at = l.at
         WHERE a.campaign_id = %(campaign_id)s::bigint AND l.allocation_id IS NOT NULL
         GROUP BY 1, 2, 3)
    SELECT r.number, k.code, s.code,
           COALESCE(sum(sums.fen) FILTER (WHERE sums.kind = 'reserved'), 0)::bigint,
           COALESCE(sum(sums.issued_fen) FILTER (WHERE sums.kind = 'outstanding'), 0)::bigint,
           COALESCE(sum(sums.fen)
               FILTER (WHERE sums.kind IN ('payable', 'risk_held', 'settled')), 0)::bigint,
           COALESCE(sum(sums.fen)
               FILTER (WHERE sums.kind IN ('outstanding', 'authorised')), 0)::bigint,
           COALESCE(sum(sums.fen) FILTER (WHERE sums.kind = 'recoverable'), 0)::bigint,
           COALESCE(sum(returned_fen) FILTER (WHERE sums.kind = 'free'), 0)::bigint,
           COALESCE(sum(expired_fen) FILTER (WHERE sums.kind = 'free'), 0)::bigint
      FROM sums
      JOIN vouchers_allocation n ON n.id = sums.allocation_id
      JOIN vouchers_tier k ON k.id = n.tier_id
      JOIN vouchers_fundingsource s ON s.id = sums.source_id
      LEFT JOIN vouchers_round r ON r.id = n.round_id
     GROUP BY r.number, k.code, s.code
     ORDER BY r.number NULLS FIRST, k.code, s.code
    """,
    LeftoverRow._make,
)


def leftovers_of(campaign_id: int) -> Leftovers:
    """What became of a campaign's money; a round of None where no quota cell names rounds."""
    connection.ensure_connection()
    raw = connection.connection
    assert raw is not None
    with connection.wrap_database_errors:
        rows = SUM_BY_SLICE.send(raw, {"campaign_id": campaign_id}).rows()
    free_fen = {
        source: parts_fen[AccountKind.FREE] for source, parts_fen in balances(campaign_id).items()
    }
    return Leftovers(rows, free_fen)
