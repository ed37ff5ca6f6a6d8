"""A single act under an idempotency key: a batch of one, step by step in the common lock order.

Only `Act.write` writes, and it decides nothing; only `Act.judge` decides, and it reads nothing.
"""

from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

from merchants.errors import Fact, Refusal
from vouchers.models import Redemption
from vouchers.services.acts.answers import ActRequest, Answer, Render
from vouchers.services.acts.attempts import Attempt, record_attempts
from vouchers.services.acts.idempotency import answer_all, claim_key, store_answers
from vouchers.sql.pipeline import pipeline

Request = TypeVar("Request", bound=ActRequest)
Target = TypeVar("Target")
Facts = TypeVar("Facts")
Decision = TypeVar("Decision")


class Act(ABC, Generic[Request, Target, Facts, Decision]):
    """One verb of a till, as the steps that `perform` runs inside one transaction."""

    @abstractmethod
    def find(self, request: Request) -> Target | Refusal:
        """What the request is about, read without a lock; a refusal here is not stored."""

    @abstractmethod
    def order_lock(self, request: Request, target: Target) -> int:
        """The advisory key of the order, locked right after the request's key."""

    @abstractmethod
    def facts(self, request: Request, target: Target) -> Facts | Refusal:
        """Everything the decision depends on, locked in the common order and read; a refusal here
        is of a request that has to be completed, and not stored: its key stays free for that."""

    @abstractmethod
    def judge(self, request: Request, facts: Facts) -> Decision | Refusal:
        """The decision, by the rules alone."""

    @abstractmethod
    def write(self, request: Request, facts: Facts, decision: Decision) -> Any:
        """Write what was decided; returns the outcome to be rendered."""

    def redemption(self, facts: Facts) -> Redemption | None:
        """The redemption that a refusal is about, for the record of attempts."""
        return None


def perform(
    act: Act[Request, Target, Facts, Decision], request: Request, *, render: Render
) -> Answer:
    """The answer to `request`, given after its effects are committed.

    The same key gets the same bytes. `busy` after losing too many races, which is not stored.
    """

    def work(batch: Any) -> list[Answer]:
        return [_perform_once(act, one, render) for one in batch]

    (answer,) = answer_all([request], work, render=render)
    return answer


def _perform_once(
    act: Act[Request, Target, Facts, Decision], request: Request, render: Render
) -> Answer:
    target = act.find(request)
    if isinstance(target, Refusal):
        return render(target)
    known = claim_key(request, order_lock=act.order_lock(request, target), render=render)
    if known is not None:
        return known
    facts = act.facts(request, target)
    if isinstance(facts, Refusal):
        return render(facts)
    decision = act.judge(request, facts)
    if isinstance(decision, Refusal):
        refused = attempt_on(request, decision, act.redemption(facts))
        with pipeline() as raw:
            record_attempts(raw, [refused])
        outcome: Any = decision
    else:
        outcome = act.write(request, facts, decision)
    answer = render(outcome)
    with pipeline() as raw:
        store_answers(raw, [(request, answer)])
    return answer


def attempt_on(request: ActRequest, refusal: Refusal, redemption: Redemption | None) -> Attempt:
    """The refusal of an act on a redemption, or on none, as it is recorded."""
    facts: dict[str, Fact] = dict(refusal.facts)
    if redemption is None:
        return Attempt(request, refusal, facts)
    return Attempt(
        request,
        refusal,
        facts | {"redemption": redemption.pk},
        store_id=redemption.store_id,
        campaign_id=redemption.campaign_id,
        voucher_id=redemption.voucher_id,
        resident_id=redemption.resident_id,
    )
