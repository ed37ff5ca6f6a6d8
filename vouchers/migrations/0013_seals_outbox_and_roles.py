"""Anchors in the outbox, a journal that can be sealed stretch by stretch, and who got which role.

Roles are written down by triggers on Django's own tables of users and groups, so that no way of
changing them goes unseen; the function runs as the schema's owner, so that nobody else writes there.
"""

import django.contrib.postgres.indexes
import django.db.models.functions.comparison
import pgtrigger.compiler
import pgtrigger.migrations
from typing import Any

from django.conf import settings
from django.db import migrations, models


ROLES = """
CREATE FUNCTION huimin_note_membership() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    held auth_user_groups%ROWTYPE := COALESCE(NEW, OLD);
BEGIN
    INSERT INTO vouchers_rolechange (user_id, username, role, is_granted, at, database_role)
    SELECT held.user_id, COALESCE((SELECT username FROM auth_user WHERE id = held.user_id), ''),
           COALESCE((SELECT name FROM auth_group WHERE id = held.group_id), held.group_id::text),
           TG_OP = 'INSERT', clock_timestamp(), session_user;
    RETURN NULL;
END $$;
CREATE TRIGGER note_membership AFTER INSERT OR DELETE ON auth_user_groups
    FOR EACH ROW EXECUTE FUNCTION huimin_note_membership();

CREATE FUNCTION huimin_note_marks() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO vouchers_rolechange (user_id, username, role, is_granted, at, database_role)
    SELECT COALESCE(NEW.id, OLD.id), COALESCE(NEW.username, OLD.username), role,
           COALESCE(fresh, false), clock_timestamp(), session_user
      FROM (VALUES ('superuser', OLD.is_superuser, NEW.is_superuser),
                   ('staff', OLD.is_staff, NEW.is_staff),
                   ('active', OLD.is_active, NEW.is_active)) AS mark(role, stale, fresh)
     WHERE COALESCE(stale, false) <> COALESCE(fresh, false);
    RETURN NULL;
END $$;
CREATE TRIGGER note_marks AFTER INSERT OR UPDATE OR DELETE ON auth_user
    FOR EACH ROW EXECUTE FUNCTION huimin_note_marks();
"""
NO_ROLES = """
DROP FUNCTION huimin_note_membership() CASCADE;
DROP FUNCTION huimin_note_marks() CASCADE;
"""


def grant_to_services(apps: Any, schema_editor: Any) -> None:
    """They read who got which role; writing is for the triggers alone."""
    role = settings.DATABASES["default"]["USER"]
    if role != schema_editor.connection.settings_dict["USER"]:
        quoted = schema_editor.quote_name(role)
        schema_editor.execute(f"GRANT SELECT ON vouchers_rolechange TO {quoted}")


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("vouchers", "0012_causes_and_privileges"),
    ]

    operations = [
        migrations.CreateModel(
            name="RoleChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("user_id", models.BigIntegerField(verbose_name="user no.")),
                ("username", models.CharField(max_length=150, verbose_name="user")),
                ("role", models.CharField(max_length=150, verbose_name="role")),
                ("is_granted", models.BooleanField(verbose_name="granted")),
                ("at", models.DateTimeField(verbose_name="at")),
                ("database_role", models.CharField(max_length=63, verbose_name="database role")),
            ],
            options={
                "verbose_name": "change of role",
                "verbose_name_plural": "changes of roles",
                "ordering": ["id"],
            },
        ),
        migrations.AddField(
            model_name="outbox",
            name="key",
            field=models.CharField(default="", max_length=400, unique=True, verbose_name="key"),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="outbox",
            name="last_error",
            field=models.CharField(blank=True, max_length=200, verbose_name="last error"),
        ),
        migrations.AddField(
            model_name="outbox",
            name="tries",
            field=models.PositiveIntegerField(default=0, verbose_name="tries"),
        ),
        migrations.AddIndex(
            model_name="transfer",
            index=django.contrib.postgres.indexes.BrinIndex(
                django.db.models.functions.comparison.Cast(
                    django.db.models.functions.comparison.Cast("xid", models.TextField()),
                    models.BigIntegerField(),
                ),
                autosummarize=True,
                name="transfer_by_xid",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="rolechange",
            trigger=pgtrigger.compiler.Trigger(
                name="role_change_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="e9b58a38da45a4e750cd1f85fd7e78817d33d690",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_role_change_append_only_94161",
                    table="vouchers_rolechange",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="rolechange",
            trigger=pgtrigger.compiler.Trigger(
                name="role_change_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'a book cannot be truncated';",
                    hash="ae1f9c24906fe925b456ba09be777fb7151a09ad",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_role_change_no_truncate_4a31d",
                    table="vouchers_rolechange",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.RunSQL(ROLES, NO_ROLES),
        migrations.RunPython(grant_to_services, migrations.RunPython.noop),
    ]
