"""The states of things and the only arrows between them.

Plain enums, so that `rules/` can use them without Django. The arrows are guarded again by triggers
made from these very sets (`sql/triggers.py`).
"""

from collections.abc import Iterable, Mapping
from enum import IntEnum, StrEnum
from itertools import product


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


class RefundPolicy(StrEnum):
    """What a refund does to voucher and subsidy (`rules/redemption/refunds`)."""

    RETURN = "return"  # 退券: a whole refund gives the voucher back while it is valid
    PRO_RATA = "pro_rata"  # the subsidy goes back in proportion; the voucher stays used
    FORFEIT = "forfeit"  # only whole refunds: the subsidy goes back, the voucher is lost


class ResidentState(StrEnum):
    ACTIVE = "active"
    FROZEN = "frozen"
    DECEASED = "deceased"
    ERASED = "erased"


RESIDENT_ARROWS = frozenset(
    {
        (ResidentState.ACTIVE, ResidentState.FROZEN),
        (ResidentState.FROZEN, ResidentState.ACTIVE),
        (ResidentState.ACTIVE, ResidentState.DECEASED),
        (ResidentState.FROZEN, ResidentState.DECEASED),
        # A death recorded by mistake.
        (ResidentState.DECEASED, ResidentState.ACTIVE),
        (ResidentState.ACTIVE, ResidentState.ERASED),
        (ResidentState.FROZEN, ResidentState.ERASED),
        (ResidentState.DECEASED, ResidentState.ERASED),
    }
)


class RoundWay(StrEnum):
    """How a round hands out its vouchers."""

    RUN = "run"  # 发放: by distribution runs, to residents found beforehand
    DROP = "drop"  # 定时发放: by a run that the clock requests when the round opens
    CLAIM = "claim"  # 先到先得: to who asks first, judged by the places on file
    CLAIM_ON_SPOT = "claim_on_spot"  # 先到先得, judged by the position sent with the claim


RUN_WAYS = (RoundWay.RUN, RoundWay.DROP)
CLAIMED_WAYS = (RoundWay.CLAIM, RoundWay.CLAIM_ON_SPOT)


class SelectionMethod(StrEnum):
    """Who comes first when an audience exceeds the vouchers."""

    NEAREST = "nearest"  # 就近: nearest to a participating store
    RANDOM = "random"  # 随机: by lot
    NEED = "need"  # 按需: highest need score
    DISTRICTS = "districts"  # 按区人口比例: districts in proportion to population, by lot within


class RunState(StrEnum):
    QUEUED = "queued"  # waits for a worker
    TARGETING = "targeting"  # cut into parts, which any number of workers judge
    TARGETED = "targeted"  # audience written
    RESERVED = "reserved"  # money taken from its cells, shards cut
    DONE = "done"  # every shard minted
    CANCELLED = "cancelled"


class ShardState(StrEnum):
    """Of a worker's unit: a part of the targeting, a shard of the minting."""

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
    REFUNDED = 5  # the whole subsidy has been given up again


class WrongCodeKind(IntEnum):
    """Whose wrong codes are counted."""

    TERMINAL = 1  # the key of one till
    CALLER = 2  # any other key
    STORE = 3
    VOUCHER = 4  # the one that a printed code names


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
    """Why money moved; between which accounts a reason may move it is `MONEY_ARROWS`."""

    APPROPRIATE = "appropriate"
    CUT = "cut"
    RESERVE = "reserve"
    RELEASE = "release"
    MINT = "mint"
    CLAIM = "claim"  # a voucher made for who asked for it first
    AUTHORISE = "authorise"
    CAPTURE = "capture"
    LAPSE = "lapse"  # an authorisation not captured in time
    REDEEM = "redeem"  # authorise and capture in one act
    VOID = "void"
    REVERSE = "reverse"
    REFUND = "refund"  # of money that no settlement has taken
    EXPIRE = "expire"
    HOLD = "hold"
    UNHOLD = "unhold"
    SETTLE = "settle"
    RECOVER = "recover"  # refunded after its settlement: the merchant owes it
    REISSUE = "reissue"  # a voucher given back after its settlement, promised anew
    NET = "net"  # what a merchant owed, kept back from a payout
    COLLECT = "collect"  # what a merchant owed, paid back by them
    REPAY = "repay"  # left-over returned to the treasury


class Cause(StrEnum):
    """What a transfer refers to as its cause; `cause_id` is that row's number."""

    SOURCE = "source"
    PROPOSAL = "proposal"
    RUN = "run"
    SHARD = "shard"
    TRANCHE = "tranche"
    REDEMPTION = "redemption"
    REFUND = "refund"
    HOLD = "hold"
    SETTLEMENT = "settlement"
    COLLECTION = "collection"


