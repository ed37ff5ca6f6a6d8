"""What the payout of a settlement moves in the ledger."""

from typing import NamedTuple

from vouchers.sql.statements import Statement
from vouchers.states import AccountKind, SettlementState


class PayoutRow(NamedTuple):
    """What a settlement moves within an allocation: paid to the merchant, and kept back."""

    allocation_id: int
    settled_fen: int
    netted_fen: int


# What refunds called back while a settlement waits for cash is recoverable already; its line is
# paid all the same, since its file was fixed.
_MOVED = f"""
           SELECT COALESCE(sum(p.amount_fen), 0) AS fen
             FROM vouchers_refund f
             JOIN vouchers_refundpart p ON p.refund_id = f.id AND p.source_id = l.source_id
            WHERE f.redemption_id = l.redemption_id
              AND p.origin = '{AccountKind.PAYABLE.value}'
              AND p.target = '{AccountKind.RECOVERABLE.value}'"""

SUM_PAYOUT = Statement(
    f"""
    SELECT r.allocation_id,
           COALESCE(sum(l.amount_fen - moved.fen) FILTER (WHERE l.kind = 'redemption'), 0)::bigint,
           COALESCE(-sum(l.amount_fen) FILTER (WHERE l.kind = 'refund'), 0)::bigint
      FROM vouchers_settlementline l
      JOIN vouchers_redemption r ON r.id = l.redemption_id AND r.voucher_id = l.voucher_id
     CROSS JOIN LATERAL ({_MOVED}) AS moved
     WHERE l.settlement_id = %(settlement_id)s
     GROUP BY r.allocation_id
     ORDER BY r.allocation_id
    """,
    PayoutRow._make,
)


class WaitingRow(NamedTuple):
    """What the settlements of a source that wait for cash come to: as their files have it, and what
    of it is in the payable account."""

    total_fen: int
    payable_fen: int


SUM_WAITING = Statement(
    f"""
    WITH waiting AS (
        SELECT id, total_fen FROM vouchers_settlement
         WHERE source_id = %(source_id)s::bigint AND state = '{SettlementState.READY.value}')
    SELECT COALESCE((SELECT sum(total_fen) FROM waiting), 0)::bigint,
           COALESCE((SELECT sum(l.amount_fen - moved.fen)
                       FROM waiting
                       JOIN vouchers_settlementline l
                         ON l.settlement_id = waiting.id AND l.kind = 'redemption'
                      CROSS JOIN LATERAL ({_MOVED}) AS moved), 0)::bigint
    """,
    WaitingRow._make,
)
