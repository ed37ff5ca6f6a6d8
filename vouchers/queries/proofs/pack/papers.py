"""The pack's papers: what was promised, who decided it, who could, and which places took part."""

from vouchers.queries.proofs.pack.sheet import Sheet

TERMS_SHEETS: tuple[Sheet, ...] = (
    Sheet(
        "campaign",
        """
        SELECT id, code, name, organiser, operator, zone, starts_at, ends_at, validity_s, radius_m,
               point_kinds, audience_filter, selection_method, need_weights, senior_share_bp,
               small_shop_share_bp, hold_out_bp, excluded_categories, order_kinds,
               order_numbers, presence_required, currency, refund_policy, authorise_ttl_s,
               anchor_recipients, is_test, state, terms_id AS terms, created_by_id AS created_by,
               created_at, closing_document_no
          FROM vouchers_campaign WHERE id = %(campaign_id)s
        """,
    ),
    Sheet(
        "terms",
        """
        SELECT id, number, document, encode(sha256, 'hex') AS sha256, edited_by,
               signatures_needed, amends_id AS amends, created_at
          FROM vouchers_termsversion WHERE campaign_id = %(campaign_id)s ORDER BY number
        """,
    ),
    Sheet(
        "approvals",
        """
        SELECT a.id, a.terms_id AS terms, a.approver_id AS approver, a.decision,
               encode(a.seen_sha256, 'hex') AS seen_sha256, a.comment, a.decided_at
          FROM vouchers_approval a JOIN vouchers_termsversion v ON v.id = a.terms_id
         WHERE v.campaign_id = %(campaign_id)s ORDER BY a.id
        """,
    ),
    Sheet(
        "edits",
        """
        SELECT id, user_id AS "user", what, at
          FROM vouchers_campaignedit WHERE campaign_id = %(campaign_id)s ORDER BY id
        """,
    ),
    Sheet(
        "proposals",
        """
        SELECT id, kind, document, encode(sha256, 'hex') AS sha256, signatures_needed, why,
               request_id, proposed_by_id AS proposed_by, proposed_at
          FROM vouchers_proposal WHERE campaign_id = %(campaign_id)s ORDER BY id
        """,
    ),
    Sheet(
        "signatures",
        """
        SELECT s.id, s.proposal_id AS proposal, s.signed_by_id AS signed_by,
               encode(s.seen_sha256, 'hex') AS seen_sha256, s.comment, s.signed_at
          FROM vouchers_proposalsignature s JOIN vouchers_proposal p ON p.id = s.proposal_id
         WHERE p.campaign_id = %(campaign_id)s ORDER BY s.id
        """,
    ),
    Sheet(
        "decisions",
        """
        SELECT d.id, d.proposal_id AS proposal, d.decided_by_id AS decided_by, d.decision,
               encode(d.seen_sha256, 'hex') AS seen_sha256, d.comment, d.decided_at,
               d.xid::text::bigint AS xid
          FROM vouchers_proposaldecision d JOIN vouchers_proposal p ON p.id = d.proposal_id
         WHERE p.campaign_id = %(campaign_id)s ORDER BY d.id
        """,
    ),
)

STAFF_SHEETS: tuple[Sheet, ...] = (
    Sheet(
        "users",
        """
        SELECT id, username, is_active, is_staff, is_superuser FROM auth_user ORDER BY id
        """,
    ),
    Sheet(
        "grants",
        """
        SELECT r.id, r.user_id AS "user", g.name AS role, r.district_id AS district,
               r.street_id AS street, r.from_at, r.until_at, r.why,
               r.given_by_id AS given_by, r.given_at,
               r.withdrawn_by_id AS withdrawn_by, r.withdrawn_at, r.withdrawn_why
          FROM vouchers_grant r JOIN auth_group g ON g.id = r.role_id ORDER BY r.id
        """,
    ),
    Sheet(
        "role_changes",
        """
        SELECT id, user_id AS "user", username, role, is_granted, at, database_role
          FROM vouchers_rolechange ORDER BY id
        """,
    ),
    Sheet(
        "staff_log",
        """
        SELECT l.id, l.action_time AS at, l.user_id AS "user", c.model, l.object_id AS object,
               l.action_flag AS action, l.change_message AS change
          FROM django_admin_log l JOIN django_content_type c ON c.id = l.content_type_id
         WHERE c.app_label = 'auth' ORDER BY l.id
        """,
    ),
)

