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
        pgtrigger.migrations.AddTrigger(
            model_name="store",
            trigger=pgtrigger.compiler.Trigger(
                name="store_street_of_its_district",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.street_id IS NOT NULL)",
                    func="\n            IF NOT EXISTS (SELECT FROM merchants_street\n                            WHERE code = NEW.street_id AND district_id = NEW.district_id) THEN\n                RAISE EXCEPTION 'a street of another district'\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'store_street_of_its_district';\n            END IF;\n            RETURN NEW;",
                    hash="aa3ec3c331e2bab3fbdd1fc11aae589e729add5c",
                    operation='INSERT OR UPDATE OF "district_id", "street_id"',
                    pgid="pgtrigger_store_street_of_its_district_9762a",
                    table="merchants_store",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="street",
            trigger=pgtrigger.compiler.Trigger(
                name="street_district_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.district_id IS DISTINCT FROM NEW.district_id)",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="9169859c831b2e54662dcafc83d6a01edd7c2cd5",
                    operation="UPDATE",
                    pgid="pgtrigger_street_district_frozen_e026c",
                    table="merchants_street",
                    when="BEFORE",
                ),
            ),
        ),
    ]
