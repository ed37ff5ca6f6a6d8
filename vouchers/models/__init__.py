"""The tables, by concept. Re-exported for Django; no decisions are taken here."""

from .audit import AuditReport, Outbox, Seal
from .campaigns import (
    Approval,
    Campaign,
    CampaignStore,
    CapRule,
    CashReceipt,
    Exclusion,
    FundingSource,
    Geofence,
    Ring,
    Round,
    TermsVersion,
    Tier,
    TierSplit,
)
from .distribution import AudienceMember, Run, Shard, Tranche
from .fraud import Attempt, CapCounter, Hold, Signal
from .ledger import Account, Leg, Transfer
from .quotas import Allocation, QuotaBucket, QuotaCell
from .redemption import OrderClaim, Redemption, RequestRecord
from .residents import (
    Consent,
    Link,
    Proxy,
    Resident,
    ResidentMerge,
    ResidentPoint,
)
from .settlement import Settlement, SettlementLine
from .vouchers import Voucher

__all__ = [
    "Account",
    "Allocation",
    "Approval",
    "Attempt",
    "AudienceMember",
    "AuditReport",
    "Campaign",
    "CampaignStore",
    "CapCounter",
    "CapRule",
    "CashReceipt",
    "Consent",
    "Exclusion",
    "FundingSource",
    "Geofence",
    "Hold",
    "Leg",
    "Link",
    "OrderClaim",
    "Outbox",
    "Proxy",
    "QuotaBucket",
    "QuotaCell",
    "Redemption",
    "RequestRecord",
    "Resident",
    "ResidentMerge",
    "ResidentPoint",
    "Ring",
    "Round",
    "Run",
    "Seal",
    "Settlement",
    "SettlementLine",
    "Shard",
    "Signal",
    "TermsVersion",
    "Tier",
    "TierSplit",
    "Tranche",
    "Transfer",
    "Voucher",
]
