"""The pack's books: runs, vouchers, redemptions and what followed, refusals, and settlements."""

from vouchers.models.issuing.runs import SERIAL_BITS
from vouchers.queries.proofs.pack.sheet import Sheet
from vouchers.rules.limits.limits import BY_LINK
from vouchers.states import LimitKind

_OF_TRANCHES = f"""
    v.id >= t.id << {SERIAL_BITS} AND v.id < (t.id + 1) << {SERIAL_BITS}
"""
_RESIDENT_KINDS = ", ".join(
    str(kind.value) for kind in LimitKind if kind.name.startswith("RESIDENT_")
)
_LINK_KINDS = ", ".join(str(int(kind)) for kind in sorted(BY_LINK))

DISTRIBUTION_SHEETS: tuple[Sheet, ...] = (
    Sheet(
        "runs",
        """
        SELECT id, round_id AS round, channel, terms_id AS terms, seed, state, requested_by,
               created_at, finished_at, audience, selection
          FROM vouchers_run WHERE campaign_id = %(campaign_id)s ORDER BY id
        """,
    ),
    Sheet(
        "audience",
        f"""
        WITH served AS (
            SELECT z.run_id, v.resident_id, count(*) AS vouchers
              FROM vouchers_tranche t
              JOIN vouchers_shard z ON z.id = t.shard_id
              JOIN vouchers_voucher v ON {_OF_TRANCHES}
             WHERE t.campaign_id = %(campaign_id)s
             GROUP BY 1, 2)
        SELECT m.run_id AS run, m.resident_id AS resident, m.point_kind,
               m.store_location_id AS store_location, m.distance_m, m.ring,
               encode(m.commitment, 'hex') AS commitment, COALESCE(s.vouchers, 0) AS vouchers
          FROM vouchers_audiencemember m
          JOIN vouchers_run r ON r.id = m.run_id
          LEFT JOIN served s ON s.run_id = m.run_id AND s.resident_id = m.resident_id
         WHERE r.campaign_id = %(campaign_id)s
         ORDER BY m.run_id, m.resident_id
        """,
        {"resident": "resident"},
    ),
    Sheet(
        "tranches",
        """
        SELECT id, tier_id AS tier, round_id AS round, shard_id AS shard, terms_id AS terms,
               voucher_count, kind, face_fen, threshold_fen, threshold_basis, percent_bp, split,
               valid_from_at, valid_until_at, state, minted_at, expired_at
          FROM vouchers_tranche WHERE campaign_id = %(campaign_id)s ORDER BY id
        """,
    ),
    Sheet(
        "vouchers",
        f"""
        SELECT v.id, v.allocation_id AS allocation, v.resident_id AS resident, v.state
          FROM vouchers_tranche t JOIN vouchers_voucher v ON {_OF_TRANCHES}
         WHERE t.campaign_id = %(campaign_id)s ORDER BY v.id
        """,
        {"resident": "resident"},
    ),
    Sheet(
        "claims",
        f"""
        SELECT c.id, c.round_id AS round, c.tier_id AS tier, c.resident_id AS resident, c.channel,
               c.number, c.voucher_id AS voucher, c.caller_id AS caller, c.place_kind AS place,
               c.store_location_id AS store_location, c.distance_m, c.ring,
               encode(c.commitment, 'hex') AS commitment, c.claimed_at, c.xid::text::bigint AS xid
          FROM vouchers_claim c JOIN vouchers_tranche t ON t.id = c.voucher_id >> {SERIAL_BITS}
         WHERE t.campaign_id = %(campaign_id)s ORDER BY c.voucher_id
        """,
        {"resident": "resident"},
    ),
)

