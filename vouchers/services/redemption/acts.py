"""What every later act on a redemption shares: locks in the common order, the answer given before,
the note of a refusal, and the answer kept under its key.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from django.db import OperationalError, connection, transaction

from merchants.errors import Refusal
from merchants.references import folded
from vouchers.errors import problem
from vouchers.models import Redemption, Refund, SettlementLine
from vouchers.models.issuing.runs import SERIAL_BITS
from vouchers.models.issuing.vouchers import LOCK_VOUCHERS
from vouchers.models.limits import INSERT_ATTEMPTS
from vouchers.models.locks import LOCK_BATCH, SHARE_TRANCHES, lock_key
from vouchers.models.redemption.requests import FIND_ANSWERS, INSERT_ANSWERS
from vouchers.queries.redemption import redemptions_of
from vouchers.rules.redemption.undo import RedemptionFacts
from vouchers.services.redemption.decide import IN_FLIGHT, replay
from vouchers.services.redemption.facts import Terms, terms_of
from vouchers.services.redemption.redeem import BUSY
from vouchers.services.requests import ActRequest, Answer
from vouchers.sql.pipeline import pipeline

encode = msgspec.json.Encoder().encode

TRIES = 3
# Serialisation failure and deadlock: somebody else was first, and one look later all is well.
RACES = frozenset({"40001", "40P01"})

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Held:
    """A redemption locked for an act on it, with the terms of its tranche as they stand."""

    redemption: Redemption
    terms: Terms
    facts: RedemptionFacts


def act_on(request: ActRequest, *, redemption_id: int, act: Callable[[Held], Answer]) -> Answer:
    """What `act` answers on a redemption of the caller's, locked; kept under the request's key.

    Refuses `not_found` (also another merchant's), and `busy` after losing too many races; neither
    is kept.
    """
    return tried(lambda: _act_once(request, redemption_id, act), otherwise=BUSY)


def _act_once(request: ActRequest, redemption_id: int, act: Callable[[Held], Answer]) -> Answer:
    found = redemptions_of(request.caller, redemption_id=redemption_id).first()
    if found is None:
        return Answer(*problem(Refusal("not_found")))
    known = take_up(request, store_no=found.store.external_id, order_no=found.order_no)
    if known is not None:
        return known
    answer = act(hold(redemption_id=found.pk, voucher_id=found.voucher_id))
    remember(request, answer)
    return answer


def tried(act: Callable[[], Result], *, otherwise: Result) -> Result:
    """Run `act` in a transaction, again when it lost a race; `otherwise` when it lost them all."""
    for _ in range(TRIES):
        try:
            with transaction.atomic():
                return act()
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) not in RACES:
                raise
    return otherwise


def take_up(request: ActRequest, *, store_no: str, order_no: str) -> Answer | None:
    """Lock the request's key, then the order; an answer when the key is in use or was used before.

    The first of two steps in the common order; the second is `hold`.
    """
    with pipeline() as raw:
        locks = LOCK_BATCH.send(
            raw,
            {
                "request_keys": [lock_key("request", request.caller.credential_id, request.key)],
                "order_keys": [lock_key("order", folded(store_no), folded(order_no))],
                "tranche_ids": [],
            },
        )
        stored = FIND_ANSWERS.send(
            raw, {"caller_ids": [request.caller.credential_id], "keys": [request.key]}
        )
    if not locks.rows()[0]:
        return IN_FLIGHT
    answers = stored.rows()
    return replay(request.fingerprint, answers[0]) if answers else None


def lock_order(*, store_no: str, order_no: str) -> None:
    """Lock an order for an act that nobody asked for under a key; `hold` comes next."""
    with pipeline() as raw:
        order = lock_key("order", folded(store_no), folded(order_no))
        LOCK_BATCH.send(raw, {"request_keys": [], "order_keys": [order], "tranche_ids": []})


def hold(*, redemption_id: int, voucher_id: int) -> Held:
    """Lock tranche, voucher and redemption, in this order, and read what the rules ask for."""
    tranche_id = voucher_id >> SERIAL_BITS
    with pipeline() as raw:
        SHARE_TRANCHES.send(raw, {"tranche_ids": [tranche_id]})
        LOCK_VOUCHERS.send(raw, {"voucher_ids": [voucher_id]})
    terms = terms_of(tranche_id)
    redemption = Redemption.objects.select_for_update(no_key=True).get(
        pk=redemption_id, voucher_id=voucher_id
    )
    facts = RedemptionFacts(
        state=redemption.state,
        business_day=redemption.business_day,
        zone=terms.facts.zone,
        is_settled=SettlementLine.objects.filter(redemption=redemption).exists(),
        is_refunded=Refund.objects.filter(redemption=redemption).exists(),
        expires_at=redemption.expires_at,
    )
    return Held(redemption, terms, facts)


def refuse(
    request: ActRequest, refusal: Refusal, *, redemption: Redemption | None = None
) -> Answer:
    """The answer to a refused act, noted with its rule and facts."""
    note_attempt(request, refusal, redemption=redemption)
    return Answer(*problem(refusal))


def note_attempt(
    request: ActRequest, refusal: Refusal, *, redemption: Redemption | None = None
) -> None:
    """Write down what was refused and why; without a redemption, `refusal.facts` say of what."""
    facts = dict(refusal.facts) | ({"redemption": redemption.pk} if redemption else {})
    with pipeline() as raw:
        INSERT_ATTEMPTS.send(
            raw,
            {
                "ats": [request.at],
                "caller_ids": [request.caller.credential_id],
                "keys": [request.key],
                "store_ids": [redemption and redemption.store_id],
                "campaign_ids": [redemption and redemption.campaign_id],
                "voucher_ids": [redemption and redemption.voucher_id],
                "resident_ids": [redemption and redemption.resident_id],
                "codes": [refusal.code],
                "rules": [refusal.rule or refusal.code],
                "facts": [encode(facts).decode()],
            },
        )


def remember(request: ActRequest, answer: Answer) -> None:
    """Keep the answer under the request's key, in the transaction of its effect."""
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
