"""The book of store locations cannot be emptied either."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("merchants", "0001_initial"),
    ]

    operations = [
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
