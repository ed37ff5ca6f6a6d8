"""Is this voucher good for this order, here and now, and for how much?

Facts in, a `Decision` or a `Refusal` out; nothing is read or written. The order of the questions is
part of the interface: the first one that fails names the refusal.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from merchants.errors import Refusal
from vouchers.money import split_pro_rata
from vouchers.rules.limits.limits import local_time
from vouchers.rules.redemption.sandbox import forced_refusal
from vouchers.rules.redemption.shown import PRINTED, Shown, Way, judge_shown
from vouchers.rules.redemption.switches import judge_open, judge_running
from vouchers.states import (
    CampaignState,
    ResidentState,
    ThresholdBasis,
    TierKind,
    TrancheState,
    VoucherState,
)

Split = tuple[tuple[int, int], ...]
"""(source id, fen), in source order."""

CLOCKS_DIFFER: Final = timedelta(minutes=5)
"""How far a till's clock may be ahead of the server's."""

CAMPAIGN_OVER = frozenset({CampaignState.ENDED, CampaignState.SETTLED, CampaignState.CLOSED})
"""The states in which a campaign takes no redemption any more, for ever."""


class TrancheFacts(NamedTuple):
    """The terms frozen at issue, and the switches of the campaign as they stand now."""

    id: int
    campaign_id: int
    state: str
    kind: str
    face_fen: int
    threshold_fen: int
    threshold_basis: str
    percent_bp: int | None
    split: Split
    valid_from_at: datetime
    valid_until_at: datetime
    campaign_state: str
    zone: str
    is_test: bool
    excluded_categories: Sequence[str]
    order_kinds: Sequence[str]
    # Which of `payment_ref` and `receipt_no` every order has to name.
    order_numbers: Sequence[str] = ()
    presence_required: bool = False
    # When a paused campaign runs on by the clock.
    paused_until_at: datetime | None = None


class VoucherFacts(NamedTuple):
    """A voucher as locked for this decision."""

    id: int
    resident_id: int
    state: int


class ShopperFacts(NamedTuple):
    """The person showing the voucher, and the residents they may act for."""

    id: int
    state: str
    may_show_for: frozenset[int]


class StoreFacts(NamedTuple):
    """The store, as seen by the caller, and its part in the voucher's campaign."""

    id: int
    merchant_id: int
    is_open: bool
    participates: bool
    category: str
    # When a suspended store is open again by the clock.
    suspended_until_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """What is being bought. Amounts are fen; `eligible_amount_fen` ≤ `order_amount_fen`."""

    at: datetime
    order_no: str
    order_amount_fen: int
    eligible_amount_fen: int
    order_kind: str
    category: str
    payment_ref: str = ""
    receipt_no: str = ""
    # Nothing is captured later: then the order is yet to be paid, and its numbers may be unknown.
    is_final: bool = True
    # When the till took the voucher, if it could not ask at once; `at` is when the order arrived.
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """An accepted redemption: the discount and each source's share, in fen."""

    discount_fen: int
    split: Split


@dataclass(frozen=True, slots=True)
class Case:
    """Everything one redemption is judged on, except the exact limits (`rules/limits`)."""

    order: Order
    voucher: VoucherFacts | None
    tranche: TrancheFacts | None
    holder_state: str
    shopper: ShopperFacts | None
    store: StoreFacts
    caller_is_test: bool
    # State of the claim on (store, order no.): None, "used" or "reversed".
    claim: str | None
    # How old an order may be that is sent later.
    greatest_age: timedelta = timedelta(0)
    shown: Shown = PRINTED


Rule = Callable[[Case, TrancheFacts, VoucherFacts], Refusal | None]


def judge(case: Case) -> Decision | Refusal:
    """Apply the rules in order; returns the first refusal, else the decision.

    Unknown, forged and foreign vouchers are distinguished only by `rule`, which is stored and not
    answered: the caller always reads `voucher_not_usable`.
    """
    voucher, tranche = case.voucher, case.tranche
    if voucher is None or tranche is None or tranche.is_test != case.caller_is_test:
        return Refusal("voucher_not_usable", "voucher_unknown")
    for rule in (_as_forced, *RULES) if tranche.is_test else RULES:
        refusal = rule(case, tranche, voucher)
        if refusal is not None:
            return refusal
    discount_fen = _discount_fen(case.order, tranche)
    return Decision(discount_fen, split_like(discount_fen, tranche.split))


def _as_forced(case: Case, tranche: TrancheFacts, voucher: VoucherFacts) -> Refusal | None:
    order = case.order
    return forced_refusal(order.order_amount_fen, at=order.at, zone=tranche.zone)


