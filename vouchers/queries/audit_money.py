"""Audit checks of postings: that they balance, and are what their redemption says (3 and 4)."""

from django.utils.translation import gettext_noop as _

from vouchers.queries.audit_check import SHARES, USED, Check
from vouchers.states import RedemptionState

AUTHORISED = RedemptionState.AUTHORISED.value
VOIDED = RedemptionState.VOIDED.value
REVERSED = RedemptionState.REVERSED.value

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
# A capture whose final order earned nothing any more ends an authorisation as a void does.
REDEMPTION_POSTED = Check(
    4,
    "redemption_posted",
    _("every redemption was posted once: made, captured where it was authorised first, undone"),
    ("redemption", "state", "made", "captured", "undone"),
    f"""
    WITH posted AS (
        SELECT cause_id,
               count(*) FILTER (WHERE reason = 'redeem') AS redeemed,
               count(*) FILTER (WHERE reason = 'authorise') AS authorised,
               count(*) FILTER (WHERE reason = 'capture') AS captured,
               count(*) FILTER (WHERE reason IN ('void', 'lapse')) AS voided,
               count(*) FILTER (WHERE reason = 'reverse') AS reversed
          FROM vouchers_transfer WHERE cause = 'redemption' GROUP BY cause_id)
    SELECT COALESCE(r.id, p.cause_id), r.state, COALESCE(p.redeemed + p.authorised, 0),
           COALESCE(p.captured, 0), COALESCE(p.voided + p.reversed, 0)
      FROM vouchers_redemption r
      FULL JOIN posted p ON p.cause_id = r.id
     WHERE r.id IS NULL OR p.cause_id IS NULL
        OR p.redeemed <> (r.authorised_fen IS NULL)::int
        OR p.authorised <> (r.authorised_fen IS NOT NULL)::int
        OR p.reversed <> (r.state = {REVERSED})::int
        OR p.captured + p.voided <> (r.captured_at IS NOT NULL)::int + (r.state = {VOIDED})::int
        OR p.voided > (r.state = {VOIDED})::int
    """,
)
REDEMPTION_AMOUNTS = Check(
    4,
    "redemption_amounts",
    _("what a redemption posted is its split: per source, on the accounts of its state"),
    ("redemption", "source", "state", "share_fen", "made_fen", "authorised_fen", "owed_fen"),
    f"""
    WITH moved AS (
        SELECT t.cause_id AS id, a.source_id,
               COALESCE(sum(l.amount_fen) FILTER (
                   WHERE l.amount_fen > 0 AND t.reason IN ('redeem', 'authorise')), 0) AS made,
               COALESCE(sum(l.amount_fen) FILTER (
                   WHERE a.kind = 'authorised'), 0) AS authorised,
               COALESCE(sum(l.amount_fen) FILTER (
                   WHERE a.kind IN ('payable', 'risk_held')), 0) AS owed
          FROM vouchers_transfer t
          JOIN vouchers_leg l ON l.transfer_id = t.id AND l.at = t.at
          JOIN vouchers_account a ON a.id = l.account_id
         WHERE t.cause = 'redemption'
         GROUP BY 1, 2),
    due AS (
        SELECT r.id, s.source_id, r.state, r.authorised_fen, s.fen
          FROM vouchers_redemption r JOIN {SHARES} AS s ON s.split = r.split
         WHERE s.fen <> 0)
    SELECT id, source_id, due.state, due.fen, moved.made, moved.authorised, moved.owed
      FROM due FULL JOIN moved USING (id, source_id)
     WHERE due.id IS NULL OR moved.id IS NULL
        OR CASE WHEN due.authorised_fen IS NULL THEN moved.made <> due.fen
                ELSE moved.made < due.fen END
        OR moved.authorised <> CASE WHEN due.state = {AUTHORISED} THEN due.fen ELSE 0 END
        OR moved.owed <> CASE WHEN due.state IN {USED} THEN due.fen ELSE 0 END
    """,
)
AUTHORISED_AMOUNTS = Check(
    4,
    "authorised_amounts",
    _("an authorisation posted what it says, and its capture no more"),
    ("redemption", "authorised_fen", "posted_fen", "discount_fen"),
    """
    SELECT r.id, r.authorised_fen, COALESCE(p.fen, 0), r.discount_fen
      FROM vouchers_redemption r
      LEFT JOIN (SELECT t.cause_id, sum(l.amount_fen) AS fen
                   FROM vouchers_transfer t
                   JOIN vouchers_leg l ON l.transfer_id = t.id AND l.at = t.at
                  WHERE t.reason = 'authorise' AND l.amount_fen > 0
                  GROUP BY 1) AS p ON p.cause_id = r.id
     WHERE r.authorised_fen IS NOT NULL
       AND (p.fen IS DISTINCT FROM r.authorised_fen OR r.discount_fen > r.authorised_fen)
    """,
)

MONEY_CHECKS = (LEGS_BALANCE, REDEMPTION_POSTED, REDEMPTION_AMOUNTS, AUTHORISED_AMOUNTS)
