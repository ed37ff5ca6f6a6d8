"""The history of the set-up tables, and the triggers that write it."""

import pgtrigger.compiler
import vouchers.sql.operations
from django.db import migrations, models

from vouchers.sql.functions import install
from vouchers.sql.privileges import grant


class Migration(migrations.Migration):
    dependencies = [
        ("vouchers", "0004_privileges"),
    ]

    operations = [
        migrations.CreateModel(
            name="SetupChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("page_table", models.CharField(max_length=63, verbose_name="page of")),
                ("page_id", models.BigIntegerField(verbose_name="page no.")),
                ("table_name", models.CharField(max_length=63, verbose_name="table")),
                ("row_id", models.BigIntegerField(verbose_name="row no.")),
                (
                    "operation",
                    models.CharField(
                        choices=[("insert", "added"), ("update", "changed"), ("delete", "deleted")],
                        max_length=6,
                        verbose_name="what",
                    ),
                ),
                ("before", models.JSONField(null=True, verbose_name="before")),
                ("after", models.JSONField(null=True, verbose_name="after")),
                ("at", models.DateTimeField(verbose_name="at")),
                ("user_id", models.BigIntegerField(null=True, verbose_name="user no.")),
                ("username", models.CharField(max_length=150, verbose_name="user")),
                ("origin", models.CharField(max_length=100, verbose_name="by way of")),
                ("request_id", models.CharField(max_length=128, verbose_name="request no.")),
                ("database_role", models.CharField(max_length=63, verbose_name="database role")),
            ],
            options={
                "verbose_name": "change of the set-up",
                "verbose_name_plural": "changes of the set-up",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(
                        fields=["page_table", "page_id", "-id"], name="setup_change_by_page"
                    ),
                    models.Index(fields=["username", "-id"], name="setup_change_by_user"),
                ],
            },
        ),
        vouchers.sql.operations.AddTriggers(
            triggers={
                "setupchange": [
                    pgtrigger.compiler.Trigger(
                        name="setup_change_append_only",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                            hash="e66a061cf2047bcd26a8ce46ef2eac1ad3156781",
                            operation="UPDATE OR DELETE",
                            pgid="pgtrigger_setup_change_append_only_fa9c6",
                            table="vouchers_setupchange",
                            when="BEFORE",
                        ),
                    ),
                    pgtrigger.compiler.Trigger(
                        name="setup_change_no_truncate",
                        sql=pgtrigger.compiler.UpsertTriggerSql(
                            func="RAISE EXCEPTION 'a book cannot be truncated';",
                            hash="e8752c425ed86cb26fb5ca8a242fa7bd58b9ff92",
                            level="STATEMENT",
                            operation="TRUNCATE",
                            pgid="pgtrigger_setup_change_no_truncate_7c416",
                            table="vouchers_setupchange",
                            when="BEFORE",
                        ),
                    ),
                ],
            },
        ),
        migrations.RunPython(install, migrations.RunPython.noop),
        migrations.RunPython(grant, migrations.RunPython.noop),
    ]