class ProposalKind(StrEnum):
    """Acts on a launched campaign that another person must approve as they were seen."""

    APPROPRIATION = "appropriation"  # top up, or cut what is free
    QUOTAS = "quotas"  # move room between quota cells, or resize them
    REPAYMENT = "repayment"  # left-over to the treasury
    RISK_RULES = "risk_rules"  # another version of the campaign's risk rules


class Decision(StrEnum):
    APPROVED = "approved"
    REJECTED = "rejected"


class LimitKind(IntEnum):
    """What a limit counts: the subject (a claim's is its device, phone or card) and the window."""

    RESIDENT_DAY = 1
    RESIDENT_WEEK = 2
    RESIDENT_CAMPAIGN = 3
    STORE_MINUTE = 4
    STORE_DAY = 5
    MERCHANT_DAY = 6
    MERCHANT_CAMPAIGN = 7
    LINK_DAY = 8
    LINK_CAMPAIGN = 9
    STORE_WEEK = 10
    STORE_CAMPAIGN = 11
    MERCHANT_WEEK = 12
    LINK_WEEK = 13
    CLAIM_DAY = 14
    CLAIM_WEEK = 15
    CLAIM_CAMPAIGN = 16


class RiskKind(StrEnum):
    """What a risk rule looks for (`rules/limits/risk`)."""

    TERMINAL_MINUTE = "terminal_minute"  # many redemptions at one till in a minute
    MERCHANT_DAY = "merchant_day"  # much subsidy of one merchant in a day
    DEVICE_SHARED = "device_shared"  # one device of many residents
    STORE_DISTANCE = "store_distance"  # shown far from the store
    IMPOSSIBLE_TRAVEL = "impossible_travel"  # one person at two stores, faster than people travel
    THRESHOLD_HUGGING = "threshold_hugging"  # a store's orders just above the threshold
    SPLIT_ORDERS = "split_orders"  # one purchase cut into orders
    NIGHT_HOURS = "night_hours"  # while shops sleep
    FEW_PEOPLE = "few_people"  # many redemptions at one till, always by the same few
    TERMINAL_ROAMING = "terminal_roaming"  # one till in several stores of a merchant
    REFUND_RATE = "refund_rate"  # a store that refunds what it redeemed


class RiskSetting(StrEnum):
    OFF = "off"
    SHADOW = "shadow"  # noticed and recorded, without any other effect
    LIVE = "live"


class RiskVerdict(StrEnum):
    """What a live rule does about what it noticed."""

    PAY = "pay"  # record it
    HOLD = "hold"  # pay the shopper's discount, keep the merchant's money back
    REFUSE = "refuse"


class CaseState(StrEnum):
    OPEN = "open"
    CLEARED = "cleared"  # it was nothing: what is held is paid out
    CONFIRMED = "confirmed"  # it was fraud: what is held goes back


class TallyKind(IntEnum):
    """What a tally of the risk rules counts: the subject and the window."""

    TERMINAL_MINUTE = 1
    MERCHANT_DAY = 2
    DEVICE_HOLDER = 3
    DEVICE_HOLDERS = 4
    STORE_DAY = 5
    STORE_HUGGING_DAY = 6
    HOLDER_STORE = 7
    SHOPPER = 8
    TERMINAL_DAY = 9
    TERMINAL_SHOPPER_DAY = 10
    TERMINAL_SHOPPERS_DAY = 11
    TERMINAL_STORE_DAY = 12
    TERMINAL_STORES_DAY = 13
    STORE = 14
    STORE_REFUNDS = 15


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
        (RunState.QUEUED, RunState.TARGETING),
        (RunState.TARGETING, RunState.TARGETED),
        (RunState.TARGETING, RunState.CANCELLED),
        (RunState.QUEUED, RunState.CANCELLED),
        (RunState.TARGETED, RunState.RESERVED),
        (RunState.TARGETED, RunState.CANCELLED),
        (RunState.RESERVED, RunState.DONE),
        (RunState.RESERVED, RunState.CANCELLED),
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
        (VoucherState.REDEEMED, VoucherState.WITHDRAWN),
    }
)
REDEMPTION_ARROWS = frozenset(
    {
        (RedemptionState.AUTHORISED, RedemptionState.CAPTURED),
        (RedemptionState.AUTHORISED, RedemptionState.VOIDED),
        (RedemptionState.AUTHORISED, RedemptionState.REVERSED),
        (RedemptionState.CAPTURED, RedemptionState.VOIDED),
        (RedemptionState.CAPTURED, RedemptionState.REVERSED),
        (RedemptionState.CAPTURED, RedemptionState.REFUNDED),
    }
)

# Where the money of an undone redemption goes: outstanding, or free once the tranche has expired.
_IN_HAND = (AccountKind.OUTSTANDING, AccountKind.FREE)
_OWED = (AccountKind.PAYABLE, AccountKind.RISK_HELD)
_GIVEN = (AccountKind.PAYABLE, AccountKind.SETTLED)
Moves = frozenset[tuple[AccountKind, AccountKind]]


