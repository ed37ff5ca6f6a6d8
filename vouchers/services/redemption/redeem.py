"""Redeem a batch of requests: one transaction, one verdict each, and none fails its neighbours."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from vouchers.services.acts import Answer, Render, answer_all
from vouchers.services.acts.idempotency import replay
from vouchers.services.redemption.batch_effects import write
from vouchers.services.redemption.batch_facts import gather
from vouchers.services.redemption.batch_judge import BatchJudge, Verdict
from vouchers.services.redemption.batch_known import Pending
from vouchers.services.redemption.clocks import at_campaign_time
from vouchers.services.redemption.own_numbers import with_known_stores
from vouchers.services.redemption.requests import RedeemRequest
from vouchers.services.redemption.shown import codes_of

TRANSACTION_MAX: Final = 128
"""Requests in one transaction, so that its locks are held for milliseconds."""


def redeem(*, requests: Sequence[RedeemRequest], render: Render) -> list[Answer]:
    """Answer every request, in order; an answer is given only after its effects are committed.

    The outcome rendered is a `RedemptionDetails` or a `Refusal`; `busy` after losing too many races
    is not stored under its key. More than `TRANSACTION_MAX` requests are several transactions.
    """
    work = partial(_redeem_once, render=render)
    return [
        answer
        for start in range(0, len(requests), TRANSACTION_MAX)
        for answer in answer_all(requests[start : start + TRANSACTION_MAX], work, render=render)
    ]


def _redeem_once(requests: Sequence[RedeemRequest], *, render: Render) -> list[Answer]:
    known = with_known_stores(requests)
    codes = codes_of([request.order for request in known])
    batch = at_campaign_time(
        [Pending(request, code) for request, code in zip(known, codes, strict=True)]
    )
    judge = BatchJudge(gather(batch))
    verdicts = [judge.verdict(number, pending) for number, pending in enumerate(batch)]
    answers = [_answer(verdict, render) for verdict in verdicts]
    write(verdicts, answers, tallies=judge.risk.changed)
    return answers


def _answer(verdict: Verdict, render: Render) -> Answer:
    if verdict.stored is not None:
        return replay(verdict.pending.request, verdict.stored, render)
    return render(verdict.outcome)
