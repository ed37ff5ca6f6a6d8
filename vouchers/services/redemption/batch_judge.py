"""From the facts of a batch to a verdict on each request, in order of arrival."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TypedDict

from django.conf import settings

from merchants.errors import Refusal
from vouchers.models.campaigns.facts import StoreRow
from vouchers.models.redemption.redemptions import claimed_no
from vouchers.models.redemption.requests import StoredAnswer
from vouchers.queries.redemption import RedemptionDetails, SourceShare
from vouchers.rules.limits.limits import NOTHING_USED, Used, business_day, judge_limits
from vouchers.rules.limits.risk import Finding
from vouchers.rules.limits.tallies import RiskCase
from vouchers.rules.redemption.redeem import Case, Decision, Order, VoucherFacts, judge
from vouchers.rules.redemption.shown import Way, WrongKey
from vouchers.services.acts.idempotency import GATE, IN_FLIGHT, SWITCHED_OFF, TILL_OFF
from vouchers.services.limits.links import Links
from vouchers.services.limits.risk import RiskJudge
from vouchers.services.redemption.batch_facts import Facts, LimitKeys
from vouchers.services.redemption.batch_known import Pending
from vouchers.services.redemption.codebook import CodeBook, is_slowed, printed
from vouchers.services.redemption.requests import RedeemRequest
from vouchers.services.redemption.stores import is_ambiguous
from vouchers.services.redemption.tranche_terms import TrancheTerms
from vouchers.states import RedemptionState, RiskVerdict, VoucherState


@dataclass(frozen=True, slots=True)
class Effect:
    """A redemption to write, and the limit counters it counts in."""

    redemption_id: int
    transfer_id: int
    decision: Decision
    terms: TrancheTerms
    store: StoreRow
    voucher: VoucherFacts
    # As it is kept in evidence.
    terminal: str
    allocation_id: int
    shown_by_id: int
    category: str
    business_day: date
    counters: LimitKeys
    presentation_id: int | None
    links: Links
    # Until when a till may capture what was only authorised; None when it was captured at once.
    expires_at: datetime | None
    # The finding of a risk rule that holds the merchant's money.
    held_by: Finding | None

    @property
    def state(self) -> RedemptionState:
        """What the redemption is from now on."""
        is_captured = self.expires_at is None
        return RedemptionState.CAPTURED if is_captured else RedemptionState.AUTHORISED

    @property
    def is_held(self) -> bool:
        """Whether its money is held from now on; of what is only authorised, once captured."""
        return self.held_by is not None and self.expires_at is None

    @property
    def voucher_state(self) -> VoucherState:
        """What its voucher is from now on."""
        return VoucherState.REDEEMED if self.expires_at is None else VoucherState.AUTHORISED


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one request, and what has to be written with its answer.

    With neither effect nor refusal nothing is written: the request is answered from the store, its
    key is in use, its caller or till is switched off, it has to name its merchant, or to wait after
    too many wrong codes.
    """

    pending: Pending
    # To be rendered; None where the stored answer is given again.
    outcome: RedemptionDetails | Refusal | None
    stored: StoredAnswer | None = None
    effect: Effect | None = None
    refusal: Refusal | None = None
    store: StoreRow | None = None
    # The counters that a wrong code counts in.
    wrong: Sequence[WrongKey] = ()
    # What risk rules looked at and noticed, whatever they did about it.
    case: RiskCase | None = None
    findings: Sequence[Finding] = ()

    @property
    def is_stored(self) -> bool:
        """Whether its answer is stored under the key."""
        return self.effect is not None or self.refusal is not None


class _Noticed(TypedDict):
    case: RiskCase | None
    findings: Sequence[Finding]


