"""The tables, by concept. Re-exported for Django; no decisions are taken here."""

from vouchers.models.audience.previews import PreviewCount
from vouchers.models.audience.snapshots import ResidentSnapshot, SnapshotBlock
from vouchers.models.campaigns.areas import Geofence, Ring
from vouchers.models.campaigns.campaigns import (
    Campaign,
    CampaignStore,
    Exclusion,
    LimitRule,
    Round,
)
from vouchers.models.campaigns.proposals import Proposal, ProposalDecision, ProposalSignature
from vouchers.models.campaigns.terms import Approval, CampaignEdit, TermsVersion
from vouchers.models.claims import Claim
from vouchers.models.history import SetupChange
from vouchers.models.issuing.runs import AudienceMember, Run, Shard, Tranche
from vouchers.models.issuing.targeting import Targeting, TargetingPart
from vouchers.models.issuing.vouchers import Voucher
from vouchers.models.ledger.funding import CashReceipt, FundingSource, Tier, TierSplit
from vouchers.models.ledger.quotas import Allocation, QuotaBucket, QuotaCell
from vouchers.models.ledger.transfers import Account, Leg, Transfer
from vouchers.models.limits.back_tests import BackTest
from vouchers.models.limits.cases import Case, CaseSignal
from vouchers.models.limits.limits import Attempt, Hold, LimitCounter
from vouchers.models.limits.risk import RiskTally, RiskVersion, Signal
from vouchers.models.proofs import AuditReport, Outbox, RoleChange, Seal
from vouchers.models.redemption.presentations import Paper, Presentation, WrongCodes
from vouchers.models.redemption.redemptions import OrderClaim, Redemption
from vouchers.models.redemption.refunds import Collection, CollectionLine, Refund, RefundPart
from vouchers.models.redemption.requests import RequestArchive, RequestRecord
from vouchers.models.residents.residents import (
    Consent,
    Link,
    Proxy,
    Resident,
    ResidentMerge,
    ResidentPoint,
)
from vouchers.models.residents.standing import StandingChange
from vouchers.models.roles import Grant
from vouchers.models.sandbox import SandboxClock
from vouchers.models.settlement import Settlement, SettlementLine
from vouchers.models.webhooks import WebhookDelivery, WebhookEndpoint

__all__ = [
    "Account",
    "Allocation",
    "Approval",
    "Attempt",
    "AudienceMember",
    "AuditReport",
    "BackTest",
    "Campaign",
    "CampaignEdit",
    "CampaignStore",
    "Case",
    "CaseSignal",
    "CashReceipt",
    "Claim",
    "Collection",
    "CollectionLine",
    "Consent",
    "Exclusion",
    "FundingSource",
    "Geofence",
    "Grant",
    "Hold",
    "Leg",
    "LimitCounter",
    "LimitRule",
    "Link",
    "OrderClaim",
    "Outbox",
    "Paper",
    "Presentation",
    "PreviewCount",
    "Proposal",
    "ProposalDecision",
    "ProposalSignature",
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
    "ResidentSnapshot",
    "Ring",
    "RiskTally",
    "RiskVersion",
    "RoleChange",
    "Round",
    "Run",
    "SandboxClock",
    "Seal",
    "Settlement",
    "SettlementLine",
    "SetupChange",
    "Shard",
    "Signal",
    "SnapshotBlock",
    "StandingChange",
    "Targeting",
    "TargetingPart",
    "TermsVersion",
    "Tier",
    "TierSplit",
    "Tranche",
    "Transfer",
    "Voucher",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WrongCodes",
]
