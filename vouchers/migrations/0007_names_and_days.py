"""Names of foreign keys; indexes by which a day is found."""

import django.contrib.postgres.indexes
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("merchants", "0001_initial"),
        ("vouchers", "0006_audience_without_key_checks"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="approval",
            name="approver",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="approver",
            ),
        ),
        migrations.AlterField(
            model_name="proxy",
            name="holder",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="proxies",
                to="vouchers.resident",
                verbose_name="holder",
            ),
        ),
        migrations.AlterField(
            model_name="proxy",
            name="proxy",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="proxy_for",
                to="vouchers.resident",
                verbose_name="proxy",
            ),
        ),
        migrations.AlterField(
            model_name="redemption",
            name="shown_by",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="vouchers.resident",
                verbose_name="shown by",
            ),
        ),
        migrations.AlterField(
            model_name="resident",
            name="guardian",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="vouchers.resident",
                verbose_name="guardian",
            ),
        ),
        migrations.AlterField(
            model_name="residentmerge",
            name="kept",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="merged_members",
                to="vouchers.resident",
                verbose_name="counted as",
            ),
        ),
        migrations.AlterField(
            model_name="residentmerge",
            name="member",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="merges",
                to="vouchers.resident",
                verbose_name="same person",
            ),
        ),
        migrations.AddIndex(
            model_name="attempt",
            index=django.contrib.postgres.indexes.BrinIndex(
                autosummarize=True, fields=["at"], name="attempt_by_at"
            ),
        ),
        migrations.AddIndex(
            model_name="redemption",
            index=django.contrib.postgres.indexes.BrinIndex(
                autosummarize=True, fields=["business_day"], name="redemption_by_day"
            ),
        ),
    ]
