"""What the services' role may do with each table: everything it needs and no more.

Partitions are left out: rows reach them through their parents, where the triggers are. Vouchers come into
being by attaching a tranche only, and of a voucher nothing but its state ever changes.
"""

from typing import Any

from django.conf import settings
from django.db import migrations

# Rows that may be added to but never changed; the triggers refuse it too, for the owner as well.
BOOKS = [
    "merchants_storelocation",
    "vouchers_account",
    "vouchers_approval",
    "vouchers_attempt",
    "vouchers_audiencemember",
    "vouchers_auditreport",
    "vouchers_cashreceipt",
    "vouchers_leg",
    "vouchers_requestrecord",
    "vouchers_seal",
    "vouchers_settlementline",
    "vouchers_signal",
    "vouchers_termsversion",
    "vouchers_transfer",
]

PRIVILEGES = """
DO $$
DECLARE
    role text := '{role}';
    item record;
BEGIN
    FOR item IN
        SELECT c.relname FROM pg_class c
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
           AND NOT c.relispartition AND c.relname ~ '^(merchants|vouchers)_'
    LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO %I', item.relname, role);
        IF item.relname = ANY (ARRAY{books}) THEN
            EXECUTE format('REVOKE UPDATE, DELETE ON %I FROM %I', item.relname, role);
        END IF;
    END LOOP;
    EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON vouchers_voucher FROM %I', role);
    EXECUTE format('GRANT UPDATE (state) ON vouchers_voucher TO %I', role);
    EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', role);
    EXECUTE format('GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO %I', role);
    EXECUTE format(
        'GRANT EXECUTE ON FUNCTION huimin_open_month(date), huimin_open_tranche(bigint),'
        ' huimin_attach_tranche(bigint) TO %I', role);
END $$
"""

FIRST_MONTHS = """
SELECT huimin_open_month((now() AT TIME ZONE 'UTC' + make_interval(months => m))::date)
  FROM generate_series(0, 2) AS m
"""


def grant_to_services(apps: Any, schema_editor: Any) -> None:
    """Skipped where one role both owns the schema and runs the services."""
    role = settings.DATABASES["default"]["USER"]
    if role != schema_editor.connection.settings_dict["USER"]:
        statement = PRIVILEGES.format(role=role.replace("'", "''"), books=BOOKS)
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [
        ("merchants", "0001_initial"),
        ("vouchers", "0003_triggers_of_partitioned_tables"),
    ]

    operations = [
        migrations.RunPython(grant_to_services, migrations.RunPython.noop),
        migrations.RunSQL(FIRST_MONTHS, migrations.RunSQL.noop),
    ]
