"""Streets (街镇) of the districts."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("merchants", "0002_triggers"),
    ]

    operations = [
        migrations.CreateModel(
            name="Street",
            fields=[
                (
                    "code",
                    models.IntegerField(primary_key=True, serialize=False, verbose_name="code"),
                ),
                ("name", models.CharField(max_length=40, verbose_name="name")),
                ("boundary", models.JSONField(verbose_name="boundary (GeoJSON, WGS-84)")),
                (
                    "district",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="streets",
                        to="merchants.district",
                        verbose_name="district",
                    ),
                ),
            ],
            options={
                "verbose_name": "street (街镇)",
                "verbose_name_plural": "streets (街镇)",
                "ordering": ["code"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("district", "name"), name="one_street_name_per_district"
                    )
                ],
            },
        ),
    ]
