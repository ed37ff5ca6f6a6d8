"""A store number is unique within its merchant, upper and lower case being one."""

import django.db.models.deletion
import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("merchants", "0003_keys_of_a_cell"),
    ]

    operations = [
        migrations.AlterField(
            model_name="store",
            name="external_id",
            field=models.CharField(max_length=40, verbose_name="store no."),
        ),
        migrations.AlterField(
            model_name="store",
            name="merchant",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="stores",
                to="merchants.merchant",
                verbose_name="merchant",
            ),
        ),
        migrations.AddConstraint(
            model_name="store",
            constraint=models.UniqueConstraint(
                models.F("merchant"),
                django.db.models.functions.text.Upper("external_id"),
                name="one_store_number_per_merchant",
                violation_error_message="The merchant has a store of that number already.",
            ),
        ),
    ]
