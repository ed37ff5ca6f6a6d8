"""Writes what a batch of claims has decided: a few set-based statements in one pipeline."""

from collections import Counter
from collections.abc import Sequence

from vouchers.models.claims import CLAIM_COLUMNS, GROW_TRANCHES, INSERT_CLAIMS
from vouchers.models.issuing.vouchers import INSERT_VOUCHERS
from vouchers.models.ledger.quotas import KEEP_LOCKS
from vouchers.rules.ledger.quotas import Price
from vouchers.services.acts import Answer
from vouchers.services.acts.attempts import Attempt, record_attempts
from vouchers.services.acts.idempotency import store_answers
from vouchers.services.claims.batch_judge import Effect, Judged, Verdict
from vouchers.services.ledger import quotas
from vouchers.services.ledger.transfers import Line, Posting, move_lines, send_postings
from vouchers.services.limits.counters import send_taken
from vouchers.sql.pipeline import pipeline
from vouchers.states import AccountKind, Cause, TransferReason


def write(judged: Judged, answers: Sequence[Answer]) -> None:
    """Write everything the verdicts decided, and store the answers that last."""
    verdicts = judged.verdicts
    effects = [verdict.effect for verdict in verdicts if verdict.effect is not None]
    lasting = [
        (verdict.request, answer)
        for verdict, answer in zip(verdicts, answers, strict=True)
        if verdict.effect is not None or verdict.is_stored
    ]
    refused = [_attempt(verdict) for verdict in verdicts if verdict.is_stored]
    if not lasting:
        return
    with pipeline() as raw:
        if effects:
            KEEP_LOCKS.send(raw, {})
            quotas.send_buckets(raw, judged.buckets)
            postings = _postings(effects)
            send_postings(raw, judged.transfer_ids[: len(postings)], postings)
            grown = Counter(effect.tranche_id for effect in effects)
            GROW_TRANCHES.send(raw, {"tranche_ids": list(grown), "counts": list(grown.values())})
            columns = zip(*map(_claim, effects), strict=True)
            INSERT_CLAIMS.send(raw, dict(zip(CLAIM_COLUMNS, columns, strict=True)))
            INSERT_VOUCHERS.send(
                raw,
                {
                    "voucher_ids": [effect.voucher_id for effect in effects],
                    "resident_ids": [effect.resident.id for effect in effects],
                    "allocation_ids": [effect.allocation_id for effect in effects],
                    "buckets": [effect.place.bucket for effect in effects],
                },
            )
        if refused:
            record_attempts(raw, refused)
        store_answers(raw, lasting)
        taken = [(effect.limit_keys, effect.offer.face_fen) for effect in effects]
        send_taken(raw, taken)


def _claim(effect: Effect) -> tuple[object, ...]:
    """The values of CLAIM_COLUMNS."""
    place = effect.place
    return (
        effect.offer.round_id,
        effect.offer.tier_id,
        effect.resident.id,
        effect.channel,
        effect.number,
        effect.voucher_id,
        effect.request.caller.credential_id,
        place.kind,
        place.location_id,
        place.distance_m,
        place.ring,
        place.commitment(effect.tranche_id, effect.resident.id),
        effect.request.at,
        None if effect.links is None else f"{{{','.join(map(str, effect.links))}}}",
    )


def _postings(effects: Sequence[Effect]) -> list[Posting]:
    """One a tranche, with a pair of legs for each allocation and source."""
    by_tranche: dict[int, list[Effect]] = {}
    for effect in effects:
        by_tranche.setdefault(effect.tranche_id, []).append(effect)
    return [_posting(tranche_id, made) for tranche_id, made in sorted(by_tranche.items())]


def _posting(tranche_id: int, effects: Sequence[Effect]) -> Posting:
    first = effects[0]
    counts = Counter((effect.allocation_id, effect.price) for effect in effects)
    return Posting(
        campaign_id=first.offer.campaign_id,
        reason=TransferReason.CLAIM,
        cause=Cause.TRANCHE,
        cause_id=tranche_id,
        at=first.request.at,
        lines=[
            line
            for (allocation_id, price), count in sorted(counts.items(), key=lambda item: item[0][0])
            for line in _moved(first, allocation_id, price, count)
        ],
    )


def _moved(effect: Effect, allocation_id: int, price: Price, count: int) -> list[Line]:
    return move_lines(
        effect.terms.accounts,
        split=price.times(count),
        allocation_id=allocation_id,
        origin=AccountKind.FREE,
        target=AccountKind.OUTSTANDING,
    )


def _attempt(verdict: Verdict) -> Attempt:
    refusal, request = verdict.refusal, verdict.request
    assert refusal is not None
    shown = {"resident": request.resident, "tier": f"{request.campaign}/{request.tier}"}
    return Attempt(
        request,
        refusal,
        {**refusal.facts, **shown},
        campaign_id=verdict.campaign_id,
        resident_id=verdict.resident_id,
    )