def _moves(origins: Iterable[AccountKind], targets: Iterable[AccountKind]) -> Moves:
    return frozenset(product(origins, targets))


MONEY_ARROWS: Mapping[TransferReason, Moves] = {
    TransferReason.APPROPRIATE: _moves([AccountKind.APPROPRIATED], [AccountKind.FREE]),
    TransferReason.CUT: _moves([AccountKind.FREE], [AccountKind.APPROPRIATED]),
    TransferReason.RESERVE: _moves([AccountKind.FREE], [AccountKind.RESERVED]),
    TransferReason.RELEASE: _moves([AccountKind.RESERVED], [AccountKind.FREE]),
    TransferReason.MINT: _moves([AccountKind.RESERVED], [AccountKind.OUTSTANDING]),
    TransferReason.CLAIM: _moves([AccountKind.FREE], [AccountKind.OUTSTANDING]),
    TransferReason.AUTHORISE: _moves([AccountKind.OUTSTANDING], [AccountKind.AUTHORISED]),
    TransferReason.CAPTURE: _moves([AccountKind.AUTHORISED], [AccountKind.PAYABLE, *_IN_HAND]),
    TransferReason.LAPSE: _moves([AccountKind.AUTHORISED], _IN_HAND),
    TransferReason.REDEEM: _moves([AccountKind.OUTSTANDING], [AccountKind.PAYABLE]),
    TransferReason.VOID: _moves([AccountKind.AUTHORISED, *_OWED], _IN_HAND),
    TransferReason.REVERSE: _moves([AccountKind.AUTHORISED, *_OWED], _IN_HAND),
    # What a percentage had left of the face goes with a voucher that is lost.
    TransferReason.REFUND: _moves(_OWED, _IN_HAND)
    | _moves([AccountKind.OUTSTANDING], [AccountKind.FREE]),
    TransferReason.EXPIRE: _moves([AccountKind.OUTSTANDING], [AccountKind.FREE]),
    TransferReason.HOLD: _moves([AccountKind.PAYABLE], [AccountKind.RISK_HELD]),
    TransferReason.UNHOLD: _moves([AccountKind.RISK_HELD], [AccountKind.PAYABLE]),
    TransferReason.SETTLE: _moves([AccountKind.PAYABLE], [AccountKind.SETTLED]),
    TransferReason.RECOVER: _moves(_GIVEN, [AccountKind.RECOVERABLE]),
    TransferReason.REISSUE: _moves([AccountKind.FREE], [AccountKind.OUTSTANDING]),
    TransferReason.NET: _moves([AccountKind.RECOVERABLE], [AccountKind.FREE]),
    TransferReason.COLLECT: _moves([AccountKind.RECOVERABLE], [AccountKind.FREE]),
    TransferReason.REPAY: _moves([AccountKind.FREE], [AccountKind.REPAID]),
}
"""Between which accounts (from, to) each reason may move money; nothing else is ever posted."""

CAUSES: Mapping[TransferReason, frozenset[Cause]] = {
    TransferReason.APPROPRIATE: frozenset({Cause.SOURCE, Cause.PROPOSAL}),
    TransferReason.CUT: frozenset({Cause.SOURCE, Cause.PROPOSAL}),
    TransferReason.RESERVE: frozenset({Cause.RUN}),
    TransferReason.RELEASE: frozenset({Cause.SHARD}),
    TransferReason.MINT: frozenset({Cause.SHARD}),
    TransferReason.CLAIM: frozenset({Cause.TRANCHE}),
    TransferReason.AUTHORISE: frozenset({Cause.REDEMPTION}),
    TransferReason.CAPTURE: frozenset({Cause.REDEMPTION}),
    TransferReason.LAPSE: frozenset({Cause.REDEMPTION}),
    TransferReason.REDEEM: frozenset({Cause.REDEMPTION}),
    TransferReason.VOID: frozenset({Cause.REDEMPTION}),
    TransferReason.REVERSE: frozenset({Cause.REDEMPTION}),
    TransferReason.REFUND: frozenset({Cause.REFUND}),
    TransferReason.EXPIRE: frozenset({Cause.TRANCHE}),
    TransferReason.HOLD: frozenset({Cause.HOLD}),
    TransferReason.UNHOLD: frozenset({Cause.HOLD}),
    TransferReason.SETTLE: frozenset({Cause.SETTLEMENT}),
    TransferReason.RECOVER: frozenset({Cause.REFUND}),
    TransferReason.REISSUE: frozenset({Cause.REFUND}),
    TransferReason.NET: frozenset({Cause.SETTLEMENT}),
    TransferReason.COLLECT: frozenset({Cause.COLLECTION}),
    TransferReason.REPAY: frozenset({Cause.PROPOSAL}),
}
"""What each reason refers to."""
