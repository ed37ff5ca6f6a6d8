"""Seals name their cell; old requests move into files."""

import datetime
from typing import Any

import django.contrib.postgres.indexes
import django.db.models.expressions
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models


DROP_ARCHIVED = """
-- The services' role may delete no request. Takes those out that an archive holds, if it holds as many.
CREATE FUNCTION huimin_drop_archived_requests(archive bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    written record;
    gone bigint;
BEGIN
    SELECT before_at, row_count INTO STRICT written FROM vouchers_requestarchive WHERE id = archive;
    IF written.before_at > now() - interval '30 days' THEN
        RAISE EXCEPTION 'requests of the last 30 days stay'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'archive_of_the_past';
    END IF;
    DELETE FROM vouchers_requestrecord WHERE created_at < written.before_at;
    GET DIAGNOSTICS gone = ROW_COUNT;
    IF gone <> written.row_count THEN
        RAISE EXCEPTION 'the archive holds % requests of %', written.row_count, gone
            USING ERRCODE = 'check_violation', CONSTRAINT = 'archive_holds_what_goes';
    END IF;
    RETURN gone;
END $$;
REVOKE ALL ON FUNCTION huimin_drop_archived_requests(bigint) FROM PUBLIC;
"""


def grant_to_services(apps: Any, schema_editor: Any) -> None:
    """Skipped where one role both owns the schema and runs the services."""
    role = settings.DATABASES["default"]["USER"]
    if role == schema_editor.connection.settings_dict["USER"]:
        return
    quoted = schema_editor.quote_name(role)
    schema_editor.execute(f"GRANT SELECT, INSERT ON vouchers_requestarchive TO {quoted}")
    schema_editor.execute(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {quoted}")
    schema_editor.execute(
        f"GRANT EXECUTE ON FUNCTION huimin_drop_archived_requests(bigint) TO {quoted}"
    )


class Migration(migrations.Migration):
    dependencies = [
        ("merchants", "0003_keys_of_a_cell"),
        ("vouchers", "0017_hash_partitions"),
    ]

    operations = [
        migrations.CreateModel(
            name="RequestArchive",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("before_at", models.DateTimeField(unique=True, verbose_name="requests before")),
                ("name", models.CharField(max_length=100, unique=True, verbose_name="file")),
                ("row_count", models.PositiveBigIntegerField(verbose_name="requests")),
                ("sha256", models.BinaryField(max_length=32, verbose_name="SHA-256")),
                ("archived_at", models.DateTimeField(verbose_name="archived at")),
            ],
            options={
                "verbose_name": "archive of requests",
                "verbose_name_plural": "archives of requests",
                "ordering": ["-before_at"],
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="requestrecord",
            name="request_append_only",
        ),
        migrations.AddField(
            model_name="seal",
            name="cell",
            field=models.CharField(default="main", max_length=12, verbose_name="cell"),
            preserve_default=False,
        ),
        migrations.AddIndex(
            model_name="requestrecord",
            index=django.contrib.postgres.indexes.BrinIndex(
                autosummarize=True, fields=["created_at"], name="request_by_time"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="requestrecord",
            trigger=pgtrigger.compiler.Trigger(
                name="request_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="ae2164d8312d3886924b3b215649af57ad107f14",
                    operation="UPDATE",
                    pgid="pgtrigger_request_append_only_0b7b8",
                    table="vouchers_requestrecord",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="requestrecord",
            trigger=pgtrigger.compiler.Trigger(
                name="request_archived_first",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF NOT EXISTS (SELECT FROM vouchers_requestarchive WHERE before_at > OLD.created_at) THEN\n                RAISE EXCEPTION 'a request is in no archive'\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'request_archived_first';\n            END IF; RETURN OLD;",
                    hash="d90fe185d8a5d40f00c0afb08c515258eaf796e1",
                    operation="DELETE",
                    pgid="pgtrigger_request_archived_first_187ff",
                    table="vouchers_requestrecord",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="requestarchive",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "before_at__lte",
                        django.db.models.expressions.CombinedExpression(
                            models.F("archived_at"), "-", models.Value(datetime.timedelta(days=30))
                        ),
                    )
                ),
                name="archive_of_the_past",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="requestarchive",
            trigger=pgtrigger.compiler.Trigger(
                name="request_archive_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="c056cacaac32d4cc8531cfcdaf20bf3a0e6ecc8c",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_request_archive_append_only_e56f5",
                    table="vouchers_requestarchive",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="requestarchive",
            trigger=pgtrigger.compiler.Trigger(
                name="request_archive_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'a book cannot be truncated';",
                    hash="9ac66a3ed86d74a30e3ed02e30fec958a752fa12",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_request_archive_no_truncate_d6153",
                    table="vouchers_requestarchive",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.RunSQL(DROP_ARCHIVED, migrations.RunSQL.noop),
        migrations.RunPython(grant_to_services, migrations.RunPython.noop),
    ]
