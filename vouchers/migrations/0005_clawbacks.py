"""What the office calls back of a redemption that was partly refunded."""

import django.db.models.deletion
import django.db.models.functions.text
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("merchants", "0002_triggers"),
        ("vouchers", "0004_privileges"),
    ]

    operations = [
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
