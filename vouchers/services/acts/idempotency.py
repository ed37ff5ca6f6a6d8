"""Idempotency keys: claimed before anything else, answered from the store, stored with the effect.

An answer of the gate (`request_in_flight`, `idempotency_key_reused`, `busy`, `unauthenticated`) is
never stored.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar

from django.db import connection

from merchants.errors import Refusal
from merchants.references import folded
from vouchers.models.locks import LOCK_BATCH, ORDER_CLAIM, REQUEST_KEY
from vouchers.models.redemption.requests import (
    FIND_KEYS,
    INSERT_ANSWERS,
    KeyRow,
    StoredAnswer,
)
from vouchers.services.acts.answers import ActRequest, Answer, Render
from vouchers.services.acts.retry import in_one_transaction
from vouchers.sql.pipeline import pipeline
from vouchers.sql.statements import Result
from vouchers.sql.wire import Wire

Request = TypeVar("Request", bound=ActRequest)

IN_FLIGHT: Final = Refusal("request_in_flight")
# The caller's credential or till is not active any more, whatever the caches remember.
SWITCHED_OFF: Final = Refusal("unauthenticated")
# The till that the order names is not, whoever's key sent it.
TILL_OFF: Final = Refusal("unauthenticated", "terminal_suspended")
KEY_REUSED: Final = Refusal("idempotency_key_reused")
BUSY: Final = Refusal("busy")
GATE: Final = frozenset({"request_in_flight", "idempotency_key_reused", "busy"})
"""Codes of answers that are never stored under a key."""
# The connection was lost in an act: it may have been committed. Its key finds out.
OUTCOME_UNKNOWN: Final = Refusal("busy", "outcome_unknown")


def answer_all(
    requests: Sequence[Request],
    work: Callable[[Sequence[Request]], Sequence[Answer]],
    *,
    render: Render,
) -> list[Answer]:
    """The answer to every request, in order, each after its effects are committed.

    `work` answers requests with different keys in one transaction. A further request under a key
    of the batch gets the answer of the first one, or 422 for another body.
    """
    firsts, copies = _without_copies(requests)
    found = in_one_transaction([requests[i] for i in firsts], work, otherwise=render(BUSY))
    answers = dict(zip(firsts, found, strict=True))
    others = []
    for number, original in copies.items():
        answer = _answer_copy(requests[number], requests[original], answers[original], render)
        if answer is None:
            others.append(number)
        else:
            answers[number] = answer
    if others:
        again = answer_all([requests[i] for i in others], work, render=render)
        answers |= zip(others, again, strict=True)
    return [answers[number] for number in range(len(requests))]


def _without_copies(requests: Sequence[ActRequest]) -> tuple[list[int], dict[int, int]]:
    """Numbers of the first request under each key, and copy → first for the others."""
    first: dict[tuple[int, str], int] = {}
    copies: dict[int, int] = {}
    for number, request in enumerate(requests):
        original = first.setdefault((request.caller.credential_id, request.key), number)
        if original != number:
            copies[number] = original
    return list(first.values()), copies


def _answer_copy(
    copy: ActRequest, original: ActRequest, answer: Answer, render: Render
) -> Answer | None:
    """The answer to a further request under the key of `original`; None when it has to be worked
    on itself, because the original found the key used for a body that may be the copy's."""
    if answer in (render(IN_FLIGHT), render(BUSY), render(SWITCHED_OFF), render(TILL_OFF)):
        return answer
    reused = render(KEY_REUSED)
    if copy.fingerprint == original.fingerprint:
        return answer if answer == reused else answer._replace(is_replay=True)
    return None if answer == reused else reused


