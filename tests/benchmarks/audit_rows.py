"""A life lived on top of issued vouchers, by set-based SQL: redemptions and all that follows them.

Every eighth voucher is used within ten days. Most uses are captured at once; some are authorised
first or still wait, some are voided or reversed, held, refunded in part before their settlement or
whole after the payout. Eight days are settled and paid. The rows are what the services write; only
the writing is quicker, with the triggers switched off by the owner.
"""

from typing import Final

DAYS: Final = 10
PAID_DAYS: Final = 8
ORDER_FEN: Final = 60_000

# Multiplying by an odd number modulo 2³² mixes the numbers; the square prefers the first stores.
USES: Final = f"""
CREATE TEMP TABLE act AS
WITH used AS (
    SELECT row_number() OVER (ORDER BY v.id & 1048575, v.id) AS n, v.id AS voucher_id,
           v.resident_id, v.allocation_id, t.campaign_id, t.split, t.face_fen, t.valid_from_at
      FROM vouchers_voucher v JOIN vouchers_tranche t ON t.id = v.id >> 20
     WHERE (v.id & 1048575) %% 8 = 3),
place AS (
    SELECT row_number() OVER (ORDER BY s.id) - 1 AS place, count(*) OVER () AS places,
           s.id AS store_id, s.merchant_id, k.id AS caller_id
      FROM merchants_store s
      JOIN merchants_terminal m ON m.store_id = s.id
      JOIN merchants_credential k ON k.terminal_id = m.id),
timed AS (
    SELECT used.*, n %% 1000 AS fate,
           used.valid_from_at + make_interval(
               secs => {DAYS} * 86400 * (n - 1)::float8 / count(*) OVER ()) AS at,
           floor(((n * 2654435761) %% 4294967296 / 4294967296.0) ^ 2
                 * (SELECT count(*) FROM place))::bigint AS place
      FROM used)
SELECT timed.n, timed.n + %(redemption)s AS id, voucher_id, resident_id, allocation_id, campaign_id,
       split, face_fen, at, (at AT TIME ZONE 'Asia/Shanghai')::date AS day,
       (at AT TIME ZONE 'Asia/Shanghai')::date < {PAID_DAYS}
         + (SELECT (min(at) AT TIME ZONE 'Asia/Shanghai')::date FROM timed) AS is_paid,
       store_id, merchant_id, caller_id, timed.n * 8 + %(transfer)s AS transfer_id,
       CASE WHEN fate < 5 THEN 'voided' WHEN fate < 7 THEN 'reversed' WHEN fate < 17 THEN 'part'
            WHEN fate < 22 THEN 'whole' WHEN fate < 27 THEN 'held' WHEN fate < 37 THEN 'captured'
            WHEN fate < 39 THEN 'waiting' ELSE 'redeemed' END AS fate,
       fate BETWEEN 27 AND 38 AS is_authorised
  FROM timed JOIN place USING (place);
UPDATE act SET fate = 'redeemed' WHERE fate = 'whole' AND NOT is_paid;
ANALYZE act;
"""
REDEMPTIONS: Final = f"""
INSERT INTO vouchers_redemption (
    id, store_id, merchant_id, campaign_id, voucher_id, allocation_id, resident_id, shown_by_id,
    caller_id, terminal, device, order_no, order_amount_fen, eligible_amount_fen, order_kind,
    category, channel, payment_ref, receipt_no, discount_fen, split, state, business_day,
    redeemed_at, authorised_fen, expires_at, captured_at, undone_at)
SELECT id, store_id, merchant_id, campaign_id, voucher_id, allocation_id, resident_id, resident_id,
       caller_id, 'T1', '', 'O' || n, {ORDER_FEN}, {ORDER_FEN}, 'in_store', 'department store', '',
       'P' || n, '', face_fen, split,
       CASE fate WHEN 'voided' THEN 3 WHEN 'reversed' THEN 4 WHEN 'whole' THEN 5
                 WHEN 'waiting' THEN 1 ELSE 2 END,
       day, at, CASE WHEN is_authorised THEN face_fen END,
       CASE WHEN is_authorised THEN at + interval '15 minutes' END,
       CASE WHEN fate = 'captured' THEN at + interval '1 minute' END,
       CASE WHEN fate IN ('voided', 'reversed') THEN at + interval '1 second' END
  FROM act ORDER BY n;
INSERT INTO vouchers_orderclaim (store_id, order_no, redemption_id, voucher_id, claimed_at)
SELECT store_id, 'O' || n, CASE fate WHEN 'reversed' THEN NULL ELSE id END, voucher_id, at
  FROM act WHERE fate <> 'voided' ORDER BY n;
INSERT INTO vouchers_requestrecord (caller_id, key, fingerprint, status, answer, created_at)
SELECT caller_id, 'till-' || n, sha256(n::text::bytea), 201,
       convert_to('{{"id":' || id || ',"state":"captured","discount_fen":' || face_fen
           || ',"by_source":' || split || ',"payable_fen":' || {ORDER_FEN} - face_fen
           || ',"voucher":"' || lpad(voucher_id::text, 20, '2') || '","store":"S' || store_id
           || '","order_no":"O' || n || '","order_amount_fen":{ORDER_FEN},"campaign":"spring-2026"'
           || ',"business_day":"' || day || '","redeemed_at":"' || at || '"}}', 'UTF8'), at
  FROM act ORDER BY n;
UPDATE vouchers_voucher v
   SET state = CASE a.fate WHEN 'waiting' THEN 2 WHEN 'whole' THEN 4 ELSE 3 END
  FROM act a WHERE v.id = a.voucher_id AND a.fate NOT IN ('voided', 'reversed');
"""
REFUNDS: Final = f"""
INSERT INTO vouchers_refund (
    redemption_id, voucher_id, merchant_id, store_id, refund_no, amount_fen, clawback_fen, policy,
    gives_voucher_back, caller_id, business_day, refunded_at)
SELECT id, voucher_id, merchant_id, store_id, 'F' || n,
       CASE fate WHEN 'part' THEN ({ORDER_FEN} - face_fen) / 2 ELSE {ORDER_FEN} - face_fen END,
       CASE fate WHEN 'part' THEN face_fen / 2 ELSE face_fen END, 'return', false, caller_id,
       (refunded_at AT TIME ZONE 'Asia/Shanghai')::date, refunded_at
  FROM (SELECT *, at + CASE fate WHEN 'part' THEN interval '1 second'
                                 ELSE interval '{DAYS} days' END AS refunded_at
          FROM act WHERE fate IN ('part', 'whole')) AS back ORDER BY n;
INSERT INTO vouchers_refundpart (refund_id, source_id, amount_fen, origin, target)
SELECT f.id, (share->>0)::bigint, (share->>1)::bigint / CASE fate WHEN 'part' THEN 2 ELSE 1 END,
       CASE fate WHEN 'part' THEN 'payable' ELSE 'settled' END,
       CASE fate WHEN 'part' THEN 'free' ELSE 'recoverable' END
  FROM act JOIN vouchers_refund f ON f.redemption_id = act.id
 CROSS JOIN jsonb_array_elements(act.split) AS share;
INSERT INTO vouchers_hold (
    redemption_id, voucher_id, reason, opened_by, opened_at, released_by)
SELECT id, voucher_id, 'odd', 'rosa', at, '' FROM act WHERE fate = 'held' ORDER BY n;
"""
# (fate, reason, cause, from, to, share of the discount), each a transfer of its own.
MOVES: Final = """
CREATE TEMP TABLE move (no, fates, reason, cause, origin, target, divisor) AS VALUES
    (0, ARRAY['redeemed', 'voided', 'reversed', 'part', 'whole', 'held'], 'redeem', 'redemption',
        'outstanding', 'payable', 1),
    (0, ARRAY['captured', 'waiting'], 'authorise', 'redemption', 'outstanding', 'authorised', 1),
    (1, ARRAY['captured'], 'capture', 'redemption', 'authorised', 'payable', 1),
    (2, ARRAY['voided'], 'void', 'redemption', 'payable', 'outstanding', 1),
    (2, ARRAY['reversed'], 'reverse', 'redemption', 'payable', 'outstanding', 1),
    (3, ARRAY['held'], 'hold', 'hold', 'payable', 'risk_held', 1),
    (4, ARRAY['part'], 'refund', 'refund', 'payable', 'free', 2),
    (5, ARRAY['whole'], 'recover', 'refund', 'settled', 'recoverable', 1);
CREATE TEMP TABLE posting AS
SELECT a.transfer_id + m.no AS id,
       CASE m.no WHEN 0 THEN a.at WHEN 5 THEN a.at + interval '10 days'
                 ELSE a.at + interval '1 second' END AS at,
       a.campaign_id, m.reason, m.cause,
       CASE m.cause WHEN 'hold' THEN h.id WHEN 'refund' THEN f.id ELSE a.id END AS cause_id,
       a.allocation_id, a.split, m.origin, m.target, m.divisor
  FROM act a
  JOIN move m ON a.fate = ANY (m.fates)
  LEFT JOIN vouchers_hold h ON h.redemption_id = a.id
  LEFT JOIN vouchers_refund f ON f.redemption_id = a.id;
INSERT INTO vouchers_transfer (id, at, campaign_id, reason, cause, cause_id)
SELECT id, at, campaign_id, reason, cause, cause_id FROM posting ORDER BY at, id;
INSERT INTO vouchers_leg (transfer_id, at, line_no, account_id, allocation_id, amount_fen)
SELECT p.id, p.at, 2 * share.no - side, acc.id, p.allocation_id,
       (1 - 2 * side) * (share.value->>1)::bigint / p.divisor
  FROM posting p
 CROSS JOIN jsonb_array_elements(p.split) WITH ORDINALITY AS share(value, no)
 CROSS JOIN generate_series(0, 1) AS side
  JOIN vouchers_account acc ON acc.source_id = (share.value->>0)::bigint
   AND acc.kind = CASE side WHEN 1 THEN p.origin ELSE p.target END
 ORDER BY p.at, p.id, 3;
"""
SETTLEMENTS: Final = """
CREATE TEMP TABLE line AS
SELECT a.campaign_id, a.merchant_id, (share->>0)::bigint AS source_id, a.day, a.id AS redemption_id,
       a.voucher_id, a.allocation_id, a.store_id, a.n, a.at, a.face_fen,
       (share->>1)::bigint / CASE a.fate WHEN 'part' THEN 2 ELSE 1 END AS fen
  FROM act a CROSS JOIN jsonb_array_elements(a.split) AS share
 WHERE a.is_paid AND a.fate IN ('redeemed', 'part', 'whole', 'captured');
INSERT INTO vouchers_settlement (
    campaign_id, merchant_id, source_id, business_day, line_count, total_fen, content, sha256,
    state, closed_at, paid_at)
SELECT campaign_id, merchant_id, source_id, day, lines, fen, content, sha256(content), 'paid',
       closed_at, closed_at
  FROM (SELECT campaign_id, merchant_id, source_id, day, count(*) AS lines, sum(fen) AS fen,
               max(at) + interval '1 day' AS closed_at, convert_to(string_agg(
                   'spring-2026,' || day || ',' || merchant_id || ',' || source_id || ','
                   || redemption_id || ',0,' || at || ',S' || store_id || ',O' || n || ','
                   || face_fen || ',' || fen || E'\\n', '' ORDER BY redemption_id), 'UTF8')
                 AS content
          FROM line GROUP BY 1, 2, 3, 4) AS counted
 ORDER BY day, merchant_id, source_id;
INSERT INTO vouchers_settlementline (
    settlement_id, redemption_id, voucher_id, source_id, kind, refund_id, amount_fen)
SELECT z.id, line.redemption_id, line.voucher_id, line.source_id, 'redemption', 0, line.fen
  FROM line
  JOIN vouchers_settlement z ON (z.merchant_id, z.source_id, z.business_day)
                              = (line.merchant_id, line.source_id, line.day)
 ORDER BY z.id, line.redemption_id;
CREATE TEMP TABLE payout AS
SELECT (SELECT max(transfer_id) + 8 FROM act) + z.id AS transfer_id, z.id, z.closed_at AS at,
       z.campaign_id, line.source_id, line.allocation_id,
       sum(line.fen)::bigint AS fen
  FROM line
  JOIN vouchers_settlement z ON (z.merchant_id, z.source_id, z.business_day)
                              = (line.merchant_id, line.source_id, line.day)
 GROUP BY 1, 2, 3, 4, 5, 6;
INSERT INTO vouchers_transfer (id, at, campaign_id, reason, cause, cause_id)
SELECT DISTINCT transfer_id, at, campaign_id, 'settle', 'settlement', id FROM payout;
INSERT INTO vouchers_leg (transfer_id, at, line_no, account_id, allocation_id, amount_fen)
SELECT p.transfer_id, p.at, row_number() OVER (PARTITION BY p.id), acc.id, p.allocation_id,
       CASE acc.kind WHEN 'settled' THEN p.fen ELSE -p.fen END
  FROM payout p
  JOIN vouchers_account acc ON acc.source_id = p.source_id AND acc.kind IN ('payable', 'settled');
INSERT INTO vouchers_cashreceipt (
    source_id, request_id, amount_fen, document_no, received_at, recorded_by)
SELECT source_id, 'cash-' || source_id, sum(total_fen), 'C-1', max(paid_at), 'mei'
  FROM vouchers_settlement GROUP BY source_id;
"""
# What the services would have counted, and left of every quota.
COUNTERS: Final = """
INSERT INTO vouchers_limitcounter (
    kind, campaign_id, subject_id, window_no, used_count, used_fen, limit_count, limit_fen)
SELECT k.kind, a.campaign_id, CASE k.kind WHEN 4 THEN a.store_id ELSE a.resident_id END,
       CASE k.kind WHEN 1 THEN a.day - DATE '1970-01-01' WHEN 3 THEN 0
                   ELSE floor(extract(epoch FROM a.at) / 60)::bigint END,
       count(*) FILTER (WHERE a.fate NOT IN ('voided', 'reversed', 'whole')),
       COALESCE(sum(a.face_fen / CASE a.fate WHEN 'part' THEN 2 ELSE 1 END)
                FILTER (WHERE a.fate NOT IN ('voided', 'reversed', 'whole')), 0),
       k.limit_count, k.limit_fen
  FROM act a JOIN vouchers_limitrule k ON k.campaign_id = a.campaign_id AND k.kind IN (1, 3, 4)
 GROUP BY k.kind, a.campaign_id, 3, 4, k.limit_count, k.limit_fen;
UPDATE vouchers_quotabucket b
   SET headroom_fen = c.cap_fen - used.fen
  FROM vouchers_quotacell c
  JOIN (SELECT a.source_id, sum(l.amount_fen) AS fen
          FROM vouchers_account a JOIN vouchers_leg l ON l.account_id = a.id
         WHERE a.kind NOT IN ('appropriated', 'free') GROUP BY a.source_id) AS used
    ON used.source_id = c.source_id
 WHERE b.cell_id = c.id AND c.tier_id IS NULL;
"""
SEQUENCES: Final = """
SELECT setval('vouchers_transfer_id_seq', (SELECT max(id) FROM vouchers_transfer)),
       setval('vouchers_redemption_id_seq', (SELECT max(id) FROM vouchers_redemption))
"""
STEPS: Final = (USES, REDEMPTIONS, REFUNDS, MOVES, SETTLEMENTS, COUNTERS, SEQUENCES)
