-- The baseline for pgbench: one redemption by one call, the same rules in the same order on the same
-- tables. Left out are only the sentences of a refusal, which are text for people.
-- {inner} and {outer} are the two pads of HMAC-SHA256 with the key of the voucher codes.

CREATE TABLE bench_meaning (
    code text PRIMARY KEY,
    status smallint NOT NULL,
    retryable boolean NOT NULL,
    authority text NOT NULL,
    is_opaque boolean NOT NULL
);

CREATE TABLE bench_order (
    n bigint PRIMARY KEY,
    credential_id bigint NOT NULL,
    merchant_id bigint NOT NULL,
    store_id bigint NOT NULL,
    code text NOT NULL,
    store_no text NOT NULL,
    resident_no text NOT NULL
);

CREATE FUNCTION bench_instant(at timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')
           || CASE WHEN date_trunc('second', at) <> at
                   THEN to_char(at AT TIME ZONE 'UTC', '.US') ELSE '' END
$$;

-- An instant with the offset of a zone east of Greenwich, as the facts of a refusal have it.
CREATE FUNCTION bench_local(at timestamptz, zone text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT bench_instant((at AT TIME ZONE zone) AT TIME ZONE 'UTC')
           || to_char((at AT TIME ZONE zone) - (at AT TIME ZONE 'UTC'), '"+"HH24:MI')
$$;

-- The voucher id of a printed code, NULL for a forged one (rules/codes.py).
CREATE FUNCTION bench_decode(code text) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    body text := substr(code, 2, 12);
    digest bytea;
    number numeric;
BEGIN
    IF code !~ '^8[0-9]{19}$' THEN
        RETURN NULL;
    END IF;
    digest := sha256('{outer}'::bytea || sha256('{inner}'::bytea || convert_to(body, 'UTF8')));
    number := ('x' || encode(substr(digest, 1, 8), 'hex'))::bit(64)::bigint;
    IF number < 0 THEN
        number := number + 18446744073709551616;
    END IF;
    IF lpad((number % 10000000)::text, 7, '0') <> substr(code, 14) THEN
        RETURN NULL;
    END IF;
    RETURN substr(body, 1, 6)::bigint << 20 | substr(body, 7)::bigint;
END $$;

-- Shares of a part of the face, by largest remainder (rules/redemption.py, money.py).
CREATE FUNCTION bench_split(face_split jsonb, amount_fen bigint) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
    WITH share AS (
        SELECT place, (item->>0)::bigint AS source_id, (item->>1)::bigint AS weight,
               sum((item->>1)::bigint) OVER () AS whole
          FROM jsonb_array_elements(face_split) WITH ORDINALITY AS shares(item, place)
    ), floored AS (
        SELECT *, div(amount_fen * weight, whole) AS part, mod(amount_fen * weight, whole) AS rest
          FROM share
    ), ranked AS (
        SELECT *, row_number() OVER (ORDER BY rest DESC, place) AS rank,
               amount_fen - sum(part) OVER () AS left_over
          FROM floored
    )
    SELECT jsonb_agg(
               jsonb_build_array(source_id, part + CASE WHEN rank <= left_over THEN 1 ELSE 0 END)
               ORDER BY place)
      FROM ranked
$$;

-- The counters one redemption counts in (rules/fraud.py), in the order in which they are locked.
CREATE FUNCTION bench_limits(
    campaign bigint, resident bigint, store bigint, merchant bigint, at timestamptz, day date
) RETURNS TABLE (
    kind smallint, subject_id bigint, window_at bigint, limit_count integer, limit_fen bigint
) LANGUAGE sql STABLE AS $$
    SELECT k.kind,
           CASE WHEN k.kind <= 3 THEN resident WHEN k.kind <= 5 THEN store ELSE merchant END,
           CASE WHEN k.kind IN (3, 7) THEN 0
                WHEN k.kind = 4 THEN floor(extract(epoch FROM at))::bigint / 60
                WHEN k.kind = 2 THEN date_trunc('week', day)::date - '1970-01-01'::date
                ELSE day - '1970-01-01'::date END,
           k.limit_count, k.limit_fen
      FROM vouchers_limitrule k WHERE k.campaign_id = campaign
$$;

CREATE FUNCTION bench_redeem(
    p_caller bigint, p_merchants bigint[], p_stores bigint[], p_is_test boolean, p_terminal text,
    p_key text, p_fingerprint bytea, p_at timestamptz,
    p_code text, p_store text, p_order_no text, p_amount_fen bigint, p_resident text,
    p_eligible_fen bigint DEFAULT NULL, p_order_kind text DEFAULT 'in_store',
    p_category text DEFAULT ''
) RETURNS TABLE (status smallint, answer bytea) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    stored record;
    store record;
    voucher record;
    terms record;
    part record;
    shopper record;
    bound record;
    holder_state text;
    claim record;
    has_claim boolean := false;
    voucher_no bigint := bench_decode(p_code);
    eligible_fen bigint := coalesce(p_eligible_fen, p_amount_fen);
    counts_fen bigint;
    off_fen bigint;
    split jsonb;
    category text;
    refused text;
    rule text;
    facts jsonb := '{}';
    day date;
    redemption_no bigint;
    transfer_no bigint;
    body text;
BEGIN
    p_key := upper(p_key);
    -- Request key, order, tranche: the common order of locks.
    IF NOT pg_try_advisory_xact_lock(hashtextextended(p_key, p_caller)) THEN
        RETURN QUERY SELECT 409::smallint, NULL::bytea;
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended(p_order_no, hashtext(p_store)));
    IF voucher_no IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock_shared(1, (voucher_no >> 20)::int);
    END IF;

    SELECT r.fingerprint, r.status, r.answer INTO stored
      FROM vouchers_requestrecord r WHERE r.caller_id = p_caller AND r.key = p_key;
    IF FOUND THEN
        IF stored.fingerprint <> p_fingerprint THEN
            RETURN QUERY SELECT 422::smallint, NULL::bytea;
        ELSE
            RETURN QUERY SELECT stored.status, stored.answer;
        END IF;
        RETURN;
    END IF;

    SELECT s.id, s.external_id, s.merchant_id, m.code AS merchant, s.category,
           s.state = 'active' AND m.state = 'active' AS is_open
      INTO store
      FROM merchants_store s JOIN merchants_merchant m ON m.id = s.merchant_id
     WHERE upper(s.external_id) = upper(p_store) AND s.merchant_id = ANY (p_merchants);
    IF NOT FOUND
       OR (p_stores IS NOT NULL AND store.id <> ALL (p_stores)) THEN
        refused := 'store_not_found';
        store.id := NULL;
    END IF;

    <<judge>>
    BEGIN
        EXIT judge WHEN refused IS NOT NULL;
        SELECT v.id, v.resident_id, v.allocation_id, v.state INTO voucher
          FROM vouchers_voucher v WHERE v.id = voucher_no FOR NO KEY UPDATE;
        IF NOT FOUND THEN
            refused := 'voucher_not_usable'; rule := 'voucher_unknown'; EXIT judge;
        END IF;
        SELECT t.campaign_id, t.state, t.kind, t.face_fen, t.threshold_fen, t.threshold_basis,
               t.percent_bp, t.split, t.valid_from_at, t.valid_until_at, c.code,
               c.state AS campaign_state, c.zone, c.is_test, c.excluded_categories, c.order_kinds
          INTO terms
          FROM vouchers_tranche t JOIN vouchers_campaign c ON c.id = t.campaign_id
         WHERE t.id = voucher_no >> 20;
        IF terms.is_test <> p_is_test THEN
            refused := 'voucher_not_usable'; rule := 'voucher_unknown'; EXIT judge;
        END IF;
        SELECT r.id, r.state INTO shopper FROM vouchers_resident r WHERE r.external_id = p_resident;
        IF NOT FOUND THEN
            refused := 'voucher_not_usable'; rule := 'resident_unknown'; EXIT judge;
        END IF;
        IF shopper.id = voucher.resident_id THEN
            holder_state := shopper.state;
        ELSE
            IF NOT EXISTS (SELECT FROM vouchers_proxy p
                            WHERE p.proxy_id = shopper.id AND p.holder_id = voucher.resident_id
                              AND p.ended_at IS NULL) THEN
                refused := 'voucher_not_usable'; rule := 'holder_or_proxy'; EXIT judge;
            END IF;
            SELECT r.state INTO holder_state FROM vouchers_resident r
             WHERE r.id = voucher.resident_id;
        END IF;
        IF NOT store.is_open THEN
            refused := 'store_closed'; EXIT judge;
        END IF;
        SELECT cs.category INTO part FROM vouchers_campaignstore cs
         WHERE cs.campaign_id = terms.campaign_id AND cs.store_id = store.id
           AND cs.valid_from_at <= p_at
           AND (cs.valid_until_at IS NULL OR p_at < cs.valid_until_at) LIMIT 1;
        IF NOT FOUND THEN
            refused := 'store_not_participating'; EXIT judge;
        END IF;
        category := coalesce(nullif(p_category, ''), nullif(part.category, ''), store.category);
        IF shopper.state <> 'active' OR holder_state <> 'active' THEN
            refused := 'resident_not_active'; EXIT judge;
        END IF;
        IF terms.campaign_state <> 'running' THEN
            refused := 'campaign_not_running';
            rule := CASE WHEN terms.campaign_state IN ('ended', 'settled', 'closed')
                         THEN 'campaign_over' END;
            facts := jsonb_build_object('state', terms.campaign_state); EXIT judge;
        END IF;
        IF voucher.state <> 1 THEN
            refused := CASE voucher.state WHEN 4 THEN 'voucher_withdrawn'
                                          ELSE 'voucher_redeemed' END;
            EXIT judge;
        END IF;
        IF p_at < terms.valid_from_at THEN
            refused := 'voucher_not_yet_valid';
            facts := jsonb_build_object(
                'valid_from_at', bench_local(terms.valid_from_at, terms.zone)); EXIT judge;
        END IF;
        IF p_at >= terms.valid_until_at OR terms.state = 'expired' THEN
            refused := 'voucher_expired';
            facts := jsonb_build_object(
                'valid_until_at', bench_local(terms.valid_until_at, terms.zone)); EXIT judge;
        END IF;
        SELECT o.redemption_id INTO claim FROM vouchers_orderclaim o
         WHERE o.store_id = store.id AND o.order_no = upper(p_order_no);
        IF FOUND THEN
            refused := CASE WHEN claim.redemption_id IS NULL THEN 'order_reversed'
                            ELSE 'order_already_used' END;
            facts := jsonb_build_object('order_no', p_order_no); EXIT judge;
        END IF;
        IF terms.excluded_categories ? category THEN
            refused := 'category_excluded';
            facts := jsonb_build_object('category', category); EXIT judge;
        END IF;
        IF jsonb_array_length(terms.order_kinds) > 0 AND NOT terms.order_kinds ? p_order_kind THEN
            refused := 'order_kind_excluded';
            facts := jsonb_build_object('order_kind', p_order_kind); EXIT judge;
        END IF;
        counts_fen := CASE terms.threshold_basis WHEN 'pre_discount' THEN p_amount_fen
                                                 ELSE eligible_fen END;
        IF counts_fen < terms.threshold_fen THEN
            refused := 'below_threshold';
            facts := jsonb_build_object('threshold_fen', terms.threshold_fen,
                                        'missing_fen', terms.threshold_fen - counts_fen);
            EXIT judge;
        END IF;
        IF terms.kind = 'percent' THEN
            off_fen := least(eligible_fen * terms.percent_bp / 10000, terms.face_fen);
            split := CASE WHEN off_fen = terms.face_fen THEN terms.split
                          ELSE bench_split(terms.split, off_fen) END;
        ELSE
            off_fen := terms.face_fen;
            split := terms.split;
        END IF;
        IF off_fen <= 0 OR off_fen >= eligible_fen THEN
            refused := 'payable_too_small';
            facts := jsonb_build_object('eligible_fen', eligible_fen);
            IF off_fen = 0 THEN
                rule := 'discount_rounds_to_nothing';
            ELSE
                facts := facts || jsonb_build_object('discount_fen', off_fen);
            END IF;
            EXIT judge;
        END IF;

        -- Limits are judged on what is committed; they are counted, and judged again, at the very
        -- end, so that a hot counter is locked for no longer than the commit.
        day := (p_at AT TIME ZONE terms.zone)::date;
        SELECT k.kind, k.window_at, k.limit_count, k.limit_fen, c.used_count INTO bound
          FROM bench_limits(terms.campaign_id, voucher.resident_id, store.id, store.merchant_id,
                          p_at, day) AS k
          LEFT JOIN vouchers_limitcounter c
            ON (c.kind, c.campaign_id, c.subject_id, c.window_no)
             = (k.kind, terms.campaign_id, k.subject_id, k.window_at)
         WHERE coalesce(c.used_count, 0) + 1 > k.limit_count
            OR coalesce(c.used_fen, 0) + off_fen > k.limit_fen
         ORDER BY k.kind LIMIT 1;
        IF FOUND THEN
            refused := CASE WHEN bound.kind <= 3 THEN 'resident_limit'
                            WHEN bound.kind <= 5 THEN 'store_limit' ELSE 'merchant_limit' END;
            rule := (ARRAY['resident_day', 'resident_week', 'resident_campaign', 'store_minute',
                           'store_day', 'merchant_day', 'merchant_campaign'])[bound.kind];
            facts := CASE
                WHEN coalesce(bound.used_count, 0) + 1 > bound.limit_count
                THEN jsonb_build_object('limit', bound.limit_count::text)
                ELSE jsonb_build_object('limit_fen', bound.limit_fen) END
                || CASE
                WHEN bound.kind IN (3, 7) THEN '{"window": "campaign"}'::jsonb
                WHEN bound.kind = 4 THEN jsonb_build_object('window', 'minute', 'next_at',
                    bench_local(to_timestamp((bound.window_at + 1) * 60), terms.zone))
                WHEN bound.kind = 2 THEN jsonb_build_object('window', 'week', 'next_at',
                    (date '1970-01-01' + bound.window_at::int + 7)::text)
                ELSE jsonb_build_object('window', 'day', 'next_at', (day + 1)::text) END;
            EXIT judge;
        END IF;
    END judge;

    IF refused IS NOT NULL THEN
        rule := coalesce(rule, refused);
        INSERT INTO vouchers_attempt (at, caller_id, key, store_id, voucher_id, code, rule, facts)
        VALUES (p_at, p_caller, p_key, store.id, voucher_no, refused, rule, facts
                || jsonb_build_object('order_no', p_order_no, 'voucher', p_code, 'store', p_store));
        INSERT INTO vouchers_requestrecord AS r
               (caller_id, key, fingerprint, status, answer, created_at)
        SELECT p_caller, p_key, p_fingerprint, m.status, convert_to(jsonb_build_object(
                   'type', 'urn:huimin:refusal:' || m.code, 'status', m.status, 'code', m.code,
                   'retryable', m.retryable AND rule NOT IN
                       ('campaign_over', 'resident_campaign', 'merchant_campaign'),
                   'authority', m.authority,
                   'rule', CASE WHEN m.is_opaque THEN m.code ELSE rule END,
                   'facts', CASE WHEN m.is_opaque THEN '{}' ELSE facts END)::text, 'UTF8'), p_at
          FROM bench_meaning m WHERE m.code = refused
        RETURNING r.status, r.answer INTO stored;
        RETURN QUERY SELECT stored.status, stored.answer;
        RETURN;
    END IF;

    redemption_no := nextval('vouchers_redemption_id_seq');
    transfer_no := nextval('vouchers_transfer_id_seq');
    UPDATE vouchers_voucher v SET state = 3 WHERE v.id = voucher_no;
    INSERT INTO vouchers_redemption (
        id, store_id, merchant_id, campaign_id, voucher_id, allocation_id, resident_id,
        shown_by_id, caller_id, terminal, device, order_no, order_amount_fen,
        eligible_amount_fen, order_kind, category, channel, payment_ref, receipt_no,
        discount_fen, split, state, business_day, redeemed_at)
    VALUES (
        redemption_no, store.id, store.merchant_id, terms.campaign_id, voucher_no,
        voucher.allocation_id, voucher.resident_id, shopper.id, p_caller, p_terminal, '',
        p_order_no, p_amount_fen, eligible_fen, p_order_kind, category, '', '', '',
        off_fen, split, 2, day, p_at);
    INSERT INTO vouchers_orderclaim (store_id, order_no, redemption_id, voucher_id, claimed_at)
    VALUES (store.id, upper(p_order_no), redemption_no, voucher_no, p_at);
    INSERT INTO vouchers_transfer (id, at, campaign_id, reason, cause, cause_id)
    VALUES (transfer_no, p_at, terms.campaign_id, 'redeem', 'redemption', redemption_no);
    INSERT INTO vouchers_leg (transfer_id, line_no, at, account_id, allocation_id, amount_fen)
    SELECT transfer_no, 2 * share.place - 1 + side.step, p_at, a.id, voucher.allocation_id,
           side.sign * share.fen
      FROM (SELECT row_number() OVER () AS place, (item->>0)::bigint AS source_id,
                   (item->>1)::bigint AS fen
              FROM jsonb_array_elements(split) AS item WHERE item->>1 <> '0') AS share
     CROSS JOIN (VALUES ('outstanding', -1, 0), ('payable', 1, 1)) AS side(kind, sign, step)
      JOIN vouchers_account a
        ON a.campaign_id = terms.campaign_id AND a.source_id = share.source_id
       AND a.kind = side.kind;
    SELECT '{"id":' || redemption_no || ',"state":"captured","discount_fen":' || off_fen
           || ',"by_source":[' || string_agg('{"source":"' || f.code || '","fen":'
                                             || (share.item->>1) || '}', ',' ORDER BY share.place)
           || '],"payable_fen":' || p_amount_fen - off_fen || ',"voucher":"' || p_code
           || '","merchant":' || to_json(store.merchant)::text
           || ',"store":' || to_json(store.external_id)::text || ',"order_no":' || to_json(p_order_no)::text
           || ',"order_amount_fen":' || p_amount_fen || ',"campaign":"' || terms.code
           || '","business_day":"' || day || '","redeemed_at":"' || bench_instant(p_at) || 'Z"}'
      INTO body
      FROM jsonb_array_elements(split) WITH ORDINALITY AS share(item, place)
      JOIN vouchers_fundingsource f ON f.id = (share.item->>0)::bigint;
    INSERT INTO vouchers_requestrecord (caller_id, key, fingerprint, status, answer, created_at)
    VALUES (p_caller, p_key, p_fingerprint, 201, convert_to(body, 'UTF8'), p_at);

    INSERT INTO vouchers_limitcounter AS c (
        kind, campaign_id, subject_id, window_no, used_count, used_fen, limit_count, limit_fen)
    SELECT k.kind, terms.campaign_id, k.subject_id, k.window_at, 1, off_fen, k.limit_count,
           k.limit_fen
      FROM bench_limits(terms.campaign_id, voucher.resident_id, store.id, store.merchant_id,
                      p_at, day) AS k
     ORDER BY k.kind
    ON CONFLICT (kind, campaign_id, subject_id, window_no) DO UPDATE
       SET used_count = c.used_count + 1, used_fen = c.used_fen + EXCLUDED.used_fen,
           limit_count = EXCLUDED.limit_count, limit_fen = EXCLUDED.limit_fen;
    RETURN QUERY SELECT 201::smallint, convert_to(body, 'UTF8');
END $$;
