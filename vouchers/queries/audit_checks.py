"""All readings of the rows, the longest first: whoever is free takes the next."""

from vouchers.queries.audit_check import Check, Scan
from vouchers.queries.audit_limits import LIMIT_CHECKS
from vouchers.queries.audit_money import JOURNAL, MONEY_CHECKS
from vouchers.queries.audit_redemptions import REDEMPTION_CHECKS
from vouchers.queries.audit_refunds import REFUND_CHECKS
from vouchers.queries.audit_seals import SEALS_RECOMPUTE
from vouchers.queries.audit_settlement import SETTLEMENT_CHECKS
from vouchers.queries.audit_terms import TERMS_CHECKS
from vouchers.queries.audit_vouchers import VOUCHER_CHECKS, VOUCHERS_OF_PEOPLE

CHECKS: tuple[Check, ...] = (
    SEALS_RECOMPUTE,
    *LIMIT_CHECKS,
    *SETTLEMENT_CHECKS,
    *VOUCHER_CHECKS,
    *REDEMPTION_CHECKS,
    *MONEY_CHECKS,
    *REFUND_CHECKS,
    *TERMS_CHECKS,
)
SCANS: tuple[Scan, ...] = (JOURNAL, VOUCHERS_OF_PEOPLE, *(check.scan for check in CHECKS))