def request_lock(request: ActRequest) -> int:
    """The advisory key that the request's own key is locked by."""
    return REQUEST_KEY.key(request.caller.credential_id, request.key)


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of a batch once they are locked: which of its requests got theirs, which callers are
    not active any more (or their till is not), and what was answered before."""

    got: Sequence[bool]
    switched_off: Collection[int]
    answers: Mapping[tuple[int, str], StoredAnswer]

    def known(self, number: int, request: ActRequest) -> Refusal | StoredAnswer | None:
        """Why request `number` of the batch is not worked on; None when it is."""
        caller_id = request.caller.credential_id
        if caller_id in self.switched_off:
            return SWITCHED_OFF
        return self.answers.get((caller_id, request.key)) if self.got[number] else IN_FLIGHT


class SentKeys(NamedTuple):
    """Keys asked for in a pipeline that is still to be read."""

    locks: Result[bool]
    found: Result[KeyRow]
    size: int

    def read(self) -> Keys:
        """The locked keys, from the answers of the pipeline."""
        rows = self.found.rows()
        return Keys(
            got=self.locks.rows()[: self.size],
            switched_off={row.caller_id for row in rows if row.is_off},
            answers={row.answer[:2]: row.answer for row in rows if row.answer is not None},
        )


def send_keys(
    raw: Wire, requests: Sequence[ActRequest], *, order_keys: Sequence[int] = ()
) -> SentKeys:
    """Lock the requests' keys, then orders, and ask what is known of the keys.

    The first of two steps in the common order; the act's own facts are the second.
    """
    locks = LOCK_BATCH.send(
        raw,
        {
            "request_keys": [request_lock(request) for request in requests],
            "order_keys": list(order_keys),
            "tranche_ids": [],
        },
    )
    found = FIND_KEYS.send(
        raw,
        {
            "caller_ids": [request.caller.credential_id for request in requests],
            "keys": [request.key for request in requests],
        },
    )
    return SentKeys(locks, found, len(requests))


def claim_key(request: ActRequest, *, order_lock: int, render: Render) -> Answer | None:
    """Lock the request's key, then the order; an answer when the caller is switched off, or the key
    is in use or was used before."""
    with pipeline() as raw:
        sent = send_keys(raw, [request], order_keys=[order_lock])
    known = sent.read().known(0, request)
    return None if known is None else answer_known(request, known, render)


def answer_known(request: ActRequest, known: Refusal | StoredAnswer, render: Render) -> Answer:
    """The answer to a request of which `Keys.known` says why it is not worked on."""
    return render(known) if isinstance(known, Refusal) else replay(request, known, render)


def order_lock_key(*, store_no: str, order_no: str) -> int:
    """The advisory key that an order is locked by; upper and lower case are one order.

    Stores of two merchants may have the number, so it locks more than one order.
    """
    return ORDER_CLAIM.key(folded(store_no), folded(order_no))


def lock_order(*, store_no: str, order_no: str) -> None:
    """Lock an order for an act that has no idempotency key."""
    order_lock = order_lock_key(store_no=store_no, order_no=order_no)
    with pipeline() as raw:
        LOCK_BATCH.send(raw, {"request_keys": [], "order_keys": [order_lock], "tranche_ids": []})


def replay(request: ActRequest, stored: StoredAnswer, render: Render) -> Answer:
    """The first answer again, byte for byte, or 422 when the request is another one."""
    if request.fingerprint != stored.fingerprint:
        return render(KEY_REUSED)
    return Answer(stored.status, stored.answer, is_replay=True)


def store_answers(raw: Wire, answered: Sequence[tuple[ActRequest, Answer]]) -> None:
    """Store each answer under its request's key, in the transaction of its effect."""
    assert connection.in_atomic_block
    INSERT_ANSWERS.send(
        raw,
        {
            "caller_ids": [request.caller.credential_id for request, _ in answered],
            "keys": [request.key for request, _ in answered],
            "fingerprints": [request.fingerprint for request, _ in answered],
            "statuses": [answer.status for _, answer in answered],
            "answers": [answer.body for _, answer in answered],
            "ats": [request.at for request, _ in answered],
        },
    )