def _code_good(case: Case, tranche: TrancheFacts, voucher: VoucherFacts) -> Refusal | None:
    return judge_shown(case.shown, case.order.at)


def _shown_by_holder(case: Case, tranche: TrancheFacts, voucher: VoucherFacts) -> Refusal | None:
    shopper = case.shopper
    if shopper is None:
        return Refusal("voucher_not_usable", "resident_unknown")
    if shopper.id != voucher.resident_id and voucher.resident_id not in shopper.may_show_for:
        return Refusal("voucher_not_usable", "holder_or_proxy")
    return None


def _sent_in_time(case: Case, tranche: TrancheFacts, voucher: VoucherFacts) -> Refusal | None:
    """Everything else is judged and counted as of the arrival, when the money is taken."""
    at, occurred_at = case.order.at, case.order.occurred_at
    if occurred_at is None:
        return None
    facts = {"occurred_at": local_time(occurred_at, tranche.zone)}
    if occurred_at > at + CLOCKS_DIFFER:
        return Refusal("order_time", "order_in_future", facts)
    if at - occurred_at > case.greatest_age:
        hours = case.greatest_age // timedelta(hours=1)
        return Refusal("order_time", "order_too_old", facts | {"greatest_age_h": hours})
    return None


def _shown_in_person(case: Case, tranche: TrancheFacts, voucher: VoucherFacts) -> Refusal | None:
    if tranche.presence_required and case.shown.way is Way.PRINTED:
        return Refusal("presence_required")
    return None


def _store_open(case: Case, tranche: TrancheFacts, voucher: VoucherFacts) -> Refusal | None:
    store = case.store
    until_at = store.suspended_until_at
    return judge_open(store.is_open, until_at, at=case.order.at, zone=tranche.zone)


def _store_participates(case: Case, tranche: TrancheFacts, voucher: VoucherFacts) -> Refusal | None:
    return None if case.store.participates else Refusal("store_not_participating")


def _people_active(case: Case, tranche: TrancheFacts, voucher: VoucherFacts) -> Refusal | None:
    shopper = case.shopper
    assert shopper is not None  # `_shown_by_holder` has passed
    active = ResidentState.ACTIVE
    if shopper.state == active and case.holder_state == active:
        return None
    return Refusal("resident_not_active")


def _campaign_running(case: Case, tranche: TrancheFacts, voucher: VoucherFacts) -> Refusal | None:
    if tranche.campaign_state == CampaignState.RUNNING:
        return None
    if tranche.campaign_state in CAMPAIGN_OVER:
        return Refusal("campaign_not_running", "campaign_over", {"state": tranche.campaign_state})
    until_at = tranche.paused_until_at
    return judge_running(tranche.campaign_state, until_at, at=case.order.at, zone=tranche.zone)


def _not_used(case: Case, tranche: TrancheFacts, voucher: VoucherFacts) -> Refusal | None:
    if voucher.state == VoucherState.ISSUED:
        return None
    if voucher.state == VoucherState.WITHDRAWN:
        return Refusal("voucher_withdrawn")
    return Refusal("voucher_redeemed")


def _inside_window(case: Case, tranche: TrancheFacts, voucher: VoucherFacts) -> Refusal | None:
    at = case.order.at
    if at < tranche.valid_from_at:
        begins_at = local_time(tranche.valid_from_at, tranche.zone)
        return Refusal("voucher_not_yet_valid", facts={"valid_from_at": begins_at})
    if at >= tranche.valid_until_at or tranche.state == TrancheState.EXPIRED:
        ended_at = local_time(tranche.valid_until_at, tranche.zone)
        return Refusal("voucher_expired", facts={"valid_until_at": ended_at})
    return None


def _order_not_claimed(case: Case, tranche: TrancheFacts, voucher: VoucherFacts) -> Refusal | None:
    if case.claim is None:
        return None
    code = "order_reversed" if case.claim == "reversed" else "order_already_used"
    return Refusal(code, facts={"order_no": case.order.order_no})


def _goods_allowed(case: Case, tranche: TrancheFacts, voucher: VoucherFacts) -> Refusal | None:
    category = case.order.category or case.store.category
    if category in tranche.excluded_categories:
        return Refusal("category_excluded", facts={"category": category})
    order_kind = case.order.order_kind
    if tranche.order_kinds and order_kind not in tranche.order_kinds:
        return Refusal("order_kind_excluded", facts={"order_kind": order_kind})
    return None


