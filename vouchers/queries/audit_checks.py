"""All checks of the rows."""

from vouchers.queries.audit_check import Check
from vouchers.queries.audit_limits import LIMIT_CHECKS
from vouchers.queries.audit_money import MONEY_CHECKS
from vouchers.queries.audit_redemptions import REDEMPTION_CHECKS
from vouchers.queries.audit_refunds import REFUND_CHECKS
from vouchers.queries.audit_seals import SEALS_RECOMPUTE
from vouchers.queries.audit_settlement import SETTLEMENT_CHECKS
from vouchers.queries.audit_terms import TERMS_CHECKS
from vouchers.queries.audit_vouchers import VOUCHER_CHECKS

CHECKS: tuple[Check, ...] = (
    *MONEY_CHECKS,
    SEALS_RECOMPUTE,
    *LIMIT_CHECKS,
    *REDEMPTION_CHECKS,
    *REFUND_CHECKS,
    *TERMS_CHECKS,
    *VOUCHER_CHECKS,
    *SETTLEMENT_CHECKS,
)
