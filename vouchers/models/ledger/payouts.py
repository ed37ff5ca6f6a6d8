"""What the payout of a settlement moves in the ledger."""

from typing import NamedTuple

from vouchers.sql.statements import Statement
from vouchers.states import AccountKind


class PayoutRow(NamedTuple):
    """What a settlement moves within an allocation: paid to the merchant, and kept back."""

    allocation_id: int
    settled_fen: int
    netted_fen: int


# What refunds called back while the settlement waited for cash is recoverable already; its line is
# paid all the same, since its file was fixed.
SUM_PAYOUT = Statement(
    f"""
    SELECT r.allocation_id,
           COALESCE(sum(l.amount_fen - moved.fen) FILTER (WHERE l.kind = 'redemption'), 0)::bigint,
           COALESCE(-sum(l.amount_fen) FILTER (WHERE l.kind = 'refund'), 0)::bigint
      FROM vouchers_settlementline l
      JOIN vouchers_redemption r ON r.id = l.redemption_id AND r.voucher_id = l.voucher_id
     CROSS JOIN LATERAL (
           SELECT COALESCE(sum(p.amount_fen), 0) AS fen
             FROM vouchers_refund f
             JOIN vouchers_refundpart p ON p.refund_id = f.id AND p.source_id = l.source_id
            WHERE f.redemption_id = l.redemption_id
              AND p.origin = '{AccountKind.PAYABLE.value}'
              AND p.target = '{AccountKind.RECOVERABLE.value}') AS moved
     WHERE l.settlement_id = %(settlement_id)s
     GROUP BY r.allocation_id
     ORDER BY r.allocation_id
    """,
    PayoutRow._make,
)
