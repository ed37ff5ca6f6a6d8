"""Audit checks of redemptions and the requests that made them (invariants 5 and 7)."""

from django.utils.translation import gettext_noop as _

from vouchers.models.issuing.runs import SERIAL_BITS
from vouchers.models.redemption.redemptions import SANDBOX_ORDER
from vouchers.queries.proofs.audit.check import IS_ODD, LIVE, USED, Check, folded, look_of
from vouchers.states import RedemptionState, VoucherState

REFUNDED = RedemptionState.REFUNDED.value
REVERSED = RedemptionState.REVERSED.value

# As orders are claimed (`claimed_no`): those of the sandbox beside the live ones.
CLAIMED_NO = f"CASE WHEN m.is_test THEN '{SANDBOX_ORDER}' ELSE '' END || {folded('r.order_no')}"

# A refund that took the voucher leaves it "withdrawn"; one that returned it leaves no state.
REDEEMS_ONCE = Check(
    5,
    "voucher_redeems_once",
    _("a voucher is used exactly when one live redemption says so, withdrawn when a refund did"),
    ("voucher", "voucher_state", "said_by", "said_state"),
    f"""
    WITH said AS (
        SELECT voucher_id, count(*) AS n, min(state) AS state
          FROM (SELECT voucher_id, state + 1 AS state
                  FROM vouchers_redemption WHERE state IN {LIVE}
                 UNION ALL
                SELECT r.voucher_id, {VoucherState.WITHDRAWN.value}
                  FROM vouchers_redemption r
                 WHERE r.state = {REFUNDED}
                   AND r.id NOT IN (SELECT redemption_id FROM vouchers_refund
                                     WHERE gives_voucher_back)) AS each
         GROUP BY voucher_id),
    used AS (SELECT id, state FROM vouchers_voucher WHERE state <> {VoucherState.ISSUED.value})
    SELECT COALESCE(used.id, said.voucher_id), used.state, COALESCE(said.n, 0), said.state
      FROM used FULL JOIN said ON said.voucher_id = used.id
     WHERE used.id IS NULL OR said.n IS DISTINCT FROM 1 OR said.state <> used.state
    """,
)
REDEMPTION_LEGAL = Check(
    5,
    "redemption_legal",
    _("every redemption kept to the terms frozen into its tranche"),
    ("redemption", "voucher", "why"),
    f"""
    WITH judged AS (
        SELECT r.id, r.voucher_id, CASE
                 WHEN v.id IS NULL OR t.id IS NULL THEN 'no such voucher'
                 WHEN (r.campaign_id, r.allocation_id, r.resident_id)
                      <> (t.campaign_id, v.allocation_id, v.resident_id)
                   THEN 'another voucher''s facts'
                 WHEN s.id IS NULL OR c.id IS NULL THEN 'no such store or campaign'
                 WHEN s.merchant_id <> r.merchant_id THEN 'another merchant''s store'
                 WHEN r.redeemed_at < t.valid_from_at OR r.redeemed_at >= t.valid_until_at
                   THEN 'outside its window'
                 WHEN r.business_day <> (r.redeemed_at AT TIME ZONE c.zone)::date
                   THEN 'another business day'
                 WHEN t.kind <> 'percent' AND (r.discount_fen <> t.face_fen OR r.split <> t.split)
                   THEN 'not the face'
                 WHEN t.kind = 'percent' AND r.discount_fen
                      <> LEAST(r.eligible_amount_fen * t.percent_bp / 10000, t.face_fen,
                               r.authorised_fen)
                   THEN 'not the percentage'
                 WHEN t.kind = 'percent' AND r.discount_fen <> (
                      SELECT sum((share->>1)::bigint) FROM jsonb_array_elements(r.split) AS share)
                   THEN 'shares miss the discount'
                 WHEN r.eligible_amount_fen NOT BETWEEN 0 AND r.order_amount_fen
                   THEN 'eligible beyond the order'
                 WHEN CASE t.threshold_basis WHEN 'pre_discount' THEN r.order_amount_fen
                           ELSE r.eligible_amount_fen END < t.threshold_fen THEN 'below threshold'
                 WHEN r.eligible_amount_fen - r.discount_fen < 1 THEN 'nothing left to pay'
                 WHEN c.excluded_categories ? r.category THEN 'excluded category'
                 WHEN jsonb_array_length(c.order_kinds) > 0 AND NOT c.order_kinds ? r.order_kind
                   THEN 'excluded kind of order'
                 WHEN r.state IN {USED} AND (
                      c.order_numbers ? 'payment_ref' AND r.payment_ref = ''
                      OR c.order_numbers ? 'receipt_no' AND r.receipt_no = '')
                   THEN 'without a number that every order has to name'
                 WHEN (r.authorised_fen IS NULL) <> (r.expires_at IS NULL) THEN 'half authorised'
                 WHEN r.discount_fen > r.authorised_fen THEN 'more than was authorised'
                 WHEN r.captured_at < r.redeemed_at OR r.captured_at >= r.expires_at
                   THEN 'captured out of its time'
                 WHEN r.authorised_fen IS NOT NULL AND r.captured_at IS NULL AND r.state IN {USED}
                   THEN 'never captured'
               END AS why
          FROM vouchers_redemption r
          LEFT JOIN vouchers_voucher v ON v.id = r.voucher_id
          LEFT JOIN vouchers_tranche t ON t.id = r.voucher_id >> {SERIAL_BITS}
          LEFT JOIN merchants_store s ON s.id = r.store_id
          LEFT JOIN vouchers_campaign c ON c.id = r.campaign_id)
    SELECT * FROM judged WHERE why IS NOT NULL
    """,
)
SHOWN_BY_HOLDER = Check(
    5,
    "shown_by_holder_or_proxy",
    _("every voucher was shown by its holder or by a proxy declared at that time"),
    ("redemption", "holder", "shown_by"),
    """
    SELECT r.id, r.resident_id, r.shown_by_id
      FROM vouchers_redemption r
     WHERE r.shown_by_id <> r.resident_id
       AND NOT EXISTS (
           SELECT FROM vouchers_proxy p
            WHERE p.holder_id = r.resident_id AND p.proxy_id = r.shown_by_id
              AND p.declared_at <= r.redeemed_at
              AND (p.ended_at IS NULL OR p.ended_at > r.redeemed_at))
    """,
)
STORE_TOOK_PART = Check(
    5,
    "store_took_part",
    _("every redemption was at a store that took part at that time"),
    ("redemption", "campaign", "store"),
    """
    SELECT r.id, r.campaign_id, r.store_id
      FROM vouchers_redemption r
     WHERE NOT EXISTS (
           SELECT FROM vouchers_campaignstore p
            WHERE p.campaign_id = r.campaign_id AND p.store_id = r.store_id
              AND p.valid_from_at <= r.redeemed_at
              AND (p.valid_until_at IS NULL OR p.valid_until_at > r.redeemed_at))
    """,
)
# An answer begins with its redemption's id, or with the claim's. It is compared as text, so that
# bytes which aren't an answer cannot stop the audit.
REQUEST_RECORDED = Check(
    7,
    "request_recorded",
    _(
        "every redemption and claim is the 201 answer of exactly one request of its caller, and the"
        " reverse, since requests were last archived"
    ),
    ("redemption", "caller", "redemptions", "requests"),
    """
    SELECT split_part(named, ':', 2), caller_id, sum(redemptions), sum(requests)
      FROM (SELECT '{"id":' || id AS named, caller_id, 1 AS redemptions, 0 AS requests
              FROM vouchers_redemption
             WHERE redeemed_at >= COALESCE(
                   (SELECT max(before_at) FROM vouchers_requestarchive), '-infinity')
             UNION ALL
            SELECT '{"claim":' || voucher_id, caller_id, 1, 0
              FROM vouchers_claim
             WHERE claimed_at >= COALESCE(
                   (SELECT max(before_at) FROM vouchers_requestarchive), '-infinity')
             UNION ALL
            SELECT split_part(encode(substring(answer FOR 40), 'escape'), ',', 1), caller_id, 0, 1
              FROM vouchers_requestrecord WHERE status = 201) AS either
     GROUP BY named, caller_id
    HAVING (sum(redemptions), sum(requests)) <> (1, 1)
    """,
)
ORDER_CLAIMED = Check(
    7,
    "order_claimed",
    _("every live redemption holds the claim of its order, and no undone one does"),
    ("store", "order_no", "redemption", "claimed_by"),
    f"""
    SELECT COALESCE(r.store_id, c.store_id), COALESCE(r.order_no, c.order_no), r.id,
           c.redemption_id
      FROM (SELECT r.id, r.voucher_id, r.store_id, {CLAIMED_NO} AS order_no
              FROM vouchers_redemption r JOIN vouchers_campaign m ON m.id = r.campaign_id
             WHERE r.state IN {LIVE}) AS r
      FULL JOIN (SELECT c.store_id, c.order_no, c.redemption_id, c.voucher_id
                   FROM vouchers_orderclaim c
                   LEFT JOIN vouchers_redemption back
                          ON back.id = c.redemption_id AND back.state = {REFUNDED}
                  WHERE c.redemption_id IS NOT NULL AND back.id IS NULL) AS c
        ON (c.store_id, c.order_no) = (r.store_id, r.order_no)
     WHERE (r.id, r.voucher_id) IS DISTINCT FROM (c.redemption_id, c.voucher_id)
    """,
)
TOMBSTONES = Check(
    7,
    "reversed_order_stays",
    _("the order of every reversed redemption has a tombstone that refuses a late original"),
    ("redemption", "store", "order_no", "claimed_by"),
    f"""
    SELECT r.id, r.store_id, r.order_no, c.redemption_id
      FROM vouchers_redemption r
      JOIN vouchers_campaign m ON m.id = r.campaign_id
      LEFT JOIN vouchers_orderclaim c ON (c.store_id, c.order_no) = (r.store_id, {CLAIMED_NO})
     WHERE r.state = {REVERSED} AND (c.order_no IS NULL OR c.redemption_id IS NOT NULL)
    """,
)
# Numbers of the right form are compared by constraints; rows of an earlier rule may hold others,
# and only where there are such can two look alike.
NUMBERS_ALIKE = Check(
    7,
    "numbers_alike",
    _("no order or refund was paid twice under numbers that only look the same"),
    ("number_of", "owner", "number", "ids"),
    f"""
    SELECT 'order', store_id, {look_of("order_no")}, array_agg(id ORDER BY id)::text
      FROM vouchers_redemption
     WHERE state IN {LIVE}
       AND store_id IN (SELECT store_id FROM vouchers_redemption WHERE order_no {IS_ODD})
     GROUP BY store_id, {look_of("order_no")} HAVING count(*) > 1
     UNION ALL
    SELECT 'refund', merchant_id, {look_of("refund_no")}, array_agg(id ORDER BY id)::text
      FROM vouchers_refund
     WHERE hold_id IS NULL AND merchant_id IN (
           SELECT merchant_id FROM vouchers_refund WHERE hold_id IS NULL AND refund_no {IS_ODD})
     GROUP BY merchant_id, {look_of("refund_no")} HAVING count(*) > 1
    """,
)

REDEMPTION_CHECKS = (
    REDEEMS_ONCE,
    REDEMPTION_LEGAL,
    SHOWN_BY_HOLDER,
    STORE_TOOK_PART,
    REQUEST_RECORDED,
    ORDER_CLAIMED,
    TOMBSTONES,
    NUMBERS_ALIKE,
)
