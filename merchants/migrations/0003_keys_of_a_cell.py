"""The first characters of a key begin with its cell."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("merchants", "0002_store_locations_not_truncated"),
    ]

    operations = [
        migrations.AlterField(
            model_name="credentialkey",
            name="hint",
            field=models.CharField(max_length=32, verbose_name="first characters"),
        ),
    ]
