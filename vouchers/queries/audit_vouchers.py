"""Audit checks of what was minted, and for whom (invariants 6 and 12)."""

from django.utils.translation import gettext_noop as _

from vouchers.models.distribution import SERIAL_BITS
from vouchers.queries.audit_check import Check

SERIALS_DISTINCT = Check(
    6,
    "serials_distinct",
    _("no two vouchers share a number"),
    ("voucher", "rows"),
    "SELECT id, count(*) FROM vouchers_voucher GROUP BY id HAVING count(*) > 1",
)
VOUCHERS_OF_PEOPLE = Check(
    6,
    "voucher_has_holder",
    _("every voucher belongs to a resident, in that resident's bucket"),
    ("voucher", "resident"),
    """
    SELECT v.id, v.resident_id
      FROM vouchers_voucher v
      LEFT JOIN vouchers_resident r ON r.id = v.resident_id AND r.bucket = v.bucket
     WHERE r.id IS NULL
    """,
)
VOUCHERS_TARGETED = Check(
    12,
    "voucher_was_targeted",
    _("whoever got a voucher of a run is in that run's audience"),
    ("voucher", "run", "resident"),
    f"""
    SELECT v.id, s.run_id, v.resident_id
      FROM vouchers_voucher v
      JOIN vouchers_tranche t ON t.id = v.id >> {SERIAL_BITS}
      JOIN vouchers_shard s ON s.id = t.shard_id
      LEFT JOIN vouchers_audiencemember m
             ON m.run_id = s.run_id AND m.bucket = v.bucket AND m.resident_id = v.resident_id
     WHERE m.run_id IS NULL
    """,
)

VOUCHER_CHECKS = (
    SERIALS_DISTINCT,
    VOUCHERS_OF_PEOPLE,
    VOUCHERS_TARGETED,
)
