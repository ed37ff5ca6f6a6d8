"""Void a redemption (撤销): money and voucher go back to where they were, by new postings."""

from dataclasses import dataclass
from datetime import datetime

import msgspec
from django.db import connection, transaction

from merchants.auth import Caller
from merchants.errors import Refusal
from vouchers.errors import problem
from vouchers.models import CapRule, OrderClaim, Redemption, SettlementLine, Tranche
from vouchers.models.fraud import INSERT_ATTEMPTS, TAKE_FROM_COUNTERS
from vouchers.models.locks import LOCK_BATCH, LOCK_COUNTERS, lock_key
from vouchers.models.redemption import FIND_ANSWERS, INSERT_ANSWERS
from vouchers.models.vouchers import LOCK_VOUCHERS, MOVE_VOUCHERS
from vouchers.queries.redemptions import redemptions_of
from vouchers.rules import fraud
from vouchers.rules.undo import RedemptionFacts, judge_void
from vouchers.services import ledger, quotas
from vouchers.services.pipeline import pipeline
from vouchers.services.redemption.decide import IN_FLIGHT, replay
from vouchers.services.redemption.facts import counter_columns
from vouchers.services.requests import Answer
from vouchers.states import (
    AccountKind,
    Cause,
    RedemptionState,
    TrancheState,
    TransferReason,
    VoucherState,
)

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class VoidRequest:
    """A void asked for: by whom, under which key, of which redemption."""

    caller: Caller
    key: str
    fingerprint: bytes
    at: datetime
    redemption_id: int


class VoidBody(msgspec.Struct, frozen=True):
    """The answer to a void."""

    id: int
    state: str
    returned_fen: int
    voucher_usable: bool
    voided_at: datetime


def void(*, request: VoidRequest) -> Answer:
    """Undo a redemption of today that is not settled yet. The same key gets the same answer.

    The voucher can be used again while its tranche lasts; afterwards its money is free again.
    Refuses `not_found` (also another merchant's), `not_voidable`.
    """
    with transaction.atomic():
        redemption = redemptions_of(request.caller, redemption_id=request.redemption_id).first()
        if redemption is None:
            return Answer(*problem(Refusal("not_found")))
        known = _lock(request, redemption)
        if known is not None:
            return known
        redemption = Redemption.objects.select_for_update(no_key=True).get(pk=redemption.pk)
        refusal = judge_void(_facts(redemption), request.at)
        if refusal is None:
            answer = _undo(redemption, request)
        else:
            answer = Answer(*problem(refusal))
            _note_attempt(request, redemption, refusal)
        _remember(request, answer)
    return answer


def _lock(request: VoidRequest, redemption: Redemption) -> Answer | None:
    """Take the locks in the common order; an answer when the key is in use or was used before."""
    order = lock_key("order", _store_no(redemption), redemption.order_no)
    with pipeline() as raw:
        locks = LOCK_BATCH.send(
            raw,
            {
                "request_keys": [lock_key("request", request.caller.credential_id, request.key)],
                "order_keys": [order],
                "tranche_ids": [redemption.voucher.tranche_id],
            },
        )
        stored = FIND_ANSWERS.send(
            raw, {"caller_ids": [request.caller.credential_id], "keys": [request.key]}
        )
        LOCK_VOUCHERS.send(raw, {"voucher_ids": [redemption.voucher_id]})
    if not locks.rows()[0]:
        return IN_FLIGHT
    answers = stored.rows()
    return replay(request.fingerprint, answers[0]) if answers else None


def _store_no(redemption: Redemption) -> str:
    return redemption.store.external_id


def _facts(redemption: Redemption) -> RedemptionFacts:
    return RedemptionFacts(
        state=redemption.state,
        business_day=redemption.business_day,
        zone=redemption.campaign.zone,
        is_settled=SettlementLine.objects.filter(redemption=redemption).exists(),
    )


