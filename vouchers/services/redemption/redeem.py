"""Redeem a batch of requests: one transaction, one verdict each, and no neighbour's trouble."""

from collections.abc import Sequence

from django.conf import settings
from django.db import IntegrityError, OperationalError, transaction

from merchants.errors import Refusal
from vouchers.errors import problem
from vouchers.rules.issuing.codes import decode
from vouchers.services.redemption.decide import IN_FLIGHT, KEY_REUSED, Bench
from vouchers.services.redemption.effects import write
from vouchers.services.redemption.facts import Pending, gather
from vouchers.services.requests import Answer, RedeemRequest

BUSY = Answer(*problem(Refusal("busy")))
SINGLE_TRIES = 3
# Serialisation failure, deadlock, unique and check violations: somebody else was first, and a
# second look at the facts will say so.
RACES = frozenset({"40001", "40P01", "23505", "23514"})


def redeem(*, requests: Sequence[RedeemRequest]) -> list[Answer]:
    """Answer every request, in order; an answer is given only after its effects are committed.

    Losing a race makes the batch run again, then in halves, then singly; a request that loses
    three times alone is answered `busy`, which is not remembered under its key.
    """
    firsts, copies = _without_copies(requests)
    answers = dict(zip(firsts, _redeem_or_halve([requests[i] for i in firsts]), strict=True))
    others = []
    for number, original in copies.items():
        answer = _answer_copy(requests[number], requests[original], answers[original])
        if answer is None:
            others.append(number)
        else:
            answers[number] = answer
    if others:
        answers |= zip(others, redeem(requests=[requests[i] for i in others]), strict=True)
    return [answers[number] for number in range(len(requests))]


def _without_copies(requests: Sequence[RedeemRequest]) -> tuple[list[int], dict[int, int]]:
    """Numbers of the first request under each key, and copy → first for the others."""
    first: dict[tuple[int, str], int] = {}
    copies: dict[int, int] = {}
    for number, request in enumerate(requests):
        original = first.setdefault((request.caller.credential_id, request.key), number)
        if original != number:
            copies[number] = original
    return list(first.values()), copies


def _answer_copy(copy: RedeemRequest, original: RedeemRequest, answer: Answer) -> Answer | None:
    """What a further request under the same key hears; None when it must ask for itself, because
    the first one found the key taken by a body that may be its own."""
    if answer in (IN_FLIGHT, BUSY):
        return answer
    if copy.fingerprint == original.fingerprint:
        return answer if answer == KEY_REUSED else answer._replace(is_replay=True)
    return None if answer == KEY_REUSED else KEY_REUSED


def _redeem_or_halve(requests: Sequence[RedeemRequest], tries: int = 2) -> list[Answer]:
    for _ in range(tries):
        try:
            return _redeem_once(requests)
        except (IntegrityError, OperationalError) as error:
            if getattr(error.__cause__, "sqlstate", None) not in RACES:
                raise
    if len(requests) == 1:
        return [BUSY]
    middle = len(requests) // 2
    halves = (requests[:middle], requests[middle:])
    return [
        answer
        for half in halves
        for answer in _redeem_or_halve(half, SINGLE_TRIES if len(half) == 1 else 1)
    ]


def _redeem_once(requests: Sequence[RedeemRequest]) -> list[Answer]:
    if not requests:
        return []
    batch = [Pending(r, decode(r.order.voucher, settings.HUIMIN_CODE_KEY)) for r in requests]
    with transaction.atomic():
        bench = Bench(gather(batch))
        verdicts = [bench.verdict(number, pending) for number, pending in enumerate(batch)]
        write(verdicts)
    return [verdict.answer for verdict in verdicts]
