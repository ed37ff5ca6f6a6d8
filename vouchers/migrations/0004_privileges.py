"""Rights of the services' role, from the one matrix; the journal's first months."""

from django.db import migrations

from vouchers.sql.privileges import grant

FIRST_MONTHS = """
SELECT huimin_open_month((now() AT TIME ZONE 'UTC' + make_interval(months => m))::date)
  FROM generate_series(0, 2) AS m
"""


class Migration(migrations.Migration):
    dependencies = [("merchants", "0002_triggers"), ("vouchers", "0003_triggers")]

    operations = [
        migrations.RunPython(grant, migrations.RunPython.noop),
        migrations.RunSQL(FIRST_MONTHS, migrations.RunSQL.noop),
    ]
