"""Audit check of the seals: the chain of every campaign worked out again, in SQL."""

from django.utils.translation import gettext_noop as _

from vouchers.queries.proofs.audit.check import Check

# The lines are written out here a second time, not by `rules/proofs/seals`. Seals follow one
# another, so the one a transaction belongs to is found among their beginnings. A stretch is hashed
# where it has been put together: megabytes that a join or a window would copy again and again.
SEALS_RECOMPUTE = Check(
    3,
    "seals_recompute",
    _("every seal follows the one before it and is the SHA-256 of its stretch of the journal"),
    ("campaign", "seal", "why"),
    r"""
    WITH endings AS NOT MATERIALIZED (
        SELECT s.id AS seal, s.previous_sha256,
               '{"campaign":"' || c.code || '","cell":"' || s.cell || '","from_xid":'
               || s.from_xid || ',"number":' || s.number || ',"transfer_count":'
               || s.transfer_count || ',"until_xid":' || s.until_xid || E'}\n' AS line
          FROM vouchers_seal s
          JOIN vouchers_campaign c ON c.id = s.campaign_id),
    bounds AS (
        SELECT campaign_id, array_agg(from_xid ORDER BY number) AS from_xids,
               array_agg(id ORDER BY number) AS seals, max(until_xid) AS until_xid
          FROM vouchers_seal GROUP BY campaign_id),
    sealed AS (
        SELECT b.seals[width_bucket(t.xid::text::bigint, b.from_xids)] AS seal, t.*
          FROM vouchers_transfer t
          JOIN bounds b ON b.campaign_id = t.campaign_id AND t.xid::text::bigint < b.until_xid),
    legs AS (
        SELECT l.transfer_id, l.at,
               string_agg('[' || l.line_no || ',' || l.account_id || ','
                          || COALESCE(l.allocation_id::text, 'null') || ',' || l.amount_fen
                          || ']', ',' ORDER BY l.line_no) AS listed
          FROM vouchers_leg l GROUP BY l.transfer_id, l.at),
    lines AS (
        SELECT t.seal, t.xid, t.id,
               '{"at":"' || to_char(t.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
               || '","cause":"' || t.cause || '","cause_id":' || t.cause_id || ',"id":' || t.id
               || ',"legs":[' || legs.listed
               || '],"reason":"' || t.reason || '","xid":' || t.xid || E'}\n' AS line
          FROM sealed t
          JOIN legs ON legs.transfer_id = t.id AND legs.at = t.at),
    stretches AS (
        SELECT seal, count(*) AS n, string_agg(line, '' ORDER BY xid, id) AS whole
          FROM lines GROUP BY seal),
    hashed AS (
        SELECT w.seal, w.n, (
            SELECT sha256(e.previous_sha256 || convert_to(w.whole || e.line, 'UTF8'))
              FROM endings e WHERE e.seal = w.seal) AS sha256
          FROM stretches w),
    judged AS (
        SELECT c.code, s.number, CASE
                 WHEN s.previous_sha256
                      <> COALESCE(lag(s.sha256) OVER chain, decode(repeat('00', 32), 'hex'))
                   OR s.from_xid <> COALESCE(lag(s.until_xid) OVER chain, 0)
                   OR s.number <> COALESCE(lag(s.number) OVER chain, 0) + 1
                   THEN 'does not follow the seal before it'
                 WHEN COALESCE(h.n, 0) <> s.transfer_count THEN 'another number of transfers'
                 WHEN s.sha256 <> COALESCE(
                      h.sha256, sha256(s.previous_sha256 || convert_to(e.line, 'UTF8')))
                   THEN 'the journal is not what was sealed'
               END AS why
          FROM vouchers_seal s
          JOIN vouchers_campaign c ON c.id = s.campaign_id
          JOIN endings e ON e.seal = s.id
          LEFT JOIN hashed h ON h.seal = s.id
        WINDOW chain AS (PARTITION BY s.campaign_id ORDER BY s.number))
    SELECT * FROM judged WHERE why IS NOT NULL
    """,
)
