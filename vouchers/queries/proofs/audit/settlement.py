"""Audit checks of settlements, payouts and collections (invariant 11)."""

from django.utils.translation import gettext_noop as _

from vouchers.queries.proofs.audit.check import SHARES, USED, Check
from vouchers.states import SettlementState

PAID = SettlementState.PAID.value

# What refunds had called back before a settlement took the rest; later ones are owed instead.
BEFORE = """
    (SELECT f.redemption_id, p.source_id, sum(p.amount_fen) AS fen
       FROM vouchers_refundpart p JOIN vouchers_refund f ON f.id = p.refund_id
      WHERE p.target <> 'recoverable' GROUP BY 1, 2)
"""

SETTLED_ONCE = Check(
    11,
    "settled_once",
    _("a redemption is settled whole and once: its lines sum to what refunds had left of it"),
    ("redemption", "lines_fen", "discount_fen", "called_back_fen"),
    f"""
    SELECT r.id, l.fen, r.discount_fen, COALESCE(b.fen, 0)
      FROM (SELECT redemption_id, sum(amount_fen)::bigint AS fen FROM vouchers_settlementline
             WHERE kind = 'redemption' GROUP BY redemption_id) AS l
      JOIN vouchers_redemption r ON r.id = l.redemption_id
      LEFT JOIN (SELECT redemption_id, sum(fen) AS fen FROM {BEFORE} AS parts
                  GROUP BY redemption_id) AS b ON b.redemption_id = r.id
     WHERE l.fen <> r.discount_fen - COALESCE(b.fen, 0)
    """,
)
LINE_LEGAL = Check(
    11,
    "line_is_its_redemption",
    _("every line is what is left of a share, for that merchant, source and campaign"),
    ("line", "settlement", "redemption", "why"),
    f"""
    WITH judged AS (
        SELECT l.id, l.settlement_id, l.redemption_id, CASE
                 WHEN z.id IS NULL OR r.id IS NULL THEN 'no such settlement or redemption'
                 WHEN r.state NOT IN {USED} THEN 'the redemption was undone'
                 WHEN (z.campaign_id, z.merchant_id, z.source_id)
                      <> (r.campaign_id, r.merchant_id, l.source_id) THEN 'another merchant''s'
                 WHEN l.kind = 'refund' AND f.redemption_id IS DISTINCT FROM r.id
                   THEN 'a refund of something else'
                 WHEN r.business_day > z.business_day OR f.business_day > z.business_day
                   THEN 'of a later day'
                 WHEN l.kind = 'redemption'
                      AND l.amount_fen IS DISTINCT FROM s.fen - COALESCE(b.fen, 0)
                   THEN 'not what is left of the source''s share'
                 WHEN l.kind = 'redemption' AND h.redemption_id IS NOT NULL
                   THEN 'held and settled'
               END AS why
          FROM vouchers_settlementline l
          LEFT JOIN vouchers_settlement z ON z.id = l.settlement_id
          LEFT JOIN vouchers_redemption r ON r.id = l.redemption_id
          LEFT JOIN {SHARES} AS s ON s.split = r.split AND s.source_id = l.source_id
          LEFT JOIN {BEFORE} AS b
                 ON b.redemption_id = l.redemption_id AND b.source_id = l.source_id
          LEFT JOIN vouchers_hold h
                 ON h.redemption_id = l.redemption_id AND h.released_at IS NULL
          LEFT JOIN vouchers_refund f ON f.id = l.refund_id)
    SELECT * FROM judged WHERE why IS NOT NULL
    """,
)
RECOVERED_WITHIN_OWED = Check(
    11,
    "recovered_within_owed",
    _("what was kept back from payouts or collected is no more than refunds left owed"),
    ("refund", "source", "owed_fen", "recovered_fen"),
    """
    SELECT refund_id, source_id, sum(owed), sum(recovered)
      FROM (SELECT refund_id, source_id, amount_fen AS owed, 0 AS recovered
              FROM vouchers_refundpart WHERE target = 'recoverable'
             UNION ALL
            SELECT refund_id, source_id, 0, -amount_fen
              FROM vouchers_settlementline WHERE kind = 'refund'
             UNION ALL
            SELECT refund_id, source_id, 0, amount_fen FROM vouchers_collectionline) AS either
     GROUP BY refund_id, source_id
    HAVING sum(recovered) > sum(owed)
    """,
)
SETTLEMENT_TOTALS = Check(
    11,
    "settlement_totals",
    _("a settlement's total is the sum of its lines, and its file is the one that was hashed"),
    ("settlement", "lines", "total_fen", "sum_fen", "why"),
    """
    WITH judged AS (
        SELECT z.id, COALESCE(l.n, 0) AS n, z.total_fen, COALESCE(l.fen, 0) AS fen, CASE
                 WHEN z.line_count <> COALESCE(l.n, 0) THEN 'line count'
                 WHEN z.total_fen <> COALESCE(l.fen, 0) THEN 'total'
                 WHEN z.total_fen < 0 THEN 'below zero'
                 WHEN sha256(z.content) <> z.sha256 THEN 'file'
               END AS why
          FROM vouchers_settlement z
          LEFT JOIN (SELECT settlement_id, count(*) AS n, sum(amount_fen)::bigint AS fen
                       FROM vouchers_settlementline GROUP BY settlement_id) AS l
            ON l.settlement_id = z.id)
    SELECT * FROM judged WHERE why IS NOT NULL
    """,
)
# What was refunded while a settlement waited for its cash had gone to recoverable before.
SETTLEMENT_POSTED = Check(
    11,
    "settlement_posted",
    _("a payout posted what its lines say, and a settlement that waits nothing"),
    ("settlement", "state", "lines_fen", "paid_fen", "refunds_fen", "kept_back_fen"),
    f"""
    WITH posted AS (
        SELECT t.cause_id AS id, sum(l.amount_fen) FILTER (WHERE a.kind = 'payable') AS paid,
               sum(l.amount_fen) FILTER (WHERE a.kind = 'recoverable') AS kept_back
          FROM vouchers_transfer t
          JOIN vouchers_leg l ON l.transfer_id = t.id AND l.at = t.at
          JOIN vouchers_account a ON a.id = l.account_id
         WHERE t.cause = 'settlement' AND l.amount_fen < 0
         GROUP BY 1),
    lines AS (
        SELECT l.settlement_id AS id,
               sum(l.amount_fen) FILTER (WHERE l.kind = 'redemption') AS redeemed,
               sum(l.amount_fen) FILTER (WHERE l.kind = 'refund') AS refunded
          FROM vouchers_settlementline l GROUP BY 1),
    meanwhile AS (
        SELECT l.settlement_id AS id, sum(p.amount_fen) AS fen
          FROM vouchers_refundpart p
          JOIN vouchers_refund f ON f.id = p.refund_id
          JOIN vouchers_settlementline l ON l.redemption_id = f.redemption_id
           AND l.source_id = p.source_id AND l.kind = 'redemption'
         WHERE p.target = 'recoverable' AND p.origin <> 'settled'
         GROUP BY 1),
    either AS (
        SELECT COALESCE(z.id, posted.id) AS id, z.state,
               CASE WHEN z.state = '{PAID}'
                    THEN COALESCE(lines.redeemed, 0) - COALESCE(meanwhile.fen, 0) ELSE 0 END
                 AS lines_fen,
               -COALESCE(posted.paid, 0) AS paid_fen,
               CASE WHEN z.state = '{PAID}' THEN -COALESCE(lines.refunded, 0) ELSE 0 END
                 AS refunds_fen,
               -COALESCE(posted.kept_back, 0) AS kept_back_fen
          FROM vouchers_settlement z
          LEFT JOIN lines ON lines.id = z.id
          LEFT JOIN meanwhile ON meanwhile.id = z.id
          FULL JOIN posted ON posted.id = z.id)
    SELECT * FROM either
     WHERE state IS NULL OR (lines_fen, refunds_fen) <> (paid_fen, kept_back_fen)
    """,
)
COLLECTED = Check(
    11,
    "collection_lines",
    _("a collection's lines add up to it, clear what its merchant owed, and were posted"),
    ("collection", "amount_fen", "lines_fen", "posted_fen", "why"),
    """
    WITH lines AS (
        SELECT l.collection_id AS id, sum(l.amount_fen) AS fen,
               bool_or(f.merchant_id <> c.merchant_id OR r.campaign_id <> c.campaign_id
                       OR l.source_id <> c.source_id) AS is_foreign
          FROM vouchers_collectionline l
          JOIN vouchers_collection c ON c.id = l.collection_id
          JOIN vouchers_refund f ON f.id = l.refund_id
          JOIN vouchers_redemption r ON r.id = f.redemption_id
         GROUP BY 1),
    posted AS (
        SELECT t.cause_id AS id, -sum(l.amount_fen) AS fen, min(a.source_id) AS source_id
          FROM vouchers_transfer t
          JOIN vouchers_leg l ON l.transfer_id = t.id AND l.at = t.at
          JOIN vouchers_account a ON a.id = l.account_id
         WHERE t.cause = 'collection' AND l.amount_fen < 0
         GROUP BY 1),
    judged AS (
        SELECT COALESCE(c.id, posted.id) AS id, c.amount_fen, lines.fen AS lines_fen,
               posted.fen AS posted_fen, CASE
                 WHEN c.id IS NULL THEN 'no such collection'
                 WHEN c.amount_fen IS DISTINCT FROM lines.fen THEN 'its lines'
                 WHEN lines.is_foreign THEN 'another merchant''s refunds'
                 WHEN c.amount_fen IS DISTINCT FROM posted.fen
                      OR posted.source_id <> c.source_id THEN 'its posting'
               END AS why
          FROM vouchers_collection c
          LEFT JOIN lines ON lines.id = c.id
          FULL JOIN posted ON posted.id = c.id)
    SELECT * FROM judged WHERE why IS NOT NULL
    """,
)
PAID_WITHIN_CASH = Check(
    11,
    "paid_within_cash",
    _("no source has paid out or returned more than has come in for it"),
    ("source", "paid_fen", "repaid_fen", "received_fen"),
    f"""
    WITH paid AS (
        SELECT source_id, sum(total_fen)::bigint AS fen FROM vouchers_settlement
         WHERE state = '{PAID}' GROUP BY source_id),
    cash AS (
        SELECT source_id, sum(amount_fen)::bigint AS fen
          FROM (SELECT source_id, amount_fen FROM vouchers_cashreceipt
                 UNION ALL
                SELECT source_id, amount_fen FROM vouchers_collection) AS came
         GROUP BY source_id),
    repaid AS (
        SELECT a.source_id, sum(l.amount_fen)::bigint AS fen
          FROM vouchers_account a JOIN vouchers_leg l ON l.account_id = a.id
         WHERE a.kind = 'repaid' GROUP BY a.source_id)
    SELECT s.id, COALESCE(paid.fen, 0), COALESCE(repaid.fen, 0), COALESCE(cash.fen, 0)
      FROM vouchers_fundingsource s
      LEFT JOIN paid ON paid.source_id = s.id
      LEFT JOIN cash ON cash.source_id = s.id
      LEFT JOIN repaid ON repaid.source_id = s.id
     WHERE COALESCE(paid.fen, 0) + COALESCE(repaid.fen, 0) > COALESCE(cash.fen, 0)
    """,
)

SETTLEMENT_CHECKS = (
    SETTLED_ONCE,
    LINE_LEGAL,
    RECOVERED_WITHIN_OWED,
    SETTLEMENT_TOTALS,
    SETTLEMENT_POSTED,
    COLLECTED,
    PAID_WITHIN_CASH,
)
