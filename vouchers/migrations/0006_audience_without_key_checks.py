"""A million members refer to one run: COPY spends half its time checking that it is there."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0005_terms_frozen_after_draft")]

    operations = [
        migrations.AlterField(
            model_name="audiencemember",
            name="run",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="members",
                to="vouchers.run",
            ),
        ),
    ]
