"""A CHECK is content with "unknown": a limit and a percentage must be there to be checked."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("vouchers", "0008_settled_redemption_stands"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="caprule",
            name="cap_limits",
        ),
        migrations.RemoveConstraint(
            model_name="tier",
            name="percentage_only_for_percent_tiers",
        ),
        migrations.AddConstraint(
            model_name="caprule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("limit_count__isnull", False), ("limit_fen__isnull", True)),
                    models.Q(("limit_fen__gte", 0), ("limit_fen__isnull", False)),
                    _connector="OR",
                ),
                name="cap_limits",
            ),
        ),
        migrations.AddConstraint(
            model_name="tier",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("kind", "percent"),
                        ("percent_bp__isnull", False),
                        ("percent_bp__range", (1, 9999)),
                    ),
                    models.Q(
                        models.Q(("kind", "percent"), _negated=True), ("percent_bp__isnull", True)
                    ),
                    _connector="OR",
                ),
                name="percentage_only_for_percent_tiers",
            ),
        ),
    ]
