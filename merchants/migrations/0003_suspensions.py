"""When a suspension of a merchant, store or credential ends by the clock."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("merchants", "0002_triggers"),
    ]

    operations = [
        migrations.AddField(
            model_name="credential",
            name="suspended_until_at",
            field=models.DateTimeField(
                blank=True, editable=False, null=True, verbose_name="suspended until"
            ),
        ),
        migrations.AddField(
            model_name="merchant",
            name="suspended_until_at",
            field=models.DateTimeField(
                blank=True, editable=False, null=True, verbose_name="suspended until"
            ),
        ),
        migrations.AddField(
            model_name="store",
            name="suspended_until_at",
            field=models.DateTimeField(
                blank=True, editable=False, null=True, verbose_name="suspended until"
            ),
        ),
        migrations.AddIndex(
            model_name="credential",
            index=models.Index(
                condition=models.Q(("suspended_until_at__isnull", False)),
                fields=["suspended_until_at"],
                name="credential_suspension_due",
            ),
        ),
        migrations.AddIndex(
            model_name="merchant",
            index=models.Index(
                condition=models.Q(("suspended_until_at__isnull", False)),
                fields=["suspended_until_at"],
                name="merchant_suspension_due",
            ),
        ),
        migrations.AddIndex(
            model_name="store",
            index=models.Index(
                condition=models.Q(("suspended_until_at__isnull", False)),
                fields=["suspended_until_at"],
                name="store_suspension_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="credential",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("suspended_until_at__isnull", True), ("state", "suspended"), _connector="OR"
                ),
                name="credential_deadline_of_suspension",
            ),
        ),
        migrations.AddConstraint(
            model_name="merchant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("suspended_until_at__isnull", True), ("state", "suspended"), _connector="OR"
                ),
                name="merchant_deadline_of_suspension",
            ),
        ),
        migrations.AddConstraint(
            model_name="store",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("suspended_until_at__isnull", True), ("state", "suspended"), _connector="OR"
                ),
                name="store_deadline_of_suspension",
            ),
        ),
    ]
