"""Audit checks of terms: approved, kept by campaign and tranches, never worsened (invariant 6)."""

from django.utils.translation import gettext_noop as _

from vouchers.models.campaigns.campaigns import LIMIT_NAMES
from vouchers.queries.proofs.audit.check import Check

_IN_FORCE = """
    (SELECT c.*, w.document FROM vouchers_campaign c
       LEFT JOIN vouchers_termsversion w ON w.id = c.terms_id AND w.campaign_id = c.id
      WHERE c.state NOT IN ('draft', 'submitted'))
"""

TRANCHE_TERMS = Check(
    6,
    "tranche_keeps_terms",
    _("a tranche's face, threshold and shares are those of the approved terms"),
    ("tranche", "tier", "why"),
    """
    WITH promised AS (
        SELECT w.id AS terms_id, w.campaign_id, tier.value AS tier
          FROM vouchers_termsversion w
         CROSS JOIN jsonb_array_elements(w.document->'tiers') AS tier),
    shares AS (
        SELECT t.id, jsonb_object_agg(s.code, share.value->1) AS by_code,
               sum((share.value->>1)::bigint) AS fen
          FROM vouchers_tranche t
         CROSS JOIN jsonb_array_elements(t.split) AS share
          LEFT JOIN vouchers_fundingsource s
                 ON s.id = (share.value->>0)::bigint AND s.campaign_id = t.campaign_id
         GROUP BY t.id),
    judged AS (
        SELECT t.id, k.code, CASE
                 WHEN p.terms_id IS NULL THEN 'no such tier in the terms'
                 WHEN p.campaign_id <> t.campaign_id THEN 'terms of another campaign'
                 WHEN (t.kind, t.threshold_basis) IS DISTINCT FROM
                      (p.tier->>'kind', p.tier->>'threshold_basis') THEN 'kind or basis'
                 WHEN t.face_fen <> (p.tier->>'face_fen')::bigint THEN 'face'
                 WHEN t.threshold_fen <> (p.tier->>'threshold_fen')::bigint THEN 'threshold'
                 WHEN t.percent_bp IS DISTINCT FROM (p.tier->>'percent_bp')::int THEN 'percentage'
                 WHEN s.fen IS DISTINCT FROM t.face_fen THEN 'shares miss the face'
                 WHEN s.by_code IS DISTINCT FROM p.tier->'shares_fen' THEN 'shares'
               END AS why
          FROM vouchers_tranche t
          JOIN vouchers_tier k ON k.id = t.tier_id
          LEFT JOIN shares s ON s.id = t.id
          LEFT JOIN promised p ON p.terms_id = t.terms_id AND p.tier->>'code' = k.code)
    SELECT * FROM judged WHERE why IS NOT NULL
    """,
)
TERMS_APPROVED = Check(
    6,
    "terms_approved",
    _(
        "the terms in force and those of every tranche were approved, as they are, by as many"
        " people as were needed, who edited none of them"
    ),
    ("terms", "campaign"),
    """
    SELECT w.id, w.campaign_id
      FROM vouchers_termsversion w
     WHERE w.id IN (SELECT terms_id FROM vouchers_tranche
                     UNION ALL
                    SELECT terms_id FROM vouchers_campaign
                     WHERE state NOT IN ('draft', 'submitted'))
       AND w.signatures_needed > (
           SELECT count(DISTINCT a.approver_id) FROM vouchers_approval a
            WHERE a.terms_id = w.id AND a.decision = 'approved' AND a.seen_sha256 = w.sha256
              AND NOT w.edited_by @> to_jsonb(a.approver_id))
    """,
)
# Names may be corrected after the approval; nothing that is promised may.
CAMPAIGN_TERMS = Check(
    6,
    "campaign_keeps_terms",
    _("a campaign's dates, places, policies, limits and stores are those of its terms in force"),
    ("campaign", "what", "approved", "found"),
    f"""
    WITH launched AS {_IN_FORCE}
    SELECT c.id, said.key, said.value::text, (to_jsonb(c) -> said.key)::text
      FROM launched c
      LEFT JOIN LATERAL jsonb_each(c.document -> 'campaign') AS said ON true
     WHERE said.key IS NULL
        OR said.key NOT IN ('name', 'organiser', 'operator', 'starts_at', 'ends_at')
           AND to_jsonb(c) -> said.key IS DISTINCT FROM said.value
     UNION ALL
    SELECT c.id, said.key, said.at::text, found.at::text
      FROM launched c
     CROSS JOIN LATERAL (
           VALUES ('starts_at', c.starts_at), ('ends_at', c.ends_at)) AS found(key, at)
     CROSS JOIN LATERAL (
           SELECT found.key, (c.document -> 'campaign' ->> found.key)::timestamptz AS at) AS said
     WHERE said.at <> found.at
     UNION ALL
    SELECT COALESCE(said.campaign_id, found.campaign_id),
           'limit ' || COALESCE(said.kind, found.kind),
           said.limits::text, found.limits::text
      FROM (SELECT c.id AS campaign_id, rule.value ->> 'kind' AS kind,
                   rule.value - 'kind' AS limits
              FROM launched c
              CROSS JOIN LATERAL jsonb_array_elements(c.document -> 'limits') AS rule
           ) AS said
      FULL JOIN (SELECT k.campaign_id, CASE k.kind {LIMIT_NAMES} END AS kind,
                        jsonb_build_object('limit_count', k.limit_count,
                                           'limit_fen', k.limit_fen) AS limits
                   FROM vouchers_limitrule k JOIN launched c ON c.id = k.campaign_id) AS found
        ON (found.campaign_id, found.kind) = (said.campaign_id, said.kind)
     WHERE said.limits IS DISTINCT FROM found.limits
     UNION ALL
    SELECT COALESCE(said.campaign_id, found.campaign_id), 'store',
           said.merchant || ' ' || said.store, found.merchant || ' ' || found.store
      FROM (SELECT DISTINCT c.id AS campaign_id, store.value ->> 'merchant' AS merchant,
                   store.value ->> 'store' AS store
              FROM launched c
             CROSS JOIN LATERAL jsonb_array_elements(c.document -> 'stores') AS store) AS said
      FULL JOIN (SELECT DISTINCT p.campaign_id, m.code AS merchant, s.external_id AS store
                   FROM vouchers_campaignstore p
                   JOIN merchants_store s ON s.id = p.store_id
                   JOIN merchants_merchant m ON m.id = s.merchant_id
                   JOIN launched c ON c.id = p.campaign_id) AS found
        ON (found.campaign_id, found.merchant, found.store)
         = (said.campaign_id, said.merchant, said.store)
     WHERE said.store IS NULL OR found.store IS NULL
    """,
)
# An amendment may have lengthened the validity of issued vouchers, never shortened it. That of
# claimed ones is counted from the close of their round.
TRANCHE_VALIDITY = Check(
    6,
    "tranche_validity",
    _("vouchers are good for as long as the terms of their issue said, at most as those in force"),
    ("tranche", "valid_from", "valid_until", "why"),
    f"""
    WITH judged AS (
        SELECT t.id, t.valid_from_at, t.valid_until_at, CASE
                 WHEN t.valid_until_at > (c.document -> 'campaign' ->> 'ends_at')::timestamptz
                   THEN 'beyond the campaign''s end'
                 WHEN t.valid_until_at
                      > begins.at
                        + make_interval(secs => (c.document -> 'campaign' ->> 'validity_s')::int)
                   THEN 'longer than the terms allow'
                 WHEN t.valid_until_at < LEAST(
                      (w.document -> 'campaign' ->> 'ends_at')::timestamptz,
                      begins.at
                        + make_interval(secs => (w.document -> 'campaign' ->> 'validity_s')::int))
                   THEN 'shorter than promised'
                 WHEN (t.state = 'expired') <> (t.expired_at IS NOT NULL)
                      OR t.expired_at < t.valid_until_at THEN 'expired before its time'
               END AS why
          FROM vouchers_tranche t
          LEFT JOIN vouchers_round r ON r.id = t.round_id
         CROSS JOIN LATERAL (
               SELECT CASE WHEN t.shard_id IS NULL THEN r.closes_at ELSE t.valid_from_at END AS at
               ) AS begins
          LEFT JOIN {_IN_FORCE} AS c ON c.id = t.campaign_id
          LEFT JOIN vouchers_termsversion w ON w.id = t.terms_id)
    SELECT * FROM judged WHERE why IS NOT NULL
    """,
)

TERMS_CHECKS = (TRANCHE_TERMS, TERMS_APPROVED, CAMPAIGN_TERMS, TRANCHE_VALIDITY)
