"""Every transfer has a cause of its kind; the services' role gets its part of the new tables."""

from typing import Any

from django.conf import settings
from django.db import migrations

CAUSES = [
    "appropriate/source", "appropriate/proposal", "cut/source", "cut/proposal",
    "reserve/run", "reserve/tranche", "release/shard", "mint/shard", "mint/tranche",
    "authorise/redemption", "capture/redemption", "lapse/redemption", "redeem/redemption",
    "void/redemption", "reverse/redemption",
    "refund/refund", "recover/refund", "reissue/refund",
    "expire/tranche", "hold/hold", "unhold/hold",
    "settle/settlement", "net/settlement", "collect/collection", "repay/proposal",
]  # fmt: skip

CAUSE_FITS = f"""
ALTER TABLE vouchers_transfer ADD CONSTRAINT transfer_cause_fits_reason
    CHECK (reason || '/' || cause = ANY ('{{{",".join(CAUSES)}}}'::text[]))
"""

# Rows that may be added to but never changed.
BOOKS = [
    "vouchers_collection",
    "vouchers_collectionline",
    "vouchers_proposal",
    "vouchers_proposaldecision",
    "vouchers_refund",
    "vouchers_refundpart",
]
# Rows that change but never leave.
LASTING = [
    "vouchers_capcounter",
    "vouchers_hold",
    "vouchers_quotabucket",
    "vouchers_redemption",
    "vouchers_settlement",
    "vouchers_tranche",
]


def grant_to_services(apps: Any, schema_editor: Any) -> None:
    """Skipped where one role both owns the schema and runs the services."""
    role = settings.DATABASES["default"]["USER"]
    if role == schema_editor.connection.settings_dict["USER"]:
        return
    quoted = schema_editor.quote_name(role)
    schema_editor.execute(f"GRANT SELECT, INSERT ON {', '.join(BOOKS)} TO {quoted}")
    schema_editor.execute(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {quoted}")
    schema_editor.execute(f"REVOKE DELETE ON {', '.join(LASTING)} FROM {quoted}")


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0011_money_that_cannot_be_wrong")]

    operations = [
        migrations.RunSQL(
            CAUSE_FITS, "ALTER TABLE vouchers_transfer DROP CONSTRAINT transfer_cause_fits_reason"
        ),
        migrations.RunPython(grant_to_services, migrations.RunPython.noop),
    ]
