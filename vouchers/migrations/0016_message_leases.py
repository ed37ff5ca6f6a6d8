"""A message of the outbox belongs to one sweep at a time, and waits before it is tried again."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0016_numbers_folded")]

    operations = [
        migrations.AddField(
            model_name="outbox",
            name="lease_until_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="leased until"),
        ),
    ]
