"""Partitioned tables, their sequences, and the functions of the database.

Vouchers are partitioned by tranche: a tranche is minted into a table of its own, indexed, and attached
in the commit that posts it. The journal and attempts are partitioned by month of `at` (UTC).
Redemptions, order claims and requests are in HASH partitions, each by a column of its keys: every
unique index holds the column that decides the partition, so the unique index of a partition is that
of the table. The primary key of a redemption begins with its id: a reference with voucher reads one
partition, an id alone has an index in each, and new rows go to the end of it.
"""

from django.db import migrations

from vouchers.sql.functions import install

BY_RANGE = """
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
    PRIMARY KEY (id, at),
    -- `states.CAUSES`, for every reason what may cause it.
    CONSTRAINT transfer_cause_fits_reason CHECK (reason || '/' || cause = ANY (ARRAY[
        'appropriate/proposal', 'appropriate/source', 'authorise/redemption',
        'capture/redemption', 'claim/tranche', 'collect/collection', 'cut/proposal',
        'cut/source', 'expire/tranche', 'hold/hold', 'lapse/redemption', 'mint/shard',
        'net/settlement', 'recover/refund', 'redeem/redemption', 'refund/refund',
        'reissue/refund', 'release/shard', 'repay/proposal', 'reserve/run',
        'reverse/redemption', 'settle/settlement', 'unhold/hold', 'void/redemption']))
) PARTITION BY RANGE (at);
CREATE INDEX transfer_by_xid ON vouchers_transfer
 USING brin ((xid::text::bigint)) WITH (autosummarize = on);

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
CREATE INDEX attempt_by_at ON vouchers_attempt USING brin (at) WITH (autosummarize = on);
CREATE INDEX attempt_by_code ON vouchers_attempt (code, id DESC);
CREATE INDEX attempt_by_voucher ON vouchers_attempt (voucher_id, id DESC);

CREATE SEQUENCE vouchers_redemption_id_seq;
ALTER TABLE vouchers_redemption ALTER COLUMN id SET DEFAULT nextval('vouchers_redemption_id_seq');

-- Rows that are updated in place leave room on their page for the new version.
ALTER TABLE vouchers_limitcounter SET (fillfactor = 50);
ALTER TABLE vouchers_risktally SET (fillfactor = 50);
ALTER TABLE vouchers_quotabucket SET (fillfactor = 20);

-- A session draws numbers in blocks, not each from the sequence's page.
ALTER SEQUENCE vouchers_redemption_id_seq CACHE 64;
ALTER SEQUENCE vouchers_transfer_id_seq CACHE 64;
ALTER SEQUENCE vouchers_attempt_id_seq CACHE 64;
"""

# The table is made anew with the columns, checks and indexes it had.
PARTITION_BY_HASH = """
CREATE FUNCTION pg_temp.partition_by_hash(
    parent regclass, hash_column text, primary_key text, partitions integer, fill integer)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    called text := parent::text;
    again text[];
    command text;
    child text;
BEGIN
    SELECT COALESCE(array_agg(pg_get_indexdef(indexrelid) ORDER BY 1), '{}') INTO again
      FROM pg_index WHERE indrelid = parent AND NOT indisprimary;
    EXECUTE format(
        'CREATE TABLE huimin_anew (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS,'
        ' PRIMARY KEY (%s)) PARTITION BY HASH (%I)', called, primary_key, hash_column);
    EXECUTE format('DROP TABLE %I', called);
    EXECUTE format('ALTER TABLE huimin_anew RENAME TO %I', called);
    EXECUTE format('ALTER INDEX huimin_anew_pkey RENAME TO %I', called || '_pkey');
    FOREACH command IN ARRAY again LOOP
        EXECUTE command;
    END LOOP;
    FOR number IN 0 .. partitions - 1 LOOP
        child := called || '_p' || lpad(number::text, 2, '0');
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF %I FOR VALUES WITH (MODULUS %s, REMAINDER %s)'
            ' WITH (fillfactor = %s)', child, called, partitions, number, fill);
        EXECUTE format(
            'CREATE TRIGGER no_truncate BEFORE TRUNCATE ON %I'
            ' FOR EACH STATEMENT EXECUTE FUNCTION huimin_refuse_truncate()', child);
        -- What refuses a duplicate is the partition's index: its name begins with the constraint's.
        FOR command IN
            SELECT format('ALTER INDEX %I RENAME TO %I', own.relname,
                          whole.relname || '_p' || lpad(number::text, 2, '0'))
              FROM pg_index i
              JOIN pg_class own ON own.oid = i.indexrelid
              JOIN pg_inherits h ON h.inhrelid = own.oid
              JOIN pg_class whole ON whole.oid = h.inhparent
             WHERE i.indrelid = child::regclass
        LOOP
            EXECUTE command;
        END LOOP;
    END LOOP;
END $$
"""

BY_HASH = """
-- A redemption is updated in place: its page leaves room for the new version. What every request reads
-- has fewer partitions, since a plan opens all of them before it leaves out any.
SELECT pg_temp.partition_by_hash('vouchers_redemption', 'voucher_id', 'id, voucher_id', 16, 90);
SELECT pg_temp.partition_by_hash('vouchers_orderclaim', 'store_id', 'store_id, order_no', 8, 100);
SELECT pg_temp.partition_by_hash('vouchers_requestrecord', 'caller_id', 'caller_id, key', 8, 100);

ALTER TABLE vouchers_hold ADD CONSTRAINT hold_of_redemption
    FOREIGN KEY (redemption_id, voucher_id) REFERENCES vouchers_redemption (id, voucher_id);
ALTER TABLE vouchers_refund ADD CONSTRAINT refund_of_redemption
    FOREIGN KEY (redemption_id, voucher_id) REFERENCES vouchers_redemption (id, voucher_id);
ALTER TABLE vouchers_settlementline ADD CONSTRAINT line_of_redemption
    FOREIGN KEY (redemption_id, voucher_id) REFERENCES vouchers_redemption (id, voucher_id);
"""

REST = """
-- A month that was not opened in time must cost speed, not a redemption.
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


# Packed columns are read one by one and do not compress: each apart from the row, as it is.
STORED_APART = "ALTER TABLE vouchers_snapshotblock " + ", ".join(
    f"ALTER {name} SET STORAGE EXTERNAL"
    for name in (
        "resident_id",
        "bucket",
        "flags",
        "consented_at",
        "district_id",
        "birth_year",
        "need_score",
        "tags",
        "home_longitude_deg",
        "work_longitude_deg",
        "recent_longitude_deg",
        "home_latitude_deg",
        "work_latitude_deg",
        "recent_latitude_deg",
    )
)


class Migration(migrations.Migration):
    dependencies = [
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("vouchers", "0001_tables"),
    ]

    operations = [
        migrations.RunSQL(BY_RANGE, migrations.RunSQL.noop),
        migrations.RunPython(install, migrations.RunPython.noop),
        migrations.RunSQL(PARTITION_BY_HASH, migrations.RunSQL.noop),
        migrations.RunSQL(BY_HASH, migrations.RunSQL.noop),
        migrations.RunSQL(REST, migrations.RunSQL.noop),
        migrations.RunSQL(STORED_APART, migrations.RunSQL.noop),
    ]
