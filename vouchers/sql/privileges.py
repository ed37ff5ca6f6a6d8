"""What the services' role may do with each table: everything it needs and no more. The one matrix.

Partitions are in no list: rows reach them through their parents, where the triggers are. Vouchers
come into being by attaching a tranche, or are inserted with their claims, which a trigger demands;
of a voucher nothing but its state ever changes.
Tables of Django and of other packages are granted by `manage.py migrate`: they come and go with
versions.
"""

from typing import Any, Final

from django.conf import settings

from vouchers.sql.functions import OF_SERVICES

# Rows that are added and never changed; triggers refuse it too, for the owner as well.
ADDED_ONLY: Final = (
    "merchants_storelocation",
    "vouchers_account",
    "vouchers_allocation",
    "vouchers_approval",
    "vouchers_attempt",
    "vouchers_audiencemember",
    "vouchers_auditreport",
    "vouchers_campaignedit",
    "vouchers_claim",
    "vouchers_casesignal",
    "vouchers_cashreceipt",
    "vouchers_collection",
    "vouchers_collectionline",
    "vouchers_leg",
    "vouchers_previewcount",
    "vouchers_proposal",
    "vouchers_proposaldecision",
    "vouchers_proposalsignature",
    "vouchers_refund",
    "vouchers_refundpart",
    "vouchers_requestarchive",
    "vouchers_requestrecord",
    "vouchers_riskversion",
    "vouchers_seal",
    "vouchers_settlementline",
    "vouchers_signal",
    "vouchers_standingchange",
    "vouchers_targeting",
    "vouchers_termsversion",
    "vouchers_transfer",
    "vouchers_webhookdelivery",
)
# Rows that change and never leave.
NEVER_DELETED: Final = (
    "vouchers_backtest",
    "vouchers_case",
    "vouchers_limitcounter",
    "vouchers_grant",
    "vouchers_hold",
    "vouchers_paper",
    "vouchers_quotabucket",
    "vouchers_redemption",
    "vouchers_resident",
    "vouchers_residentsnapshot",
    "vouchers_risktally",
    "vouchers_run",
    "vouchers_settlement",
    "vouchers_shard",
    "vouchers_targetingpart",
    "vouchers_tranche",
    "vouchers_webhookendpoint",
)
# Rows that come, change and leave, each by its own rules.
EDITED: Final = (
    "merchants_credential",
    "merchants_credential_merchants",
    "merchants_credential_stores",
    "merchants_credentialkey",
    "merchants_district",
    "merchants_enrolmentcode",
    "merchants_enrolmentguess",
    "merchants_merchant",
    "merchants_ownnumber",
    "merchants_store",
    "merchants_street",
    "merchants_terminal",
    "vouchers_campaign",
    "vouchers_campaignstore",
    "vouchers_limitrule",
    "vouchers_consent",
    "vouchers_exclusion",
    "vouchers_fundingsource",
    "vouchers_geofence",
    "vouchers_link",
    "vouchers_orderclaim",
    "vouchers_outbox",
    "vouchers_presentation",
    "vouchers_proxy",
    "vouchers_quotacell",
    "vouchers_residentmerge",
    "vouchers_residentpoint",
    "vouchers_ring",
    "vouchers_round",
    "vouchers_sandboxclock",
    "vouchers_snapshotblock",
    "vouchers_tier",
    "vouchers_tiersplit",
    "vouchers_wrongcodes",
)
# Written by triggers, read by the services.
READ_ONLY: Final = ("vouchers_rolechange", "vouchers_setupchange")

MATRIX: Final = {
    **dict.fromkeys(ADDED_ONLY, ("SELECT", "INSERT")),
    **dict.fromkeys(NEVER_DELETED, ("SELECT", "INSERT", "UPDATE")),
    **dict.fromkeys(EDITED, ("SELECT", "INSERT", "UPDATE", "DELETE")),
    **dict.fromkeys(READ_ONLY, ("SELECT",)),
    "vouchers_voucher": ("SELECT", "INSERT", "UPDATE (state)"),
}


def grant(_apps: Any, schema_editor: Any) -> None:
    """Bring the role's rights to the matrix, on the tables there are; for migrations.

    Does nothing where one role both owns the schema and runs the services.
    """
    role = settings.DATABASES["default"]["USER"]
    if role == schema_editor.connection.settings_dict["USER"]:
        return
    quoted = schema_editor.quote_name(role)
    with schema_editor.connection.cursor() as cursor:
        existing = set(schema_editor.connection.introspection.table_names(cursor))
    for table in sorted(existing & MATRIX.keys()):
        schema_editor.execute(f"REVOKE ALL ON {table} FROM {quoted}")
        schema_editor.execute(f"GRANT {', '.join(MATRIX[table])} ON {table} TO {quoted}")
    schema_editor.execute(f"GRANT USAGE ON SCHEMA public TO {quoted}")
    schema_editor.execute(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {quoted}")
    schema_editor.execute(f"GRANT EXECUTE ON FUNCTION {', '.join(OF_SERVICES)} TO {quoted}")
