"""Partitioned tables, their sequences, and the functions that open partitions.

Vouchers are partitioned by tranche: a tranche is minted into a table nobody sees, indexed, and attached
in the commit that posts it. Journal tables are partitioned by month of `at` (UTC). The services' role
owns nothing, so partitions are made by SECURITY DEFINER functions that check what they are handed.
"""

from django.db import migrations

PARTITIONED = """
DROP TABLE vouchers_leg, vouchers_transfer, vouchers_attempt, vouchers_voucher;

CREATE TABLE vouchers_voucher (
    id bigint NOT NULL,
    resident_id bigint NOT NULL,
    allocation_id bigint NOT NULL,
    bucket smallint NOT NULL,
    state smallint NOT NULL,
    PRIMARY KEY (id, bucket)
) PARTITION BY RANGE (id);
CREATE INDEX vouchers_voucher_resident ON vouchers_voucher (resident_id);

CREATE SEQUENCE vouchers_transfer_id_seq;
CREATE TABLE vouchers_transfer (
    id bigint NOT NULL DEFAULT nextval('vouchers_transfer_id_seq'),
    at timestamptz NOT NULL,
    campaign_id bigint NOT NULL,
    cause_id bigint NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    reason varchar(12) NOT NULL,
    cause varchar(20) NOT NULL,
    PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);

CREATE TABLE vouchers_leg (
    transfer_id bigint NOT NULL,
    at timestamptz NOT NULL,
    account_id bigint NOT NULL,
    allocation_id bigint,
    amount_fen bigint NOT NULL CONSTRAINT leg_not_zero CHECK (amount_fen <> 0),
    line_no smallint NOT NULL,
    PRIMARY KEY (transfer_id, line_no, at)
) PARTITION BY RANGE (at);

CREATE SEQUENCE vouchers_attempt_id_seq;
CREATE TABLE vouchers_attempt (
    id bigint NOT NULL DEFAULT nextval('vouchers_attempt_id_seq'),
    at timestamptz NOT NULL,
    caller_id bigint NOT NULL,
    store_id bigint,
    campaign_id bigint,
    voucher_id bigint,
    resident_id bigint,
    key varchar(255) NOT NULL,
    code varchar(40) NOT NULL,
    rule varchar(40) NOT NULL,
    facts jsonb NOT NULL,
    PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);

CREATE SEQUENCE vouchers_redemption_id_seq;
ALTER TABLE vouchers_redemption ALTER COLUMN id SET DEFAULT nextval('vouchers_redemption_id_seq');

-- Rows that are updated in place leave room on their page for the new version.
ALTER TABLE vouchers_capcounter SET (fillfactor = 50);
ALTER TABLE vouchers_quotabucket SET (fillfactor = 20);
ALTER TABLE vouchers_redemption SET (fillfactor = 90);
"""

MONTHS = """
CREATE FUNCTION huimin_refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a book cannot be truncated';
END $$;

CREATE FUNCTION huimin_open_month(month date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    parent text;
    child text;
    first_day date := date_trunc('month', month)::date;
BEGIN
    FOREACH parent IN ARRAY ARRAY['vouchers_transfer', 'vouchers_leg', 'vouchers_attempt'] LOOP
        child := parent || to_char(first_day, '_YYYYMM');
        CONTINUE WHEN to_regclass(child) IS NOT NULL;
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', child, parent,
            first_day::text || ' 00:00:00+00',
            (first_day + interval '1 month')::date::text || ' 00:00:00+00');
        EXECUTE format(
            'CREATE TRIGGER no_truncate BEFORE TRUNCATE ON %I'
            ' FOR EACH STATEMENT EXECUTE FUNCTION huimin_refuse_truncate()', child);
    END LOOP;
END $$;

-- A month nobody opened in time must cost speed, not a redemption.
DO $$
DECLARE parent text;
BEGIN
    FOREACH parent IN ARRAY ARRAY['vouchers_transfer', 'vouchers_leg', 'vouchers_attempt'] LOOP
        EXECUTE format('CREATE TABLE %I PARTITION OF %I DEFAULT', parent || '_rest', parent);
        EXECUTE format(
            'CREATE TRIGGER no_truncate BEFORE TRUNCATE ON %I'
            ' FOR EACH STATEMENT EXECUTE FUNCTION huimin_refuse_truncate()', parent || '_rest');
    END LOOP;
END $$;
"""

TRANCHES = """
CREATE FUNCTION huimin_open_tranche(tranche bigint) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    child text := 'vouchers_voucher_t' || lpad(tranche::text, 6, '0');
BEGIN
    -- With the check of the range ATTACH needs no scan of its own.
    EXECUTE format(
        'CREATE TABLE %I (LIKE vouchers_voucher INCLUDING DEFAULTS,'
        ' CONSTRAINT in_range CHECK (id >= %s AND id < %s)) WITH (fillfactor = 85)',
        child, tranche << 20, (tranche + 1) << 20);
    -- A tenth of the usual sample tells all there is to know: consecutive ids, one state.
    EXECUTE format(
        'ALTER TABLE %I ALTER id SET STATISTICS 10, ALTER bucket SET STATISTICS 10,'
        ' ALTER resident_id SET STATISTICS 10, ALTER allocation_id SET STATISTICS 10,'
        ' ALTER state SET STATISTICS 10', child);
    EXECUTE format('GRANT INSERT ON %I TO %I', child, session_user);
    RETURN child;
END $$;

-- Takes the rows only if they are exactly the vouchers the tranche row promises.
CREATE FUNCTION huimin_attach_tranche(tranche bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    child text := 'vouchers_voucher_t' || lpad(tranche::text, 6, '0');
    first_id bigint := tranche << 20;
    promised integer;
    is_exact boolean;
BEGIN
    SELECT voucher_count INTO STRICT promised FROM vouchers_tranche WHERE id = tranche;
    EXECUTE format(
        'SELECT count(*) = %s AND min(id) = %s AND max(id) = %s AND min(state) = 1 AND max(state) = 1'
        ' FROM %I', promised, first_id, first_id + promised - 1, child) INTO is_exact;
    IF is_exact IS NOT TRUE THEN
        RAISE EXCEPTION 'tranche % does not hold the % vouchers it promises', tranche, promised
            USING ERRCODE = 'check_violation', CONSTRAINT = 'tranche_holds_what_it_promises';
    END IF;
    EXECUTE format('ALTER TABLE %I ADD PRIMARY KEY (id, bucket)', child);
    EXECUTE format('CREATE INDEX ON %I (resident_id)', child);
    -- Where one role both owns the schema and runs the services there is nothing to take back.
    IF session_user <> current_user THEN
        EXECUTE format('REVOKE ALL ON %I FROM %I', child, session_user);
    END IF;
    EXECUTE format(
        'ALTER TABLE vouchers_voucher ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
        child, first_id, (tranche + 1) << 20);
    EXECUTE format('ALTER TABLE %I DROP CONSTRAINT in_range', child);
    EXECUTE format('ANALYZE %I', child);
END $$;

REVOKE ALL ON FUNCTION
    huimin_open_month(date), huimin_open_tranche(bigint), huimin_attach_tranche(bigint) FROM PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0001_initial")]

    operations = [
        migrations.RunSQL(PARTITIONED, migrations.RunSQL.noop),
        migrations.RunSQL(MONTHS, migrations.RunSQL.noop),
        migrations.RunSQL(TRANCHES, migrations.RunSQL.noop),
    ]
