"""Every redemption draws two numbers; a session draws them in blocks, not each from the page."""

from django.db import migrations

SEQUENCES = ("vouchers_redemption_id_seq", "vouchers_transfer_id_seq", "vouchers_attempt_id_seq")


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0009_unknown_is_no_answer")]

    operations = [
        migrations.RunSQL(f"ALTER SEQUENCE {name} CACHE 64", f"ALTER SEQUENCE {name} CACHE 1")
        for name in SEQUENCES
    ]
