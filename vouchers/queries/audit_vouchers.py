"""Audit checks of what was minted, from which terms and for whom (invariants 6 and 12)."""

from django.utils.translation import gettext_noop as _

from vouchers.models.distribution import SERIAL_BITS
from vouchers.queries.audit_check import Check

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
    _("the terms of every tranche were approved, as they are, by somebody who edited none of them"),
    ("terms", "campaign"),
    """
    SELECT w.id, w.campaign_id
      FROM vouchers_termsversion w
     WHERE w.id IN (SELECT terms_id FROM vouchers_tranche)
       AND NOT EXISTS (
           SELECT FROM vouchers_approval a
            WHERE a.terms_id = w.id AND a.decision = 'approved' AND a.seen_sha256 = w.sha256
              AND NOT w.edited_by @> to_jsonb(a.approver_id))
    """,
)
SERIALS_DISTINCT = Check(
    6,
    "serials_distinct",
    _("no two vouchers share a number"),
    ("voucher", "rows"),
    "SELECT id, count(*) FROM vouchers_voucher GROUP BY id HAVING count(*) > 1",
)
VOUCHERS_OF_PEOPLE = Check(
    6,
    "voucher_has_holder",
    _("every voucher belongs to a resident, in that resident's bucket"),
    ("voucher", "resident"),
    """
    SELECT v.id, v.resident_id
      FROM vouchers_voucher v
      LEFT JOIN vouchers_resident r ON r.id = v.resident_id AND r.bucket = v.bucket
     WHERE r.id IS NULL
    """,
)
VOUCHERS_TARGETED = Check(
    12,
    "voucher_was_targeted",
    _("whoever got a voucher of a run is in that run's audience"),
    ("voucher", "run", "resident"),
    f"""
    SELECT v.id, s.run_id, v.resident_id
      FROM vouchers_voucher v
      JOIN vouchers_tranche t ON t.id = v.id >> {SERIAL_BITS}
      JOIN vouchers_shard s ON s.id = t.shard_id
      LEFT JOIN vouchers_audiencemember m
             ON m.run_id = s.run_id AND m.bucket = v.bucket AND m.resident_id = v.resident_id
     WHERE m.run_id IS NULL
    """,
)

VOUCHER_CHECKS = (
    TRANCHE_TERMS,
    TERMS_APPROVED,
    SERIALS_DISTINCT,
    VOUCHERS_OF_PEOPLE,
    VOUCHERS_TARGETED,
)
