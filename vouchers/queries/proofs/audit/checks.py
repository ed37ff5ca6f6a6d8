"""All scans, the longest first: an idle connection takes the next."""

from vouchers.queries.proofs.audit.check import Check, Scan
from vouchers.queries.proofs.audit.claims import CLAIM_CHECKS
from vouchers.queries.proofs.audit.limits import LIMIT_CHECKS
from vouchers.queries.proofs.audit.money import JOURNAL, MONEY_CHECKS
from vouchers.queries.proofs.audit.presentations import PRESENTATION_CHECKS
from vouchers.queries.proofs.audit.redemptions import REDEMPTION_CHECKS
from vouchers.queries.proofs.audit.refunds import REFUND_CHECKS
from vouchers.queries.proofs.audit.risk import RISK_CHECKS
from vouchers.queries.proofs.audit.seals import SEALS_RECOMPUTE
from vouchers.queries.proofs.audit.settlement import SETTLEMENT_CHECKS
from vouchers.queries.proofs.audit.tallies import TALLY_CHECKS
from vouchers.queries.proofs.audit.terms import TERMS_CHECKS
from vouchers.queries.proofs.audit.vouchers import VOUCHER_CHECKS, VOUCHERS_OF_PEOPLE

CHECKS: tuple[Check, ...] = (
    SEALS_RECOMPUTE,
    *LIMIT_CHECKS,
    *TALLY_CHECKS,
    *RISK_CHECKS,
    *SETTLEMENT_CHECKS,
    *VOUCHER_CHECKS,
    *CLAIM_CHECKS,
    *REDEMPTION_CHECKS,
    *PRESENTATION_CHECKS,
    *MONEY_CHECKS,
    *REFUND_CHECKS,
    *TERMS_CHECKS,
)
SCANS: tuple[Scan, ...] = (JOURNAL, VOUCHERS_OF_PEOPLE, *(check.scan for check in CHECKS))