MONEY_SHEETS: tuple[Sheet, ...] = (
    Sheet(
        "sources",
        """
        SELECT id, code, name, appropriated_fen
          FROM vouchers_fundingsource WHERE campaign_id = %(campaign_id)s ORDER BY id
        """,
    ),
    Sheet(
        "cash_receipts",
        """
        SELECT r.id, r.source_id AS source, r.amount_fen, r.document_no, r.request_id,
               r.received_at, r.recorded_by
          FROM vouchers_cashreceipt r JOIN vouchers_fundingsource s ON s.id = r.source_id
         WHERE s.campaign_id = %(campaign_id)s ORDER BY r.id
        """,
    ),
    Sheet(
        "accounts",
        """
        SELECT id, source_id AS source, kind
          FROM vouchers_account WHERE campaign_id = %(campaign_id)s ORDER BY id
        """,
    ),
    Sheet(
        "tiers",
        """
        SELECT t.id, t.code, t.name, t.kind, t.face_fen, t.threshold_fen, t.threshold_basis,
               t.percent_bp, t.per_resident,
               COALESCE(jsonb_agg(jsonb_build_array(s.source_id, s.amount_fen) ORDER BY s.source_id)
                        FILTER (WHERE s.id IS NOT NULL), '[]') AS split
          FROM vouchers_tier t LEFT JOIN vouchers_tiersplit s ON s.tier_id = t.id
         WHERE t.campaign_id = %(campaign_id)s GROUP BY t.id ORDER BY t.id
        """,
    ),
    Sheet(
        "rounds",
        """
        SELECT id, number, opens_at, closes_at, way
          FROM vouchers_round WHERE campaign_id = %(campaign_id)s ORDER BY id
        """,
    ),
    Sheet(
        "limit_rules",
        """
        SELECT kind, limit_count, limit_fen
          FROM vouchers_limitrule WHERE campaign_id = %(campaign_id)s ORDER BY kind
        """,
    ),
    Sheet(
        "cells",
        """
        SELECT c.id, c.tier_id AS tier, c.round_id AS round, c.district_id AS district,
               c.store_id AS store, c.channel, c.day, c.source_id AS source, c.cap_fen, c.cap_count,
               COALESCE(jsonb_agg(jsonb_build_array(b.number, b.headroom_fen, b.headroom_count)
                                  ORDER BY b.number) FILTER (WHERE b.id IS NOT NULL), '[]')
                   AS buckets
          FROM vouchers_quotacell c LEFT JOIN vouchers_quotabucket b ON b.cell_id = c.id
         WHERE c.campaign_id = %(campaign_id)s GROUP BY c.id ORDER BY c.id
        """,
    ),
    Sheet(
        "allocations",
        """
        SELECT id, tier_id AS tier, round_id AS round, district_id AS district, store_id AS store,
               channel, day
          FROM vouchers_allocation WHERE campaign_id = %(campaign_id)s ORDER BY id
        """,
    ),
    Sheet(
        "seals",
        """
        SELECT cell, number, from_xid, until_xid, transfer_count,
               encode(previous_sha256, 'hex') AS previous_sha256, encode(sha256, 'hex') AS sha256,
               sealed_at
          FROM vouchers_seal WHERE campaign_id = %(campaign_id)s ORDER BY number
        """,
    ),
)

# Of stores everything that ever took part, with every version of where they were.
PLACE_SHEETS: tuple[Sheet, ...] = (
    Sheet(
        "merchants",
        """
        SELECT m.id, m.code, m.name, m.state
          FROM merchants_merchant m
         WHERE m.id IN (SELECT s.merchant_id FROM merchants_store s
                          JOIN vouchers_campaignstore p ON p.store_id = s.id
                         WHERE p.campaign_id = %(campaign_id)s)
         ORDER BY m.id
        """,
    ),
    Sheet(
        "stores",
        """
        SELECT s.id, s.external_id AS store_no, s.merchant_id AS merchant, s.name, s.category,
               s.district_id AS district, s.state
          FROM merchants_store s
         WHERE s.id IN (SELECT store_id FROM vouchers_campaignstore
                         WHERE campaign_id = %(campaign_id)s)
         ORDER BY s.id
        """,
    ),
    Sheet(
        "store_locations",
        """
        SELECT l.id, l.store_id AS store, l.version, l.valid_from_at, l.longitude_deg,
               l.latitude_deg, l.datum, l.outside_district
          FROM merchants_storelocation l
         WHERE l.store_id IN (SELECT store_id FROM vouchers_campaignstore
                               WHERE campaign_id = %(campaign_id)s)
         ORDER BY l.store_id, l.version
        """,
    ),
    Sheet(
        "participations",
        """
        SELECT id, store_id AS store, category, radius_m, valid_from_at, valid_until_at
          FROM vouchers_campaignstore WHERE campaign_id = %(campaign_id)s ORDER BY id
        """,
    ),
)
