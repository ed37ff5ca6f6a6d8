"""Indexes that answer the filters and searches of the admin's lists."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("vouchers", "0006_cases"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="attempt",
            index=models.Index(fields=["code", "-id"], name="attempt_by_code"),
        ),
        migrations.AddIndex(
            model_name="attempt",
            index=models.Index(fields=["voucher_id", "-id"], name="attempt_by_voucher"),
        ),
        migrations.AddIndex(
            model_name="exclusion",
            index=models.Index(fields=["campaign", "-id"], name="exclusion_by_campaign"),
        ),
        migrations.AddIndex(
            model_name="outbox",
            index=models.Index(
                condition=models.Q(("given_up_at__isnull", False)),
                fields=["-id"],
                name="outbox_given_up",
            ),
        ),
        migrations.AddIndex(
            model_name="paper",
            index=models.Index(fields=["voucher"], name="paper_by_voucher"),
        ),
        migrations.AddIndex(
            model_name="presentation",
            index=models.Index(fields=["voucher"], name="presentation_by_voucher"),
        ),
        migrations.AddIndex(
            model_name="settlement",
            index=models.Index(fields=["business_day", "-id"], name="settlement_by_day"),
        ),
        migrations.AddIndex(
            model_name="settlement",
            index=models.Index(fields=["campaign", "-id"], name="settlement_by_campaign"),
        ),
        migrations.AddIndex(
            model_name="signal",
            index=models.Index(fields=["kind", "-id"], name="signal_by_kind"),
        ),
    ]
