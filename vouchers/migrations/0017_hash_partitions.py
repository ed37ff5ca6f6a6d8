"""Redemptions, order claims and requests in HASH partitions, each by a column of its keys.

A table of one city grows by ten million rows a day. Each of these keeps its unique indexes: every one
of them holds the column that decides the partition, so the unique index of a partition is that of the
table. The primary key of a redemption begins with its id: a reference with voucher reads one partition,
an id alone has an index in each, and new rows go to the end of it.
"""

from django.db import migrations

# The table is made anew with the columns, checks, indexes, triggers and privileges it had.
FUNCTION = """
CREATE FUNCTION pg_temp.partition_by_hash(
    parent regclass, hash_column text, primary_key text, partitions integer, fill integer)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    called text := parent::text;
    again text[];
    command text;
    child text;
BEGIN
    SELECT array_agg(made ORDER BY kind, made) INTO again FROM (
        SELECT 1 AS kind, pg_get_indexdef(indexrelid) AS made
          FROM pg_index WHERE indrelid = parent AND NOT indisprimary
         UNION ALL
        SELECT 2, pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = parent AND NOT tgisinternal
         UNION ALL
        SELECT 3, format('COMMENT ON TRIGGER %I ON %I IS %L', tgname, called,
                         obj_description(oid, 'pg_trigger'))
          FROM pg_trigger WHERE tgrelid = parent AND NOT tgisinternal
         UNION ALL
        SELECT 4, format('GRANT %s ON %I TO %I', privilege_type, called, grantee::regrole::text)
          FROM pg_class, aclexplode(relacl) WHERE pg_class.oid = parent AND grantee <> relowner
    ) AS parts;
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

TABLES = """
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


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0016_rows_of_a_redemption_name_its_voucher")]

    operations = [
        migrations.RunSQL(FUNCTION, migrations.RunSQL.noop),
        migrations.RunSQL(TABLES, migrations.RunSQL.noop),
    ]