class BatchJudge:
    """Judges a batch, adding up what its earlier requests have taken."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._states = {id_: voucher.state for id_, voucher in facts.vouchers.items()}
        self._claims = dict(facts.claims)
        self._used = dict(facts.used)
        self._codes = CodeBook(facts.codes)
        self.risk = RiskJudge(facts.risk)

    def verdict(self, number: int, pending: Pending) -> Verdict:
        """The verdict on request `number` of the batch."""
        request = pending.request
        if request.caller.credential_id in self._facts.switched_off:
            return Verdict(pending, SWITCHED_OFF)
        if not self._facts.got_keys[number]:
            return Verdict(pending, IN_FLIGHT)
        stored = self._facts.answers.get((request.caller.credential_id, request.key))
        if stored is not None:
            return Verdict(pending, None, stored)
        store = self._facts.stores[number]
        if isinstance(store, Refusal):
            return _without_store(pending, store)
        if self._is_till_off(number):
            return Verdict(pending, TILL_OFF)
        effect = self._judge(number, pending, store)
        noticed: _Noticed = {
            "case": self.risk.case(number),
            "findings": self.risk.findings(number),
        }
        if isinstance(effect, Refusal):
            # Gate answers, which a sandbox order can force, are never stored.
            if is_slowed(effect) or effect.code in GATE:
                return Verdict(pending, effect)
            wrong = self._codes.note_refusal(pending, effect, store.id)
            return replace(_refused(pending, effect, store, wrong), **noticed)
        self._take(effect, request)
        self.risk.count(number)
        details = _details(effect, request)
        return Verdict(pending, details, effect=effect, store=store, **noticed)

    def quote(self, number: int, pending: Pending) -> Effect | Refusal:
        """What request `number` would have or be refused, whatever its key; nothing is taken."""
        if pending.request.caller.credential_id in self._facts.switched_off:
            return SWITCHED_OFF
        store = self._facts.stores[number]
        if isinstance(store, Refusal):
            return store
        return TILL_OFF if self._is_till_off(number) else self._judge(number, pending, store)

    def wrong_of(self, number: int, pending: Pending, refusal: Refusal) -> Sequence[WrongKey]:
        """The counters of wrong codes that the refusal of a quote counts in."""
        store = self._facts.stores[number]
        if isinstance(store, Refusal):
            return ()
        return self._codes.note_refusal(pending, refusal, store.id)

    def _is_till_off(self, number: int) -> bool:
        till = self._facts.tills[number]
        return till is not None and till.is_off

    def _judge(self, number: int, pending: Pending, store: StoreRow) -> Effect | Refusal:
        facts, request = self._facts, pending.request
        slowed = self._codes.pause(pending, store.id)
        if slowed is not None:
            return slowed
        locked = facts.vouchers.get(pending.voucher_id or 0)
        terms = facts.terms.get(pending.tranche_id or 0)
        if locked is None or terms is None:
            return Refusal("voucher_not_usable", "voucher_unknown")
        voucher = VoucherFacts(locked.id, locked.resident_id, self._states[locked.id])
        case = self._case(pending, store, voucher, terms)
        decision = judge(case)
        if isinstance(decision, Refusal):
            return decision
        counters = facts.limit_keys[number]
        over = judge_limits(
            counters,
            self._used,
            decision.discount_fen,
            zone=terms.facts.zone,
            same_person=facts.same_people.get(voucher.resident_id, ()),
        )
        if over is not None:
            return over
        found = self.risk.look(number, decision.discount_fen)
        if found is not None and found.rule.verdict is RiskVerdict.REFUSE:
            return Refusal("risk_refused", found.rule.kind.value, found.facts)
        assert case.shopper is not None  # the rules have asked
        redemption_id, transfer_id = facts.ids[number]
        till = facts.tills[number]
        return Effect(
            redemption_id=redemption_id,
            transfer_id=transfer_id,
            decision=decision,
            terms=terms,
            store=store,
            voucher=voucher,
            terminal="" if till is None else till.as_evidence,
            allocation_id=locked.allocation_id,
            shown_by_id=case.shopper.id,
            category=request.order.category or case.store.category,
            business_day=business_day(request.at, terms.facts.zone),
            counters=counters,
            presentation_id=pending.code.row_id if pending.code.way is Way.PRESENTED else None,
            links=facts.links[number],
            expires_at=None if request.order.capture else request.at + terms.campaign.authorise_ttl,
            held_by=found,
        )

    def _case(
        self, pending: Pending, store: StoreRow, voucher: VoucherFacts, terms: TrancheTerms
    ) -> Case:
        """What the rules are asked: the request beside the facts, as the batch has left them."""
        facts, request = self._facts, pending.request
        return Case(
            order=_order_of(request),
            voucher=voucher,
            tranche=terms.facts,
            holder_state=facts.holder_states[voucher.resident_id],
            shopper=facts.shoppers.get(pending.code.resident_no),
            store=facts.store_in(store, terms.facts.campaign_id, request.at),
            caller_is_test=request.caller.is_test,
            claim=self._claims.get(_claimed(store, request)),
            greatest_age=settings.HUIMIN_OFFLINE_MAX_AGE,
            shown=self._codes.shown(pending),
        )

    def _take(self, effect: Effect, request: RedeemRequest) -> None:
        self._states[effect.voucher.id] = effect.voucher_state
        self._claims[_claimed(effect.store, request)] = "used"
        self._codes.note_use(effect.presentation_id)
        for key, _ in effect.counters:
            so_far = self._used.get(key, NOTHING_USED)
            self._used[key] = Used(
                so_far.redemptions + 1, so_far.fen + effect.decision.discount_fen
            )


def _order_of(request: RedeemRequest) -> Order:
    """The order as the rules judge it; without an eligible amount all of it is eligible."""
    order = request.order
    eligible_fen = order.eligible_amount_fen
    return Order(
        at=request.at,
        order_no=order.order_no,
        order_amount_fen=order.order_amount_fen,
        eligible_amount_fen=order.order_amount_fen if eligible_fen is None else eligible_fen,
        order_kind=order.order_kind,
        category=order.category,
        payment_ref=order.payment_ref,
        receipt_no=order.receipt_no,
        is_final=order.capture,
        occurred_at=order.occurred_at,
    )


def _claimed(store: StoreRow, request: RedeemRequest) -> tuple[int, str]:
    """The claim that the request's order has or will have."""
    return store.id, claimed_no(request.order.order_no, is_test=request.caller.is_test)


def _without_store(pending: Pending, refusal: Refusal) -> Verdict:
    """Nothing is stored for a body that has to be completed, so its key stays free for that."""
    if is_ambiguous(refusal):
        return Verdict(pending, refusal)
    return _refused(pending, refusal, None)


def _refused(
    pending: Pending, refusal: Refusal, store: StoreRow | None, wrong: Sequence[WrongKey] = ()
) -> Verdict:
    return Verdict(pending, refusal, refusal=refusal, store=store, wrong=wrong)


def _details(effect: Effect, request: RedeemRequest) -> RedemptionDetails:
    order, decision = request.order, effect.decision
    return RedemptionDetails(
        id=effect.redemption_id,
        state=effect.state.name.lower(),
        discount_fen=decision.discount_fen,
        by_source=[
            SourceShare(effect.terms.campaign.source_codes[source_id], fen)
            for source_id, fen in decision.split
        ],
        payable_fen=order.order_amount_fen - decision.discount_fen,
        voucher=printed(effect.voucher.id),
        merchant=effect.store.merchant,
        store=effect.store.external_id,
        order_no=order.order_no,
        order_amount_fen=order.order_amount_fen,
        campaign=effect.terms.campaign.row.code,
        business_day=effect.business_day,
        redeemed_at=request.at,
        expires_at=effect.expires_at,
        occurred_at=order.occurred_at,
    )
