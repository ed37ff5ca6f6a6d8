"""The tables, by concept. Re-exported for Django; no decisions are taken here."""

from vouchers.models.audit import AuditReport, Outbox, RoleChange, Seal
from vouchers.models.campaigns import (
    Campaign,
    CampaignStore,
    CapRule,
    Exclusion,
    Geofence,
    Ring,
    Round,
)
from vouchers.models.distribution import AudienceMember, Run, Shard, Tranche
from vouchers.models.fraud import Attempt, CapCounter, Hold, Signal
from vouchers.models.funding import CashReceipt, FundingSource, Tier, TierSplit
from vouchers.models.ledger import Account, Leg, Transfer
from vouchers.models.proposals import Proposal, ProposalDecision
from vouchers.models.quotas import Allocation, QuotaBucket, QuotaCell
from vouchers.models.redemption import OrderClaim, Redemption
from vouchers.models.refunds import Collection, CollectionLine, Refund, RefundPart
from vouchers.models.requests import RequestArchive, RequestRecord
from vouchers.models.residents import Consent, Link, Proxy, Resident, ResidentMerge, ResidentPoint
from vouchers.models.settlement import Settlement, SettlementLine
from vouchers.models.terms import Approval, CampaignEdit, TermsVersion
from vouchers.models.vouchers import Voucher

__all__ = [
    "Account",
    "Allocation",
    "Approval",
    "Attempt",
    "AudienceMember",
    "AuditReport",
    "Campaign",
    "CampaignEdit",
    "CampaignStore",
    "CapCounter",
    "CapRule",
    "CashReceipt",
    "Collection",
    "CollectionLine",
    "Consent",
    "Exclusion",
    "FundingSource",
    "Geofence",
    "Hold",
    "Leg",
    "Link",
    "OrderClaim",
    "Outbox",
    "Proposal",
    "ProposalDecision",
    "Proxy",
    "QuotaBucket",
    "QuotaCell",
    "Redemption",
    "Refund",
    "RefundPart",
    "RequestArchive",
    "RequestRecord",
    "Resident",
    "ResidentMerge",
    "ResidentPoint",
    "Ring",
    "RoleChange",
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