def _numbers_given(case: Case, tranche: TrancheFacts, voucher: VoucherFacts) -> Refusal | None:
    return missing_number(case.order, tranche) if case.order.is_final else None


def missing_number(order: Order, tranche: TrancheFacts) -> Refusal | None:
    """The refusal of an order without a number that its campaign asks for."""
    given = {"payment_ref": order.payment_ref, "receipt_no": order.receipt_no}
    for name, number in given.items():
        if name in tranche.order_numbers and not number:
            return Refusal("order_incomplete", f"{name}_asked_for", {"field": f"$.{name}"})
    return None


def _threshold_met(case: Case, tranche: TrancheFacts, voucher: VoucherFacts) -> Refusal | None:
    return _below_threshold(case.order, tranche)


def _below_threshold(order: Order, tranche: TrancheFacts) -> Refusal | None:
    counts_fen = (
        order.order_amount_fen
        if tranche.threshold_basis == ThresholdBasis.PRE_DISCOUNT
        else order.eligible_amount_fen
    )
    if counts_fen >= tranche.threshold_fen:
        return None
    return Refusal(
        "below_threshold",
        facts={
            "threshold_fen": tranche.threshold_fen,
            "missing_fen": tranche.threshold_fen - counts_fen,
        },
    )


def _something_left_to_pay(
    case: Case, tranche: TrancheFacts, voucher: VoucherFacts
) -> Refusal | None:
    return _payable_too_small(case.order, _discount_fen(case.order, tranche))


def _payable_too_small(order: Order, discount_fen: int) -> Refusal | None:
    """A fen at least, and of the eligible part: other goods in the order earn no discount."""
    eligible_fen = order.eligible_amount_fen
    if 0 < discount_fen < eligible_fen:
        return None
    if discount_fen == 0:
        return Refusal(
            "payable_too_small", "discount_rounds_to_nothing", {"eligible_fen": eligible_fen}
        )
    return Refusal(
        "payable_too_small", facts={"discount_fen": discount_fen, "eligible_fen": eligible_fen}
    )


# Who shows it comes first: only to its holder does a refusal say anything of a voucher.
RULES: tuple[Rule, ...] = (
    _code_good,
    _shown_by_holder,
    _sent_in_time,
    _shown_in_person,
    _store_open,
    _store_participates,
    _people_active,
    _campaign_running,
    _not_used,
    _inside_window,
    _order_not_claimed,
    _goods_allowed,
    _numbers_given,
    _threshold_met,
    _something_left_to_pay,
)


PRESENTING: tuple[Rule, ...] = (
    _shown_by_holder,
    _people_active,
    _campaign_running,
    _not_used,
    _inside_window,
)
"""What is asked before a code is made; the till asks everything."""


def judge_presenting(case: Case) -> Refusal | None:
    """Whether a code for the voucher may be given, before there is an order."""
    voucher, tranche = case.voucher, case.tranche
    if voucher is None or tranche is None or tranche.is_test != case.caller_is_test:
        return Refusal("voucher_not_usable", "voucher_unknown")
    for rule in PRESENTING:
        refusal = rule(case, tranche, voucher)
        if refusal is not None:
            return refusal
    return None


def recompute(order: Order, tranche: TrancheFacts, authorised: Split) -> Decision | Refusal:
    """The discount on the final order of an authorisation, by the same terms and never more than
    was `authorised`; a refusal when that order earns none.

    The smaller discount is split like the authorised one, so that no source pays more than was set
    aside of its money. (Split like the face, a source could gain a fen by rounding.)
    """
    discount_fen = min(_discount_fen(order, tranche), sum(fen for _, fen in authorised))
    refusal = _below_threshold(order, tranche) or _payable_too_small(order, discount_fen)
    return refusal or Decision(discount_fen, split_like(discount_fen, authorised))


def _discount_fen(order: Order, tranche: TrancheFacts) -> int:
    """A percentage is taken of the eligible amount, rounded down to the fen, and never exceeds the
    face; the other kinds give the face."""
    if tranche.kind != TierKind.PERCENT:
        return tranche.face_fen
    share_fen = order.eligible_amount_fen * (tranche.percent_bp or 0) // 10_000
    return min(share_fen, tranche.face_fen)


def split_like(amount_fen: int, whole: Split) -> Split:
    """`amount_fen` in the proportions of `whole`, by largest remainder; all of it as it is. No part
    exceeds its part of the whole."""
    if amount_fen == sum(fen for _, fen in whole):
        return whole
    parts = split_pro_rata(amount_fen, [fen for _, fen in whole])
    return tuple((source_id, part) for (source_id, _), part in zip(whole, parts, strict=True))
