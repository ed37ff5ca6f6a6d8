"""Audit checks of postings: that they balance, and equal their redemption (3 and 4)."""

from django.utils.translation import gettext_noop as _

from vouchers.queries.proofs.audit.check import SHARES, USED, Check, CheckTitle, Scan
from vouchers.states import RedemptionState

AUTHORISED = RedemptionState.AUTHORISED.value
VOIDED = RedemptionState.VOIDED.value
REVERSED = RedemptionState.REVERSED.value

# The largest tables there are: legs are summed once by transfer and source. For redemptions in one
# act that is all there is to compare; whatever has a history is left to `LIFECYCLE_AMOUNTS`.
JOURNAL = Scan(
    (
        CheckTitle(
            3,
            "legs_balance",
            _(
                "every transfer has legs, all on accounts of its campaign, and they sum to zero per"
                " source"
            ),
        ),
        CheckTitle(
            4,
            "redeemed_amounts",
            _("what was redeemed in one act was posted by source as its split says"),
        ),
    ),
    ("transfer", "redemption", "source", "share_fen", "posted_fen", "off_fen", "why"),
    f"""
    WITH sums AS (
        SELECT l.transfer_id, l.at, a.campaign_id, a.source_id, sum(l.amount_fen)::bigint AS fen,
               sum(l.amount_fen) FILTER (WHERE a.kind = 'payable')::bigint AS payable_fen
          FROM vouchers_leg l
          LEFT JOIN vouchers_account a ON a.id = l.account_id
         GROUP BY 1, 2, 3, 4),
    posted AS (
        SELECT COALESCE(t.id, s.transfer_id) AS transfer, s.source_id, s.fen, s.payable_fen,
               CASE WHEN t.reason = 'redeem' THEN t.cause_id END AS redemption,
               CASE WHEN t.id IS NULL THEN 'legs without a transfer'
                    WHEN s.transfer_id IS NULL THEN 'a transfer without legs'
                    WHEN s.source_id IS NULL THEN 'an unknown account'
                    WHEN s.campaign_id <> t.campaign_id THEN 'an account of another campaign'
                    WHEN s.fen <> 0 THEN 'the legs do not sum to zero'
               END AS why
          FROM vouchers_transfer t
          FULL JOIN sums s ON s.transfer_id = t.id AND s.at = t.at),
    due AS (
        SELECT r.id, s.source_id, s.fen
          FROM vouchers_redemption r JOIN {SHARES} AS s ON s.split = r.split
         WHERE r.authorised_fen IS NULL AND s.fen <> 0),
    judged AS (
        SELECT p.transfer, COALESCE(due.id, p.redemption) AS redemption,
               COALESCE(due.source_id, p.source_id) AS source_id, due.fen AS share_fen,
               p.payable_fen, p.fen, p.why,
               (due.id IS NOT NULL OR p.redemption IS NOT NULL)
               AND due.fen IS DISTINCT FROM p.payable_fen AS is_off
          FROM posted p
          FULL JOIN due ON due.id = p.redemption AND due.source_id = p.source_id)
    SELECT verdict.name, transfer, redemption, source_id, share_fen, payable_fen, fen, why
      FROM (SELECT * FROM judged WHERE why IS NOT NULL OR is_off) AS broken
      JOIN (VALUES ('legs_balance'), ('redeemed_amounts')) AS verdict(name)
        ON CASE verdict.name WHEN 'legs_balance' THEN why IS NOT NULL ELSE is_off END
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
# Per source, what all postings but a redeeming in one act left on the accounts of its state.
LIFECYCLE_AMOUNTS = Check(
    4,
    "lifecycle_amounts",
    _("authorising, capturing and undoing posted by source what the redemption and its state say"),
    ("redemption", "source", "state", "share_fen", "made_fen", "authorised_fen", "owed_fen"),
    f"""
    WITH moved AS (
        SELECT t.cause_id AS id, a.source_id,
               COALESCE(sum(l.amount_fen) FILTER (
                   WHERE l.amount_fen > 0 AND t.reason = 'authorise'), 0) AS made,
               COALESCE(sum(l.amount_fen) FILTER (
                   WHERE a.kind = 'authorised'), 0) AS authorised,
               COALESCE(sum(l.amount_fen) FILTER (
                   WHERE a.kind IN ('payable', 'risk_held')), 0) AS owed
          FROM vouchers_transfer t
          JOIN vouchers_leg l ON l.transfer_id = t.id AND l.at = t.at
          JOIN vouchers_account a ON a.id = l.account_id
         WHERE t.cause = 'redemption' AND t.reason <> 'redeem'
         GROUP BY 1, 2),
    due AS (
        SELECT r.id, (share->>0)::bigint AS source_id, r.state, r.authorised_fen,
               (share->>1)::bigint AS fen, r.discount_fen
          FROM vouchers_redemption r CROSS JOIN jsonb_array_elements(r.split) AS share
         WHERE (r.authorised_fen IS NOT NULL OR r.state IN ({VOIDED}, {REVERSED}))
           AND share->>1 <> '0'),
    both_sides AS (
        SELECT id, source_id, due.state, due.fen, due.authorised_fen AS wanted_fen,
               due.discount_fen, COALESCE(moved.made, 0) AS made,
               COALESCE(moved.authorised, 0) AS authorised, COALESCE(moved.owed, 0) AS owed,
               sum(moved.made) OVER (PARTITION BY id) AS all_made, due.id IS NULL AS is_stray
          FROM due FULL JOIN moved USING (id, source_id))
    SELECT id, source_id, state, fen, made, authorised, owed
      FROM both_sides
     WHERE is_stray
        OR wanted_fen IS NULL AND (made, authorised, owed) <> (0, 0, -fen)
        OR all_made <> wanted_fen OR discount_fen > wanted_fen OR wanted_fen > 0 AND made < fen
        OR wanted_fen > 0 AND (authorised, owed) <> (
           CASE WHEN state = {AUTHORISED} THEN fen ELSE 0 END,
           CASE WHEN state IN {USED} THEN fen ELSE 0 END)
    """,
)

MONEY_CHECKS = (REDEMPTION_POSTED, LIFECYCLE_AMOUNTS)
