"""Audit check of the seals: the chain of every campaign worked out again, in SQL."""

from django.utils.translation import gettext_noop as _

from vouchers.queries.audit_check import Check

# The lines are written out here a second time, not by `rules/seals`.
SEALS_RECOMPUTE = Check(
    3,
    "seals_recompute",
    _("every seal follows the one before it and is the SHA-256 of its stretch of the journal"),
    ("campaign", "seal", "why"),
    r"""
    WITH lines AS (
        SELECT s.id AS seal, t.xid, t.id,
               '{"at":"' || to_char(t.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
               || '","cause":"' || t.cause || '","cause_id":' || t.cause_id || ',"id":' || t.id
               || ',"legs":['
               || string_agg('[' || l.line_no || ',' || l.account_id || ','
                             || COALESCE(l.allocation_id::text, 'null') || ',' || l.amount_fen
                             || ']', ',' ORDER BY l.line_no)
               || '],"reason":"' || t.reason || '","xid":' || t.xid || E'}\n' AS line
          FROM vouchers_seal s
          JOIN vouchers_transfer t
            ON t.campaign_id = s.campaign_id
           AND t.xid::text::bigint >= s.from_xid AND t.xid::text::bigint < s.until_xid
          JOIN vouchers_leg l ON l.transfer_id = t.id AND l.at = t.at
         GROUP BY s.id, t.at, t.cause, t.cause_id, t.id, t.reason, t.xid),
    stretches AS (
        SELECT seal, count(*) AS n, string_agg(line, '' ORDER BY xid, id) AS whole
          FROM lines GROUP BY seal),
    judged AS (
        SELECT c.code, s.number, CASE
                 WHEN s.previous_sha256
                      <> COALESCE(lag(s.sha256) OVER chain, decode(repeat('00', 32), 'hex'))
                   OR s.from_xid <> COALESCE(lag(s.until_xid) OVER chain, 0)
                   OR s.number <> COALESCE(lag(s.number) OVER chain, 0) + 1
                   THEN 'does not follow the seal before it'
                 WHEN COALESCE(w.n, 0) <> s.transfer_count THEN 'another number of transfers'
                 WHEN s.sha256 <> sha256(
                      s.previous_sha256 || convert_to(
                          COALESCE(w.whole, '') || '{"campaign":"' || c.code || '","from_xid":'
                          || s.from_xid || ',"number":' || s.number || ',"transfer_count":'
                          || s.transfer_count || ',"until_xid":' || s.until_xid || E'}\n', 'UTF8'))
                   THEN 'the journal is not what was sealed'
               END AS why
          FROM vouchers_seal s
          JOIN vouchers_campaign c ON c.id = s.campaign_id
          LEFT JOIN stretches w ON w.seal = s.id
        WINDOW chain AS (PARTITION BY s.campaign_id ORDER BY s.number))
    SELECT * FROM judged WHERE why IS NOT NULL
    """,
)
