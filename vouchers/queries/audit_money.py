"""Audit checks of postings and settlements (invariants 3, 4 and 11)."""

from django.utils.translation import gettext_noop as _

from vouchers.queries.audit_check import LIVE, Check
from vouchers.states import RedemptionState, SettlementState

LEGS_BALANCE = Check(
    3,
    "legs_balance",
    _("every transfer has legs, all on accounts of its campaign, and they sum to zero per source"),
    ("transfer", "source", "off_fen", "why"),
    """
    WITH sums AS (
        SELECT l.transfer_id, l.at, a.campaign_id, a.source_id, sum(l.amount_fen)::bigint AS fen
          FROM vouchers_leg l
          LEFT JOIN vouchers_account a ON a.id = l.account_id
         GROUP BY 1, 2, 3, 4),
    judged AS (
        SELECT COALESCE(t.id, s.transfer_id) AS transfer, s.source_id, s.fen,
               CASE WHEN t.id IS NULL THEN 'legs without a transfer'
                    WHEN s.transfer_id IS NULL THEN 'a transfer without legs'
                    WHEN s.source_id IS NULL THEN 'an unknown account'
                    WHEN s.campaign_id <> t.campaign_id THEN 'an account of another campaign'
                    WHEN s.fen <> 0 THEN 'the legs do not sum to zero'
               END AS why
          FROM vouchers_transfer t
          FULL JOIN sums s ON s.transfer_id = t.id AND s.at = t.at)
    SELECT * FROM judged WHERE why IS NOT NULL
    """,
)
REDEMPTION_POSTED = Check(
    4,
    "redemption_posted",
    _("every redemption was posted once, and once back when it was undone"),
    ("redemption", "state", "posted", "undone"),
    f"""
    WITH posted AS (
        SELECT cause_id, count(*) FILTER (WHERE reason IN ('redeem', 'authorise')) AS made,
               count(*) FILTER (WHERE reason IN ('void', 'reverse')) AS undone
          FROM vouchers_transfer WHERE cause = 'redemption' GROUP BY cause_id)
    SELECT COALESCE(r.id, p.cause_id), r.state, COALESCE(p.made, 0), COALESCE(p.undone, 0)
      FROM vouchers_redemption r
      FULL JOIN posted p ON p.cause_id = r.id
     WHERE r.id IS NULL OR p.made IS DISTINCT FROM 1
        OR p.undone <> CASE WHEN r.state IN {LIVE} THEN 0 ELSE 1 END
    """,
)
SETTLED_ONCE = Check(
    11,
    "settled_once",
    _("a redemption is settled whole and once: its lines sum to its discount"),
    ("redemption", "lines_fen", "discount_fen"),
    """
    SELECT r.id, l.fen, r.discount_fen
      FROM (SELECT redemption_id, sum(amount_fen)::bigint AS fen FROM vouchers_settlementline
             WHERE kind = 'redemption' GROUP BY redemption_id) AS l
      JOIN vouchers_redemption r ON r.id = l.redemption_id
     WHERE l.fen <> r.discount_fen
    """,
)
LINE_LEGAL = Check(
    11,
    "line_is_its_redemption",
    _("every line is a share of a captured redemption of that merchant, source and campaign"),
    ("line", "settlement", "redemption", "why"),
    f"""
    WITH judged AS (
        SELECT l.id, l.settlement_id, l.redemption_id, CASE
                 WHEN z.id IS NULL OR r.id IS NULL THEN 'no such settlement or redemption'
                 WHEN r.state <> {RedemptionState.CAPTURED.value} THEN 'the redemption was undone'
                 WHEN (z.campaign_id, z.merchant_id, z.source_id)
                      <> (r.campaign_id, r.merchant_id, l.source_id) THEN 'somebody else''s'
                 WHEN r.business_day > z.business_day THEN 'of a later day'
                 WHEN l.kind = 'redemption' AND NOT COALESCE(
                      r.split->0 = jsonb_build_array(l.source_id, l.amount_fen)
                      OR r.split->1 = jsonb_build_array(l.source_id, l.amount_fen)
                      OR jsonb_build_array(l.source_id, l.amount_fen)
                         IN (SELECT jsonb_array_elements(r.split)), false)
                   THEN 'not the source''s share'
               END AS why
          FROM vouchers_settlementline l
          LEFT JOIN vouchers_settlement z ON z.id = l.settlement_id
          LEFT JOIN vouchers_redemption r ON r.id = l.redemption_id)
    SELECT * FROM judged WHERE why IS NOT NULL
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
                 WHEN sha256(z.content) <> z.sha256 THEN 'file'
               END AS why
          FROM vouchers_settlement z
          LEFT JOIN (SELECT settlement_id, count(*) AS n, sum(amount_fen)::bigint AS fen
                       FROM vouchers_settlementline GROUP BY settlement_id) AS l
            ON l.settlement_id = z.id)
    SELECT * FROM judged WHERE why IS NOT NULL
    """,
)
PAID_WITHIN_CASH = Check(
    11,
    "paid_within_cash",
    _("no source has paid out more than it has sent"),
    ("source", "paid_fen", "received_fen"),
    f"""
    SELECT s.id, paid.fen, COALESCE(cash.fen, 0)
      FROM vouchers_fundingsource s
      JOIN (SELECT source_id, sum(total_fen)::bigint AS fen FROM vouchers_settlement
             WHERE state = '{SettlementState.PAID.value}' GROUP BY source_id) AS paid
        ON paid.source_id = s.id
      LEFT JOIN (SELECT source_id, sum(amount_fen)::bigint AS fen FROM vouchers_cashreceipt
                  GROUP BY source_id) AS cash ON cash.source_id = s.id
     WHERE paid.fen > COALESCE(cash.fen, 0)
    """,
)

MONEY_CHECKS = (
    LEGS_BALANCE,
    REDEMPTION_POSTED,
    SETTLED_ONCE,
    LINE_LEGAL,
    SETTLEMENT_TOTALS,
    PAID_WITHIN_CASH,
)
