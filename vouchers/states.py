"""The states of things and the only arrows between them.

Plain enums, so that `rules/` can use them without Django. The arrows are guarded again by triggers
made from these very sets (`models/guards.py`).
"""

from enum import IntEnum, StrEnum


class CampaignState(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"
    SETTLED = "settled"
    CLOSED = "closed"


class TierKind(StrEnum):
    THRESHOLD = "threshold"  # 满减: face off when the threshold is met
    FLAT = "flat"  # 立减: face off any order
    PERCENT = "percent"  # 折扣: a share of the eligible amount, at most the face


class ThresholdBasis(StrEnum):
    PRE_DISCOUNT = "pre_discount"  # the order's whole amount, before the shop's own discounts
    POST_DISCOUNT = "post_discount"  # the eligible amount left after the shop's own discounts


class ResidentState(StrEnum):
    ACTIVE = "active"
    FROZEN = "frozen"
    DECEASED = "deceased"
    ERASED = "erased"


class RunState(StrEnum):
    DRAFT = "draft"  # may still change
    QUEUED = "queued"  # waits for a worker
    TARGETED = "targeted"  # audience written
    RESERVED = "reserved"  # money taken from its cells, shards cut
    DONE = "done"  # every shard minted
    CANCELLED = "cancelled"


class ShardState(StrEnum):
    WAITING = "waiting"
    LEASED = "leased"
    DONE = "done"


class TrancheState(StrEnum):
    OUTSTANDING = "outstanding"
    EXPIRED = "expired"


class VoucherState(IntEnum):
    ISSUED = 1
    AUTHORISED = 2
    REDEEMED = 3
    WITHDRAWN = 4


class RedemptionState(IntEnum):
    AUTHORISED = 1
    CAPTURED = 2
    VOIDED = 3
    REVERSED = 4


class AccountKind(StrEnum):
    """DESIGN §5: appropriated is the contra account, the others say where its money is."""

    APPROPRIATED = "appropriated"
    FREE = "free"
    RESERVED = "reserved"
    OUTSTANDING = "outstanding"
    AUTHORISED = "authorised"
    PAYABLE = "payable"
    RISK_HELD = "risk_held"
    SETTLED = "settled"
    RECOVERABLE = "recoverable"
    REPAID = "repaid"


class TransferReason(StrEnum):
    APPROPRIATE = "appropriate"
    CUT = "cut"
    RESERVE = "reserve"
    RELEASE = "release"
    MINT = "mint"
    AUTHORISE = "authorise"
    CAPTURE = "capture"
    REDEEM = "redeem"  # authorise and capture in one act
    VOID = "void"
    REVERSE = "reverse"
    REFUND = "refund"
    EXPIRE = "expire"
    HOLD = "hold"
    UNHOLD = "unhold"
    SETTLE = "settle"
    RECOVER = "recover"
    NET = "net"
    REPAY = "repay"


class CapKind(IntEnum):
    """What an exact cap counts: the subject and the calendar window."""

    RESIDENT_DAY = 1
    RESIDENT_WEEK = 2
    RESIDENT_CAMPAIGN = 3
    STORE_MINUTE = 4
    STORE_DAY = 5
    MERCHANT_DAY = 6
    MERCHANT_CAMPAIGN = 7
    LINK_DAY = 8
    LINK_CAMPAIGN = 9


class SettlementState(StrEnum):
    READY = "ready"  # lines fixed, waits for cash
    PAID = "paid"  # payout instructed within the cash received


CAMPAIGN_ARROWS = frozenset(
    {
        (CampaignState.DRAFT, CampaignState.SUBMITTED),
        (CampaignState.SUBMITTED, CampaignState.DRAFT),
        (CampaignState.SUBMITTED, CampaignState.APPROVED),
        (CampaignState.APPROVED, CampaignState.DRAFT),
        (CampaignState.APPROVED, CampaignState.SCHEDULED),
        (CampaignState.APPROVED, CampaignState.RUNNING),
        (CampaignState.SCHEDULED, CampaignState.RUNNING),
        (CampaignState.RUNNING, CampaignState.PAUSED),
        (CampaignState.PAUSED, CampaignState.RUNNING),
        (CampaignState.RUNNING, CampaignState.ENDED),
        (CampaignState.PAUSED, CampaignState.ENDED),
        (CampaignState.ENDED, CampaignState.SETTLED),
        (CampaignState.SETTLED, CampaignState.CLOSED),
    }
)
RUN_ARROWS = frozenset(
    {
        (RunState.DRAFT, RunState.QUEUED),
        (RunState.DRAFT, RunState.CANCELLED),
        (RunState.QUEUED, RunState.TARGETED),
        (RunState.QUEUED, RunState.CANCELLED),
        (RunState.TARGETED, RunState.RESERVED),
        (RunState.TARGETED, RunState.CANCELLED),
        (RunState.RESERVED, RunState.DONE),
    }
)
VOUCHER_ARROWS = frozenset(
    {
        (VoucherState.ISSUED, VoucherState.AUTHORISED),
        (VoucherState.ISSUED, VoucherState.REDEEMED),
        (VoucherState.ISSUED, VoucherState.WITHDRAWN),
        (VoucherState.AUTHORISED, VoucherState.REDEEMED),
        (VoucherState.AUTHORISED, VoucherState.ISSUED),
        (VoucherState.REDEEMED, VoucherState.ISSUED),
    }
)
REDEMPTION_ARROWS = frozenset(
    {
        (RedemptionState.AUTHORISED, RedemptionState.CAPTURED),
        (RedemptionState.AUTHORISED, RedemptionState.VOIDED),
        (RedemptionState.AUTHORISED, RedemptionState.REVERSED),
        (RedemptionState.CAPTURED, RedemptionState.VOIDED),
        (RedemptionState.CAPTURED, RedemptionState.REVERSED),
    }
)