REDEMPTION_SHEETS: tuple[Sheet, ...] = (
    Sheet(
        "redemptions",
        """
        SELECT id, store_id AS store, merchant_id AS merchant, voucher_id AS voucher,
               allocation_id AS allocation, resident_id AS resident, shown_by_id AS shown_by,
               caller_id AS caller, terminal, device, order_no, order_amount_fen,
               eligible_amount_fen, order_kind, category, channel, payment_ref, receipt_no,
               discount_fen, split, state, business_day, redeemed_at, authorised_fen, expires_at,
               captured_at, undone_at, occurred_at, xid::text::bigint AS xid
          FROM vouchers_redemption WHERE campaign_id = %(campaign_id)s ORDER BY id
        """,
        {
            "resident": "resident",
            "shown_by": "resident",
            "device": "device",
            "payment_ref": "payment",
        },
    ),
    Sheet(
        "refunds",
        """
        SELECT f.id, f.redemption_id AS redemption, f.merchant_id AS merchant, f.store_id AS store,
               f.refund_no, f.amount_fen, f.clawback_fen, f.policy, f.gives_voucher_back,
               f.caller_id AS caller, f.hold_id AS hold, f.business_day, f.refunded_at,
               f.xid::text::bigint AS xid
          FROM vouchers_refund f JOIN vouchers_redemption r ON r.id = f.redemption_id
         WHERE r.campaign_id = %(campaign_id)s ORDER BY f.redemption_id, f.id
        """,
    ),
    Sheet(
        "refund_parts",
        """
        SELECT p.id, f.redemption_id AS redemption, p.refund_id AS refund, p.source_id AS source,
               p.amount_fen, p.origin, p.target
          FROM vouchers_refundpart p
          JOIN vouchers_refund f ON f.id = p.refund_id
          JOIN vouchers_redemption r ON r.id = f.redemption_id
         WHERE r.campaign_id = %(campaign_id)s ORDER BY f.redemption_id, p.refund_id, p.source_id
        """,
    ),
    Sheet(
        "holds",
        """
        SELECT h.id, h.redemption_id AS redemption, h.reason, h.opened_by, h.opened_at,
               h.case_id AS "case", h.rule_version_id AS rule_version,
               h.released_by, h.released_at
          FROM vouchers_hold h JOIN vouchers_redemption r ON r.id = h.redemption_id
         WHERE r.campaign_id = %(campaign_id)s ORDER BY h.redemption_id, h.id
        """,
    ),
    Sheet(
        "signals",
        """
        SELECT s.id, s.kind, s.subject,
               CASE WHEN s.subject = 'resident' THEN s.subject_id END AS resident,
               CASE WHEN s.subject IN ('store', 'merchant') THEN s.subject_id END AS place,
               CASE WHEN s.subject NOT IN ('resident', 'store', 'merchant') THEN s.subject_id END
                   AS link,
               v.proposal_id AS proposal, s.setting, s.verdict, s.store_id AS store,
               s.redemption_id AS redemption, s.voucher_id AS voucher, s.order_no, s.facts,
               s.raised_at
          FROM vouchers_signal s JOIN vouchers_riskversion v ON v.id = s.version_id
         WHERE s.campaign_id = %(campaign_id)s ORDER BY s.id
        """,
        {"resident": "resident", "link": "link", "facts": "facts"},
    ),
    # A refusal is of the campaign whose voucher was shown or whose redemption was asked for.
    Sheet(
        "attempts",
        f"""
        SELECT a.id, a.at, a.caller_id AS caller, a.key, a.store_id AS store,
               a.voucher_id AS voucher, a.resident_id AS resident, a.code, a.rule, a.facts
          FROM vouchers_attempt a
          LEFT JOIN vouchers_tranche t ON t.id = a.voucher_id >> {SERIAL_BITS}
          LEFT JOIN vouchers_redemption r ON r.id = (a.facts->>'redemption')::bigint
         WHERE COALESCE(a.campaign_id, t.campaign_id, r.campaign_id) = %(campaign_id)s
         ORDER BY a.id
        """,
        {"resident": "resident", "key": "key", "facts": "facts"},
    ),
    Sheet(
        "counters",
        f"""
        SELECT kind, CASE WHEN kind IN ({_RESIDENT_KINDS}) THEN subject_id END AS resident,
               CASE WHEN kind IN ({_LINK_KINDS}) THEN subject_id END AS link,
               CASE WHEN kind NOT IN ({_RESIDENT_KINDS}, {_LINK_KINDS}) THEN subject_id END
                   AS place,
               window_no, used_count, used_fen, limit_count, limit_fen
          FROM vouchers_limitcounter WHERE campaign_id = %(campaign_id)s
         ORDER BY kind, subject_id, window_no
        """,
        {"resident": "resident", "link": "link"},
    ),
)

PEOPLE_SHEETS: tuple[Sheet, ...] = (
    Sheet(
        "exclusions",
        """
        SELECT id, resident_id AS resident, campaign_id IS NULL AS of_every_campaign, reason,
               created_by, created_at, lifted_at
          FROM vouchers_exclusion
         WHERE campaign_id = %(campaign_id)s OR campaign_id IS NULL ORDER BY id
        """,
        {"resident": "resident"},
    ),
    Sheet(
        "merges",
        """
        SELECT id, kept_id AS kept, member_id AS member, reason, merged_by, merged_at, undone_by,
               undone_at
          FROM vouchers_residentmerge ORDER BY id
        """,
        {"kept": "resident", "member": "resident"},
    ),
    Sheet(
        "proxies",
        """
        SELECT id, holder_id AS holder, proxy_id AS proxy, declared_at, ended_at
          FROM vouchers_proxy
         WHERE holder_id IN (SELECT resident_id FROM vouchers_redemption
                              WHERE campaign_id = %(campaign_id)s AND resident_id <> shown_by_id)
         ORDER BY id
        """,
        {"holder": "resident", "proxy": "resident"},
    ),
)

SETTLEMENT_SHEETS: tuple[Sheet, ...] = (
    Sheet(
        "settlements",
        """
        SELECT id, merchant_id AS merchant, source_id AS source, business_day, line_count,
               total_fen, convert_from(content, 'UTF8') AS content,
               encode(sha256, 'hex') AS sha256, state, closed_at, paid_at
          FROM vouchers_settlement WHERE campaign_id = %(campaign_id)s ORDER BY id
        """,
    ),
    Sheet(
        "settlement_lines",
        """
        SELECT l.id, l.settlement_id AS settlement, l.redemption_id AS redemption,
               l.source_id AS source, l.kind, l.refund_id AS refund, l.amount_fen
          FROM vouchers_settlementline l JOIN vouchers_settlement z ON z.id = l.settlement_id
         WHERE z.campaign_id = %(campaign_id)s ORDER BY l.redemption_id, l.id
        """,
    ),
    Sheet(
        "collections",
        """
        SELECT id, merchant_id AS merchant, source_id AS source, amount_fen, document_no,
               request_id, recorded_by, received_at
          FROM vouchers_collection WHERE campaign_id = %(campaign_id)s ORDER BY id
        """,
    ),
    Sheet(
        "collection_lines",
        """
        SELECT l.id, l.collection_id AS collection, f.redemption_id AS redemption,
               l.refund_id AS refund, l.source_id AS source, l.amount_fen
          FROM vouchers_collectionline l
          JOIN vouchers_collection c ON c.id = l.collection_id
          JOIN vouchers_refund f ON f.id = l.refund_id
         WHERE c.campaign_id = %(campaign_id)s ORDER BY f.redemption_id, l.id
        """,
    ),
)
