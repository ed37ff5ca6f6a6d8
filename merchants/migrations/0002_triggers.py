"""Triggers of these tables."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("merchants", "0001_tables"),
    ]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name="storelocation",
            trigger=pgtrigger.compiler.Trigger(
                name="store_location_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="9007853414027d3afdbb4794d01c019e20e9caa0",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_store_location_append_only_26cc7",
                    table="merchants_storelocation",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="storelocation",
            trigger=pgtrigger.compiler.Trigger(
                name="store_location_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'a book cannot be truncated';",
                    hash="016f8f7c40aff711aa1d7868187b245f1e901a1f",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_store_location_no_truncate_bb72c",
                    table="merchants_storelocation",
                    when="BEFORE",
                ),
            ),
        ),
    ]
