"""When a pause of a campaign ends by the clock."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("vouchers", "0005_limits_of_launched"),
    ]

    operations = [
        migrations.AddField(
            model_name="campaign",
            name="paused_until_at",
            field=models.DateTimeField(
                blank=True, editable=False, null=True, verbose_name="paused until"
            ),
        ),
        migrations.AddConstraint(
            model_name="campaign",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("paused_until_at__isnull", True), ("state", "paused"), _connector="OR"
                ),
                name="campaign_deadline_of_pause",
            ),
        ),
    ]