def _undo(redemption: Redemption, request: VoidRequest) -> Answer:
    tranche = Tranche.objects.get(pk=redemption.voucher.tranche_id)
    is_outstanding = tranche.state == TrancheState.OUTSTANDING
    keys = _counter_keys(redemption)
    with pipeline() as raw:
        LOCK_COUNTERS.send(raw, {"keys": sorted(lock_key("cap", *key) for key in keys)})
        TAKE_FROM_COUNTERS.send(
            raw, {**counter_columns(keys), "fens": [redemption.discount_fen] * len(keys)}
        )
        MOVE_VOUCHERS.send(
            raw, {"voucher_ids": [redemption.voucher_id], "state": VoucherState.ISSUED.value}
        )
    OrderClaim.objects.filter(redemption_id=redemption.pk).delete()
    Redemption.objects.filter(pk=redemption.pk).update(
        state=RedemptionState.VOIDED, undone_at=request.at
    )
    target = AccountKind.OUTSTANDING if is_outstanding else AccountKind.FREE
    ledger.post(postings=[_posting(redemption, request.at, target)])
    if not is_outstanding:
        # What the discount had left of the face went back when the tranche expired.
        part = quotas.Part(redemption.allocation_id, redemption.split, vouchers=1)
        quotas.give_back_parts(parts=[part])
    body = VoidBody(
        id=redemption.pk,
        state=RedemptionState.VOIDED.name.lower(),
        returned_fen=redemption.discount_fen,
        voucher_usable=is_outstanding and request.at < tranche.valid_until_at,
        voided_at=request.at,
    )
    return Answer(200, _encode(body))


def _counter_keys(redemption: Redemption) -> list[fraud.CounterKey]:
    """The counters the redemption was counted in, whatever the caps are by now."""
    subjects = fraud.Subjects(redemption.resident_id, redemption.store_id, redemption.merchant_id)
    caps = CapRule.objects.filter(campaign_id=redemption.campaign_id).values_list(
        "campaign_id", "kind", "limit_count", "limit_fen"
    )
    rules = [fraud.CapRule(*cap) for cap in caps]
    zone = redemption.campaign.zone
    keys = fraud.counter_keys(rules, subjects, redemption.redeemed_at, zone)
    return sorted(key for key, _ in keys)


def _posting(redemption: Redemption, at: datetime, target: AccountKind) -> ledger.Posting:
    return ledger.Posting(
        campaign_id=redemption.campaign_id,
        reason=TransferReason.VOID,
        cause=Cause.REDEMPTION,
        cause_id=redemption.pk,
        at=at,
        lines=ledger.move_lines(
            ledger.account_ids(redemption.campaign_id),
            split=redemption.split,
            allocation_id=redemption.allocation_id,
            origin=AccountKind.PAYABLE,
            target=target,
        ),
    )


def _note_attempt(request: VoidRequest, redemption: Redemption, refusal: Refusal) -> None:
    facts = {**refusal.facts, "redemption": redemption.pk}
    with pipeline() as raw:
        INSERT_ATTEMPTS.send(
            raw,
            {
                "ats": [request.at],
                "caller_ids": [request.caller.credential_id],
                "keys": [request.key],
                "store_ids": [redemption.store_id],
                "campaign_ids": [redemption.campaign_id],
                "voucher_ids": [redemption.voucher_id],
                "resident_ids": [redemption.resident_id],
                "codes": [refusal.code],
                "rules": [refusal.rule or refusal.code],
                "facts": [_encode(facts).decode()],
            },
        )


def _remember(request: VoidRequest, answer: Answer) -> None:
    assert connection.in_atomic_block
    with pipeline() as raw:
        INSERT_ANSWERS.send(
            raw,
            {
                "caller_ids": [request.caller.credential_id],
                "keys": [request.key],
                "fingerprints": [request.fingerprint],
                "statuses": [answer.status],
                "answers": [answer.body],
                "ats": [request.at],
            },
        )
