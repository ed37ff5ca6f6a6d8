"""Claim vouchers, a batch of requests at a time: first come, first served."""

from collections.abc import Mapping, Sequence
from functools import partial

from django.conf import settings
from django.db import transaction

from merchants.errors import Refusal
from vouchers.models.claims import OfferRow
from vouchers.queries.claims import ClaimDetails
from vouchers.rules import claims as rules
from vouchers.rules.issuing.codes import encode
from vouchers.services import sold_out
from vouchers.services.acts import Answer, Render, answer_all
from vouchers.services.acts.idempotency import answer_known, replay, send_keys
from vouchers.services.claims.batch_effects import write
from vouchers.services.claims.batch_facts import find_offers, gather
from vouchers.services.claims.batch_judge import Effect, Verdict, judge, offer_facts
from vouchers.services.claims.clocks import at_campaign_time
from vouchers.services.claims.requests import ClaimRequest
from vouchers.services.claims.terms import TERMS
from vouchers.services.claims.tranches import open_tranche
from vouchers.sql.pipeline import reading


def claim(*, requests: Sequence[ClaimRequest], render: Render) -> list[Answer]:
    """Answer every request, in order; an answer is given only after its effects are committed.

    The outcome rendered is a `ClaimDetails` or a `Refusal`. What the same request may meet
    differently a moment later (`sold_out`, `campaign_not_running`, `busy`) is not stored under its
    key. Offers that are closed or known to be sold out are refused without a transaction; a key
    that has been answered before gets its answer all the same.
    """
    requests = at_campaign_time(requests)
    offers = find_offers(requests)
    closed = {
        number: refusal
        for number, (request, offer) in enumerate(zip(requests, offers, strict=True))
        if (refusal := _closed(request, offer)) is not None
    }
    open_offers = [
        (number, request.caller.channel_code, offer)
        for number, (request, offer) in enumerate(zip(requests, offers, strict=True))
        if number not in closed and offer is not None
    ]
    ats = {offer.campaign_id: requests[number].at for number, _, offer in open_offers}
    terms = {campaign_id: TERMS.of(campaign_id, at=at) for campaign_id, at in ats.items()}
    shortages = {
        number: terms[offer.campaign_id].shortages(offer, channel)
        for number, channel, offer in open_offers
    }
    remembered = sold_out.recall({each for wanted in shortages.values() for each in wanted})
    for number, wanted in shortages.items():
        if not remembered.shortages.isdisjoint(wanted):
            closed[number] = rules.SOLD_OUT
    answers = _turned_away(requests, closed, render) if closed else {}
    others = [number for number in range(len(requests)) if number not in closed]
    _open_missing([(requests[n], offers[n]) for n in others])
    work = partial(_claim_once, render=render, marks=remembered.marks)
    found = answer_all([requests[number] for number in others], work, render=render)
    answers |= zip(others, found, strict=True)
    return [answers[number] for number in range(len(requests))]


def _closed(request: ClaimRequest, offer: OfferRow | None) -> Refusal | None:
    facts = None if offer is None else offer_facts(offer)
    return rules.judge_offer(facts, at=request.at, caller_is_test=request.caller.is_test)


def _turned_away(
    requests: Sequence[ClaimRequest], closed: Mapping[int, Refusal], render: Render
) -> dict[int, Answer]:
    """The refusals, or the answers that the keys have had; one statement after another, so that
    a request under way is found in flight or answered."""
    numbers = list(closed)
    asked = [requests[number] for number in numbers]
    with reading() as raw:
        sent = send_keys(raw, asked)
    keys = sent.read()
    return {
        number: answer_known(request, keys.known(place, request) or closed[number], render)
        for place, (number, request) in enumerate(zip(numbers, asked, strict=True))
    }


def _open_missing(asked: Sequence[tuple[ClaimRequest, OfferRow | None]]) -> None:
    """Open the tranches that were not opened ahead, or that have become full."""
    missing = {
        (offer.round_id, offer.tier_id): request.at
        for request, offer in asked
        if offer is not None and offer.tranche_id is None
    }
    for (round_id, tier_id), at in sorted(missing.items()):
        open_tranche(round_id=round_id, tier_id=tier_id, at=at)


def _claim_once(
    requests: Sequence[ClaimRequest], *, render: Render, marks: Mapping[int, bytes]
) -> list[Answer]:
    judged = judge(gather(requests))
    answers = [_answer(verdict, render) for verdict in judged.verdicts]
    write(judged, answers)
    shortages = {each.shortage for each in judged.verdicts if each.shortage is not None}
    transaction.on_commit(partial(sold_out.remember, shortages, marks))
    return answers


def _answer(verdict: Verdict, render: Render) -> Answer:
    if verdict.stored is not None:
        return replay(verdict.request, verdict.stored, render)
    return render(verdict.refusal if verdict.effect is None else _details(verdict.effect))


def _details(effect: Effect) -> ClaimDetails:
    offer = effect.offer
    assert offer.valid_from_at is not None
    assert offer.valid_until_at is not None
    return ClaimDetails(
        claim=effect.voucher_id,
        voucher=encode(effect.voucher_id, settings.HUIMIN_CODE_KEY),
        campaign=offer.campaign,
        tier=offer.tier,
        round=offer.round,
        face_fen=offer.face_fen,
        threshold_fen=offer.threshold_fen,
        valid_from_at=offer.valid_from_at,
        valid_until_at=offer.valid_until_at,
        claimed_at=effect.request.at,
    )
