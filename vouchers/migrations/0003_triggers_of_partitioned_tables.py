"""Triggers of the partitioned tables, installed once the partitions' parents exist."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0002_partitions")]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name="attempt",
            trigger=pgtrigger.compiler.Trigger(
                name="attempt_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="05d647fb2c5e6f41c29aff37886aae56a2baef22",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_attempt_append_only_3a92d",
                    table="vouchers_attempt",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="attempt",
            trigger=pgtrigger.compiler.Trigger(
                name="attempt_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'a book cannot be truncated';",
                    hash="60cdd9d22e00b7021f426dcc60a4318c74584b32",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_attempt_no_truncate_fab54",
                    table="vouchers_attempt",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="transfer",
            trigger=pgtrigger.compiler.Trigger(
                name="transfer_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="9cd3f18244fff991d12ab9d5a870e1fbe08e1fb0",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_transfer_append_only_c50db",
                    table="vouchers_transfer",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="transfer",
            trigger=pgtrigger.compiler.Trigger(
                name="transfer_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'a book cannot be truncated';",
                    hash="c6eff64aa8256a49f218c3e006c7c04dfd6ba268",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_transfer_no_truncate_24d56",
                    table="vouchers_transfer",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="leg",
            trigger=pgtrigger.compiler.Trigger(
                name="leg_append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="c01a25be105f8ed743b1557fa1c487191f63fcf2",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_leg_append_only_84cc6",
                    table="vouchers_leg",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="leg",
            trigger=pgtrigger.compiler.Trigger(
                name="leg_no_truncate",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'a book cannot be truncated';",
                    hash="3ea1d812978e496f78e5ec89c8a49c238cfdd2e8",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_leg_no_truncate_94f5e",
                    table="vouchers_leg",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="leg",
            trigger=pgtrigger.compiler.Trigger(
                name="legs_balance",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    declare="DECLARE broken bigint;",
                    func="\n                    SELECT f.transfer_id INTO broken\n                      FROM fresh f\n                      LEFT JOIN vouchers_transfer t ON t.id = f.transfer_id AND t.at = f.at\n                      LEFT JOIN vouchers_account a\n                             ON a.id = f.account_id AND a.campaign_id = t.campaign_id\n                     GROUP BY f.transfer_id, a.source_id\n                    HAVING sum(f.amount_fen) <> 0 OR a.source_id IS NULL\n                     LIMIT 1;\n                    IF FOUND THEN\n                        RAISE EXCEPTION 'the legs of transfer % do not balance', broken\n                            USING ERRCODE = 'check_violation', CONSTRAINT = 'legs_balance';\n                    END IF;\n                    RETURN NULL;\n                ",
                    hash="bdbd7532b611cc963817ccdf7cb9d7c30458fbf8",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_legs_balance_cc4a0",
                    referencing="REFERENCING NEW TABLE AS fresh ",
                    table="vouchers_leg",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="voucher",
            trigger=pgtrigger.compiler.Trigger(
                name="voucher_arrows",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state IS DISTINCT FROM NEW.state AND (OLD.state, NEW.state) NOT IN ((1, 2), (1, 3), (1, 4), (2, 1), (2, 3), (3, 1)))",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="8e214e0466a9c164a6a0904af124bd8e205cf999",
                    operation="UPDATE",
                    pgid="pgtrigger_voucher_arrows_cde51",
                    table="vouchers_voucher",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="voucher",
            trigger=pgtrigger.compiler.Trigger(
                name="voucher_identity_frozen",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.bucket IS DISTINCT FROM NEW.bucket OR OLD.resident_id IS DISTINCT FROM NEW.resident_id OR OLD.allocation_id IS DISTINCT FROM NEW.allocation_id)",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="6d4ce4d457969d59c00a326977ddc324aa53f01f",
                    operation="UPDATE",
                    pgid="pgtrigger_voucher_identity_frozen_d9596",
                    table="vouchers_voucher",
                    when="BEFORE",
                ),
            ),
        ),
    ]
