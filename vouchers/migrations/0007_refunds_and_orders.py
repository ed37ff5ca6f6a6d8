"""What the office calls back of a redemption; numbers of the sandbox apart from the live ones."""

import django.db.models.deletion
import django.db.models.functions.text
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

from vouchers.sql.functions import OPEN_MONTH


class Migration(migrations.Migration):
    dependencies = [
        ("merchants", "0002_triggers"),
        ("vouchers", "0006_pause_deadline"),
    ]

    operations = [
        migrations.RunSQL(OPEN_MONTH, migrations.RunSQL.noop),
        pgtrigger.migrations.RemoveTrigger(
            model_name="refund",
            name="refund_by_its_merchant",
        ),
        migrations.RemoveConstraint(
            model_name="refund",
            name="one_refund_per_number",
        ),
        migrations.RemoveConstraint(
            model_name="refund",
            name="refund_positive",
        ),
        migrations.AddField(
            model_name="refund",
            name="hold",
            field=models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="vouchers.hold",
                verbose_name="hold",
            ),
        ),
        migrations.AddField(
            model_name="refund",
            name="is_test",
            field=models.BooleanField(default=False, verbose_name="test"),
        ),
        # Its condition names the column, whose type changes.
        pgtrigger.migrations.RemoveTrigger(
            model_name="orderclaim", name="order_claim_only_reversed"
        ),
        migrations.AlterField(
            model_name="orderclaim",
            name="order_no",
            field=models.CharField(max_length=65, verbose_name="order no."),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="orderclaim",
            trigger=pgtrigger.compiler.Trigger(
                name="order_claim_only_reversed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.redemption_id IS NOT NULL OR (OLD.store_id, OLD.order_no, OLD.voucher_id, OLD.claimed_at) IS DISTINCT FROM (NEW.store_id, NEW.order_no, NEW.voucher_id, NEW.claimed_at))",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="9d11631ac0a8d8ca040a01dedf619db24a9cd214",
                    operation="UPDATE",
                    pgid="pgtrigger_order_claim_only_reversed_a0512",
                    table="vouchers_orderclaim",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AlterField(
            model_name="refund",
            name="caller",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="merchants.credential",
            ),
        ),
        migrations.AlterField(
            model_name="refund",
            name="refund_no",
            field=models.CharField(blank=True, max_length=64, verbose_name="refund no."),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="refund",
            trigger=pgtrigger.compiler.Trigger(
                name="refund_by_its_merchant",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="\n            IF NOT EXISTS (SELECT FROM vouchers_redemption r JOIN merchants_store s ON s.merchant_id = r.merchant_id JOIN vouchers_campaign c ON c.id = r.campaign_id AND c.is_test = NEW.is_test WHERE r.id = NEW.redemption_id AND r.voucher_id = NEW.voucher_id AND r.merchant_id = NEW.merchant_id AND s.id = NEW.store_id AND r.state IN (2, 5)) THEN\n                RAISE EXCEPTION 'not a captured redemption of that store''s merchant'\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_by_its_merchant';\n            END IF; RETURN NEW;",
                    hash="3c96eab2643f096d20cdce7144889c382a17338c",
                    operation="INSERT",
                    pgid="pgtrigger_refund_by_its_merchant_5233f",
                    table="vouchers_refund",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="refund",
            trigger=pgtrigger.compiler.Trigger(
                name="clawback_of_its_hold",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.hold_id IS NOT NULL)",
                    func="\n            IF NOT EXISTS (SELECT FROM vouchers_hold WHERE id = NEW.hold_id AND redemption_id = NEW.redemption_id AND voucher_id = NEW.voucher_id AND released_at IS NULL) THEN\n                RAISE EXCEPTION 'no open hold of the redemption'\n                    USING ERRCODE = 'check_violation', CONSTRAINT = 'clawback_of_its_hold';\n            END IF; RETURN NEW;",
                    hash="e9aeb18fa267c01e8b8dad0be595382d21ccb1a8",
                    operation="INSERT",
                    pgid="pgtrigger_clawback_of_its_hold_36fc4",
                    table="vouchers_refund",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.UniqueConstraint(
                models.F("merchant"),
                models.F("is_test"),
                django.db.models.functions.text.Upper("refund_no"),
                condition=models.Q(("hold", None)),
                name="one_refund_per_number",
            ),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("amount_fen__gt", 0), ("caller__isnull", False), ("hold", None)),
                    models.Q(
                        ("amount_fen", 0),
                        ("caller", None),
                        ("gives_voucher_back", False),
                        ("hold__isnull", False),
                        ("refund_no", ""),
                    ),
                    _connector="OR",
                ),
                name="refund_positive",
            ),
        ),
    ]
