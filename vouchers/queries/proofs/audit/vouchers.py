"""Audit checks of vouchers and their holders (invariants 6 and 12)."""

from django.utils.translation import gettext_noop as _

from vouchers.models.issuing.runs import SERIAL_BITS
from vouchers.queries.proofs.audit.check import Check, CheckTitle, Scan
from vouchers.rules.residents import SANDBOX

SERIALS_DISTINCT = Check(
    6,
    "serials_distinct",
    _("no two vouchers share a number"),
    ("voucher", "rows"),
    "SELECT id, count(*) FROM vouchers_voucher GROUP BY id HAVING count(*) > 1",
)
# Nearly every holder is in the run's audience, so each voucher is looked up once among those; only
# who is not found there is looked for one by one.
VOUCHERS_OF_PEOPLE = Scan(
    (
        CheckTitle(
            6,
            "voucher_has_holder",
            _("every voucher belongs to a resident, in that resident's bucket"),
        ),
        CheckTitle(
            12,
            "voucher_was_targeted",
            _("every resident with a voucher of a run is in that run's audience"),
        ),
    ),
    ("voucher", "run", "resident"),
    f"""
    WITH known AS (
        SELECT m.run_id, m.bucket, m.resident_id
          FROM vouchers_audiencemember m
          JOIN vouchers_resident r ON r.id = m.resident_id AND r.bucket = m.bucket),
    suspects AS MATERIALIZED (
        SELECT v.id, v.resident_id, v.bucket, s.run_id
          FROM vouchers_voucher v
          LEFT JOIN vouchers_tranche t ON t.id = v.id >> {SERIAL_BITS}
          LEFT JOIN vouchers_shard s ON s.id = t.shard_id
          LEFT JOIN known k ON k.resident_id = v.resident_id AND k.run_id = s.run_id
                AND k.bucket = v.bucket
         WHERE k.run_id IS NULL)
    SELECT 'voucher_has_holder', v.id, v.run_id, v.resident_id
      FROM suspects v
      LEFT JOIN vouchers_resident r ON r.id = v.resident_id AND r.bucket = v.bucket
     WHERE r.id IS NULL
     UNION ALL
    SELECT 'voucher_was_targeted', v.id, v.run_id, v.resident_id
      FROM suspects v
      LEFT JOIN vouchers_audiencemember m
             ON m.run_id = v.run_id AND m.bucket = v.bucket AND m.resident_id = v.resident_id
     WHERE v.run_id IS NOT NULL AND m.run_id IS NULL
    """,
)
# By the index of the sandbox's residents, who are few, and by the tranches of its campaigns.
VOUCHERS_WITHIN_SANDBOX = Check(
    12,
    "vouchers_within_sandbox",
    _("no resident of the city holds a voucher of the sandbox, nor one of the sandbox a live one"),
    ("voucher", "campaign", "resident"),
    f"""
    SELECT v.id, c.id, r.id
      FROM vouchers_resident r
      JOIN vouchers_voucher v ON v.resident_id = r.id
      JOIN vouchers_tranche t ON t.id = v.id >> {SERIAL_BITS}
      JOIN vouchers_campaign c ON c.id = t.campaign_id AND NOT c.is_test
     WHERE r.external_id LIKE '{SANDBOX}%'
     UNION ALL
    SELECT v.id, c.id, v.resident_id
      FROM vouchers_campaign c
      JOIN vouchers_tranche t ON t.campaign_id = c.id
      JOIN vouchers_voucher v
        ON v.id >= t.id << {SERIAL_BITS} AND v.id < (t.id + 1) << {SERIAL_BITS}
      JOIN vouchers_resident r ON r.id = v.resident_id AND r.external_id NOT LIKE '{SANDBOX}%'
     WHERE c.is_test
    """,
)

VOUCHER_CHECKS = (SERIALS_DISTINCT, VOUCHERS_WITHIN_SANDBOX)
