"""Audit checks of refunds and holds (invariants 4 and 5)."""

from django.utils.translation import gettext_noop as _

from vouchers.models.issuing.runs import SERIAL_BITS
from vouchers.queries.proofs.audit.check import USED, Check
from vouchers.states import RedemptionState

REFUNDED = RedemptionState.REFUNDED.value

# The proportion of all refunds so far, rounded down: a whole refund calls the whole discount back,
# so one formula holds under every policy. What the office calls back of a hold is all the rest.
REFUND_LEGAL = Check(
    5,
    "refund_legal",
    _("every refund kept to its campaign's policy: amount, proportion, voucher"),
    ("refund", "redemption", "why"),
    f"""
    WITH so_far AS (
        SELECT f.*, sum(amount_fen) OVER earlier AS refunded_fen,
               sum(clawback_fen) OVER earlier AS clawed_fen
          FROM vouchers_refund f
        WINDOW earlier AS (PARTITION BY redemption_id ORDER BY id)),
    judged AS (
        SELECT f.id, f.redemption_id, CASE
                 WHEN r.id IS NULL OR c.id IS NULL OR t.id IS NULL OR s.id IS NULL
                   THEN 'no such redemption or store'
                 WHEN r.state NOT IN {USED} THEN 'the redemption was never captured'
                 WHEN (f.merchant_id, s.merchant_id) <> (r.merchant_id, r.merchant_id)
                   THEN 'another merchant''s'
                 WHEN f.policy <> c.refund_policy THEN 'another policy'
                 WHEN f.refunded_fen > paid.fen THEN 'more than was paid'
                 WHEN f.hold_id IS NULL
                      AND f.clawed_fen <> div(r.discount_fen::numeric * f.refunded_fen, paid.fen)
                   THEN 'not the proportion'
                 WHEN f.policy = 'forfeit' AND f.amount_fen <> paid.fen THEN 'not whole'
                 WHEN f.hold_id IS NOT NULL
                      AND (f.amount_fen, f.clawed_fen) <> (0, r.discount_fen)
                   THEN 'not the rest of the subsidy'
                 WHEN f.hold_id IS NOT NULL AND NOT EXISTS (
                      SELECT FROM vouchers_hold h
                       WHERE h.id = f.hold_id AND h.redemption_id = f.redemption_id
                         AND h.released_at IS NOT NULL)
                   THEN 'called back without its hold'
                 WHEN f.gives_voucher_back
                      AND (f.policy, f.amount_fen) <> ('return', paid.fen) THEN 'voucher kept'
                 WHEN f.gives_voucher_back AND f.refunded_at >= t.valid_until_at
                   THEN 'voucher given back after its window'
                 WHEN f.refunded_at < COALESCE(r.captured_at, r.redeemed_at) THEN 'too early'
                 WHEN f.business_day <> (f.refunded_at AT TIME ZONE c.zone)::date
                   THEN 'another business day'
               END AS why
          FROM so_far f
          LEFT JOIN vouchers_redemption r ON r.id = f.redemption_id
          LEFT JOIN LATERAL (SELECT r.order_amount_fen - r.discount_fen AS fen) AS paid ON true
          LEFT JOIN vouchers_campaign c ON c.id = r.campaign_id
          LEFT JOIN vouchers_tranche t ON t.id = r.voucher_id >> {SERIAL_BITS}
          LEFT JOIN merchants_store s ON s.id = f.store_id)
    SELECT * FROM judged WHERE why IS NOT NULL
    """,
)
REFUNDED_WHOLE = Check(
    5,
    "refunded_whole",
    _("a redemption is refunded exactly when its whole discount was called back"),
    ("redemption", "state", "discount_fen", "called_back_fen"),
    f"""
    SELECT r.id, r.state, r.discount_fen, COALESCE(f.fen, 0)
      FROM vouchers_redemption r
      LEFT JOIN (SELECT redemption_id, sum(clawback_fen) AS fen FROM vouchers_refund
                  GROUP BY redemption_id) AS f ON f.redemption_id = r.id
     WHERE (r.state = {REFUNDED}) <> (COALESCE(f.fen, 0) = r.discount_fen)
    """,
)
# By largest remainder over what was left of each share, earlier sources first among equals.
REFUND_PARTS = Check(
    4,
    "refund_parts",
    _("a refund's parts are its clawback, shared out by what was left of each source's share"),
    ("refund", "source", "part_fen", "left_fen", "due_fen"),
    """
    WITH shares AS (
        SELECT f.id AS refund_id, f.redemption_id, f.clawback_fen, share.place,
               (share.value->>0)::bigint AS source_id, (share.value->>1)::bigint AS share_fen
          FROM vouchers_refund f
          JOIN vouchers_redemption r ON r.id = f.redemption_id
         CROSS JOIN jsonb_array_elements(r.split) WITH ORDINALITY AS share(value, place)),
    parts AS (
        SELECT refund_id, source_id, s.redemption_id, s.place, s.share_fen, s.clawback_fen,
               COALESCE(p.amount_fen, 0)::numeric AS fen
          FROM shares s
          FULL JOIN vouchers_refundpart p USING (refund_id, source_id)),
    lefts AS (
        SELECT *, share_fen + fen - sum(fen) OVER (
                   PARTITION BY redemption_id, source_id ORDER BY refund_id) AS left_fen
          FROM parts),
    whole AS (
        SELECT *, NULLIF(sum(left_fen) OVER (PARTITION BY refund_id), 0) AS all_left_fen
          FROM lefts),
    floors AS (
        SELECT *, div(clawback_fen * left_fen, all_left_fen) AS floor_fen,
               row_number() OVER (
                   PARTITION BY refund_id
                   ORDER BY mod(clawback_fen * left_fen, all_left_fen) DESC, place) AS turn
          FROM whole),
    judged AS (
        SELECT *, floor_fen
                  + (turn <= clawback_fen - sum(floor_fen) OVER (PARTITION BY refund_id))::int
                  AS due_fen
          FROM floors)
    SELECT refund_id, source_id, fen::bigint, left_fen::bigint, due_fen::bigint
      FROM judged WHERE fen IS DISTINCT FROM due_fen
    """,
)
REFUND_ACCOUNTS = Check(
    4,
    "refund_accounts",
    _("only what a settlement had taken is owed by the merchant, and out of settled once paid"),
    ("refund", "source", "origin", "target", "settlement"),
    """
    SELECT p.refund_id, p.source_id, p.origin, p.target, z.state
      FROM vouchers_refundpart p
      LEFT JOIN vouchers_refund f ON f.id = p.refund_id
      LEFT JOIN vouchers_settlementline l ON l.redemption_id = f.redemption_id
            AND l.source_id = p.source_id AND l.kind = 'redemption'
      LEFT JOIN vouchers_settlement z ON z.id = l.settlement_id
     WHERE f.id IS NULL
        OR p.target = 'recoverable' AND z.id IS NULL
        OR p.origin = 'settled' AND (z.state IS DISTINCT FROM 'paid' OR p.target <> 'recoverable')
        OR (p.target = 'outstanding') AND NOT f.gives_voucher_back
    """,
)
REFUND_POSTED = Check(
    4,
    "refund_posted",
    _("every refund's parts were posted out of and into the accounts they name"),
    ("refund", "source", "account", "part_fen", "posted_fen"),
    """
    WITH posted AS (
        SELECT t.cause_id AS refund_id, a.source_id,
               CASE t.reason WHEN 'reissue' THEN 'reissued' ELSE a.kind END AS kind,
               sum(l.amount_fen) AS fen
          FROM vouchers_transfer t
          JOIN vouchers_leg l ON l.transfer_id = t.id AND l.at = t.at
          JOIN vouchers_account a ON a.id = l.account_id
         WHERE t.cause = 'refund'
           AND (a.kind IN ('payable', 'risk_held', 'settled', 'recoverable')
                OR t.reason = 'reissue' AND a.kind = 'outstanding')
         GROUP BY 1, 2, 3),
    due AS (
        SELECT refund_id, source_id, origin AS kind, -amount_fen AS fen FROM vouchers_refundpart
         UNION ALL
        SELECT refund_id, source_id, target, amount_fen FROM vouchers_refundpart
         WHERE target = 'recoverable'
         UNION ALL
        SELECT p.refund_id, p.source_id, 'reissued', p.amount_fen
          FROM vouchers_refundpart p JOIN vouchers_refund f ON f.id = p.refund_id
         WHERE p.target = 'recoverable' AND f.gives_voucher_back)
    SELECT refund_id, source_id, kind, COALESCE(due.fen, 0), COALESCE(posted.fen, 0)
      FROM due FULL JOIN posted USING (refund_id, source_id, kind)
     WHERE due.fen IS DISTINCT FROM posted.fen
    """,
)
# By redemption: undoing it or refunding it may empty what a hold has kept.
HOLD_POSTED = Check(
    4,
    "hold_posted",
    _("what is held of a redemption is what is left of it while a hold is open, else nothing"),
    ("redemption", "source", "left_fen", "held_fen"),
    """
    WITH moved AS (
        SELECT COALESCE(h.redemption_id, f.redemption_id, t.cause_id) AS redemption_id,
               a.source_id, sum(l.amount_fen) AS fen
          FROM vouchers_account a
          JOIN vouchers_leg l ON l.account_id = a.id
          JOIN vouchers_transfer t ON t.id = l.transfer_id AND t.at = l.at
          LEFT JOIN vouchers_hold h ON t.cause = 'hold' AND h.id = t.cause_id
          LEFT JOIN vouchers_refund f ON t.cause = 'refund' AND f.id = t.cause_id
         WHERE a.kind = 'risk_held'
         GROUP BY 1, 2
        HAVING sum(l.amount_fen) <> 0),
    due AS (
        SELECT redemption_id, source_id, sum(fen) AS fen
          FROM (SELECT r.id AS redemption_id, (share->>0)::bigint AS source_id,
                       (share->>1)::bigint AS fen
                  FROM vouchers_hold h
                  JOIN vouchers_redemption r ON r.id = h.redemption_id
                 CROSS JOIN jsonb_array_elements(r.split) AS share
                 WHERE h.released_at IS NULL
                 UNION ALL
                SELECT h.redemption_id, p.source_id, -p.amount_fen
                  FROM vouchers_hold h
                  JOIN vouchers_refund f ON f.redemption_id = h.redemption_id
                  JOIN vouchers_refundpart p ON p.refund_id = f.id
                 WHERE h.released_at IS NULL) AS either
         GROUP BY 1, 2
        HAVING sum(fen) <> 0)
    SELECT redemption_id, source_id, COALESCE(due.fen, 0), COALESCE(moved.fen, 0)
      FROM due FULL JOIN moved USING (redemption_id, source_id)
     WHERE due.fen IS DISTINCT FROM moved.fen
    """,
)
HOLD_ONCE = Check(
    4,
    "hold_once",
    _("a hold was opened once on a captured redemption, and let go at most once"),
    ("hold", "redemption", "opened", "let_go"),
    f"""
    WITH posted AS (
        SELECT cause_id AS id, count(*) FILTER (WHERE reason = 'hold') AS opened,
               count(*) FILTER (WHERE reason = 'unhold') AS let_go
          FROM vouchers_transfer WHERE cause = 'hold' GROUP BY 1)
    SELECT COALESCE(h.id, p.id), h.redemption_id, COALESCE(p.opened, 0), COALESCE(p.let_go, 0)
      FROM vouchers_hold h
      LEFT JOIN vouchers_redemption r ON r.id = h.redemption_id
      FULL JOIN posted p ON p.id = h.id
     WHERE h.id IS NULL OR p.opened IS DISTINCT FROM 1
        OR p.let_go > (h.released_at IS NOT NULL)::int
        OR h.released_at IS NULL AND r.state NOT IN {USED}
    """,
)

REFUND_CHECKS = (
    REFUND_LEGAL,
    REFUNDED_WHOLE,
    REFUND_PARTS,
    REFUND_ACCOUNTS,
    REFUND_POSTED,
    HOLD_POSTED,
    HOLD_ONCE,
)
