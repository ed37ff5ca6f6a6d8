"""Vouchers come out of runs alone: every tranche is a shard's, and no other cause issues money."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


CAUSES = [
    "appropriate/source", "appropriate/proposal", "cut/source", "cut/proposal",
    "reserve/run", "release/shard", "mint/shard",
    "authorise/redemption", "capture/redemption", "lapse/redemption", "redeem/redemption",
    "void/redemption", "reverse/redemption",
    "refund/refund", "recover/refund", "reissue/refund",
    "expire/tranche", "hold/hold", "unhold/hold",
    "settle/settlement", "net/settlement", "collect/collection", "repay/proposal",
]  # fmt: skip

CAUSE_FITS = f"""
ALTER TABLE vouchers_transfer
    DROP CONSTRAINT transfer_cause_fits_reason,
    ADD CONSTRAINT transfer_cause_fits_reason
        CHECK (reason || '/' || cause = ANY ('{{{",".join(CAUSES)}}}'::text[]))
"""


class Migration(migrations.Migration):
    dependencies = [
        ("vouchers", "0018_cells_and_archives"),
    ]

    operations = [
        migrations.RunSQL(CAUSE_FITS, migrations.RunSQL.noop),
        pgtrigger.migrations.RemoveTrigger(
            model_name="run",
            name="run_arrows",
        ),
        migrations.AlterField(
            model_name="run",
            name="state",
            field=models.CharField(
                choices=[
                    ("queued", "waiting for a worker"),
                    ("targeted", "audience found"),
                    ("reserved", "money reserved, minting"),
                    ("done", "done"),
                    ("cancelled", "cancelled"),
                ],
                default="queued",
                max_length=10,
                verbose_name="state",
            ),
        ),
        migrations.AlterField(
            model_name="tranche",
            name="shard",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="tranche",
                to="vouchers.shard",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="run",
            trigger=pgtrigger.compiler.Trigger(
                name="run_arrows",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.state IS DISTINCT FROM NEW.state AND (OLD.state, NEW.state) NOT IN (('queued', 'cancelled'), ('queued', 'targeted'), ('reserved', 'done'), ('targeted', 'cancelled'), ('targeted', 'reserved')))",
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="3110d15f3c7b07346b395000d0f6aef5bab3e243",
                    operation="UPDATE",
                    pgid="pgtrigger_run_arrows_cd46b",
                    table="vouchers_run",
                    when="BEFORE",
                ),
            ),
        ),
    ]
