"""From the facts of a batch of claims to a verdict on each, in order of arrival.

Judged first without the quotas, so that their buckets are locked last and only for claims that
nothing else refuses.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from django.db import transaction

from merchants.errors import Refusal
from vouchers.models import QuotaBucket
from vouchers.models.claims import LOCK_TRANCHES, OfferRow
from vouchers.models.issuing.runs import SERIAL_BITS, TRANCHE_MAX_VOUCHERS
from vouchers.models.ledger.quotas import GIVE_UP_LOCKS, MARK_LOCKS
from vouchers.models.ledger.transfers import NEXT_TRANSFER_IDS
from vouchers.models.redemption.requests import StoredAnswer
from vouchers.models.residents.residents import Shopper
from vouchers.rules import claims as rules
from vouchers.rules.ledger.quotas import Price, Slice
from vouchers.services.acts.idempotency import BUSY
from vouchers.services.claims.batch_facts import Asked, Counted, Facts
from vouchers.services.claims.places import Place
from vouchers.services.claims.requests import ClaimRequest
from vouchers.services.claims.terms import CampaignTerms
from vouchers.services.ledger import quotas
from vouchers.services.limits.links import Links
from vouchers.services.sold_out import Shortage
from vouchers.sql.pipeline import pipeline
from vouchers.states import TrancheState


@dataclass(frozen=True, slots=True)
class Effect:
    """A voucher to make, and its claim."""

    request: ClaimRequest
    offer: OfferRow
    terms: CampaignTerms
    resident: Shopper
    place: Place
    channel: str
    number: int
    voucher_id: int
    tranche_id: int
    allocation_id: int
    price: Price
    links: Links
    limit_keys: rules.LimitKeys


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one claim: an effect, a stored answer given again, or a refusal, which is
    stored unless the same request may succeed later."""

    request: ClaimRequest
    effect: Effect | None = None
    stored: StoredAnswer | None = None
    refusal: Refusal | None = None
    is_stored: bool = False
    campaign_id: int | None = None
    resident_id: int | None = None
    shortage: Shortage | None = None


@dataclass(frozen=True, slots=True)
class _Hopeful:
    """A claim that only limit and quotas can still refuse."""

    asked: Asked
    offer: OfferRow
    terms: CampaignTerms
    resident: Shopper
    place: Place
    counted: Counted
    item: Slice
    candidate: rules.Candidate


class Judged(NamedTuple):
    """A verdict on each request; fresh ids of transfers, as many as there are tranches; the quota
    buckets that change, with what is left in them."""

    verdicts: Sequence[Verdict]
    transfer_ids: Sequence[int] = ()
    buckets: Sequence[QuotaBucket] = ()


def judge(facts: Facts) -> Judged:
    """Judge every request; locks tranches and quota buckets, and says what is taken from them."""
    judged = [_without_quotas(facts, number) for number in range(len(facts.asked))]
    hopeful = [each for each in judged if isinstance(each, _Hopeful)]
    if not hopeful:
        return Judged([each for each in judged if isinstance(each, Verdict)])
    admitted = _admit(facts, hopeful)
    verdicts = iter(admitted.verdicts)
    return admitted._replace(
        verdicts=[next(verdicts) if isinstance(each, _Hopeful) else each for each in judged]
    )


def _without_quotas(facts: Facts, number: int) -> Verdict | _Hopeful:
    asked = facts.asked[number]
    request = asked.request
    known = facts.keys.known(number, request)
    if isinstance(known, Refusal):
        return Verdict(request, refusal=known)
    if known is not None:
        return Verdict(request, stored=known)
    offer = asked.offer
    closed = rules.judge_offer(
        offer and offer_facts(offer), at=request.at, caller_is_test=request.caller.is_test
    )
    if closed is not None or offer is None:
        return Verdict(request, refusal=closed)
    resident, place, counted, terms = asked.resident, asked.place, asked.counted, asked.terms
    if resident is None or place is None or counted is None or terms is None:
        return _refused(asked, offer, rules.RESIDENT_UNKNOWN)
    claimed = facts.claimed.get(counted, 0)
    claimant = rules.Claimant(resident.state, place.untargeted, claimed)
    refusal = rules.judge_claimant(offer_facts(offer), claimant)
    if refusal is not None:
        return _refused(asked, offer, refusal)
    item = terms.slice(
        offer,
        district_id=place.district_id,
        store_id=place.store_id,
        channel=request.caller.channel_code,
        at=request.at,
    )
    candidate = rules.Candidate(
        counted,
        offer.per_resident - claimed,
        terms.needs(item),
        offer.face_fen,
        asked.limit_keys,
        offer.zone,
    )
    return _Hopeful(asked, offer, terms, resident, place, counted, item, candidate)


def offer_facts(row: OfferRow) -> rules.Offer:
    """An offer as the rules know it."""
    return rules.Offer(
        is_test=row.is_test,
        campaign_state=row.state,
        zone=row.zone,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        opens_at=row.opens_at,
        closes_at=row.closes_at,
        per_resident=row.per_resident,
        paused_until_at=row.paused_until_at,
    )


def _refused(asked: Asked, offer: OfferRow, refusal: Refusal) -> Verdict:
    return Verdict(
        asked.request,
        refusal=refusal,
        is_stored=True,
        campaign_id=offer.campaign_id,
        resident_id=asked.resident and asked.resident.id,
    )


def _admit(facts: Facts, hopeful: Sequence[_Hopeful]) -> Judged:
    """Name the allocations, lock the tranches to number them on, and last of all the quotas.

    One sub-bucket of every cell is locked, so that others can take beside. Where one is short the
    locks are given up, and all sub-buckets of all these cells are locked and judged by.
    """
    allocation_ids = _name_allocations(hopeful)
    tranche_ids = {each.offer.tranche_id or 0 for each in hopeful}
    cell_ids = {cell_id for each in hopeful for cell_id in each.candidate.needs}
    with pipeline() as raw:
        locked = LOCK_TRANCHES.send(raw, {"tranche_ids": sorted(tranche_ids)})
        ids = NEXT_TRANSFER_IDS.send(raw, {"count": len(tranche_ids)})
        MARK_LOCKS.send(raw, {})
        some = quotas.send_locks(raw, cell_ids=cell_ids, hint=hopeful[0].place.bucket)
    sizes = {
        row.id: row.voucher_count for row in locked.rows() if row.state == TrancheState.OUTSTANDING
    }
    fitting = _fitting(hopeful, sizes)
    candidates = [each.candidate for each, fits in zip(hopeful, fitting, strict=True) if fits]
    rows = some.rows()
    buckets = quotas.locked_buckets(cell_ids, rows)
    admission = rules.admit(candidates, quotas.rooms_of(buckets), facts.used)
    is_short = any(
        isinstance(verdict, int) and verdict != rules.OVER_LIMIT for verdict in admission.verdicts
    )
    if is_short and any(row.of > 1 for row in rows):
        with pipeline() as raw:
            GIVE_UP_LOCKS.send(raw, {})
            every = quotas.send_locks(raw, cell_ids=cell_ids, hint=None)
        buckets = quotas.locked_buckets(cell_ids, every.rows())
        admission = rules.admit(candidates, quotas.rooms_of(buckets), facts.used)
    return Judged(
        _verdicts(facts, hopeful, fitting, sizes, admission, allocation_ids),
        ids.rows(),
        quotas.taken_from(buckets=buckets, needs=admission.taken),
    )


def _fitting(hopeful: Sequence[_Hopeful], sizes: Mapping[int, int]) -> list[bool]:
    """Which of the hopeful, in order of arrival, their tranches have numbers for: the last of a
    tranche are given out before another is opened."""
    asking: Counter[int] = Counter()
    fitting = []
    for each in hopeful:
        tranche_id = each.offer.tranche_id or 0
        asking[tranche_id] += 1
        size = sizes.get(tranche_id, TRANCHE_MAX_VOUCHERS)
        fitting.append(size + asking[tranche_id] <= TRANCHE_MAX_VOUCHERS)
    return fitting


def _verdicts(
    facts: Facts,
    hopeful: Sequence[_Hopeful],
    fitting: Sequence[bool],
    sizes: dict[int, int],
    admission: rules.Admission,
    allocation_ids: Mapping[tuple[int, Slice], int],
) -> list[Verdict]:
    """On each of the hopeful; `sizes` grow by what is numbered on."""
    admitted, numbers = iter(admission.verdicts), dict(facts.numbers)
    verdicts = []
    for each, fits in zip(hopeful, fitting, strict=True):
        if not fits:
            # Full or closed since it was found: the next attempt finds or opens another.
            verdicts.append(Verdict(each.asked.request, refusal=BUSY))
            continue
        verdict = next(admitted)
        if verdict == rules.OVER_LIMIT:
            refusal = rules.over_limit(offer_facts(each.offer))
            verdicts.append(_refused(each.asked, each.offer, refusal))
        elif isinstance(verdict, Refusal):
            verdicts.append(_refused(each.asked, each.offer, verdict))
        elif verdict is not None:
            verdicts.append(_sold_out(each, verdict))
        else:
            serial = sizes[each.offer.tranche_id or 0]
            allocation_id = allocation_ids[each.offer.campaign_id, each.item]
            effect = _effect(each, numbers, serial, allocation_id)
            sizes[effect.tranche_id] += 1
            verdicts.append(Verdict(each.asked.request, effect=effect))
    return verdicts


def _name_allocations(hopeful: Sequence[_Hopeful]) -> dict[tuple[int, Slice], int]:
    """The allocations that the claims count in; what is new is remembered once it has committed."""
    named: dict[tuple[int, Slice], int] = {}
    by_campaign: dict[int, tuple[CampaignTerms, set[Slice]]] = {}
    for each in hopeful:
        known = each.terms.allocation_ids.get(each.item)
        if known is not None:
            named[each.offer.campaign_id, each.item] = known
        else:
            fresh = by_campaign.setdefault(each.offer.campaign_id, (each.terms, set()))
            fresh[1].add(each.item)
    for campaign_id, (terms, slices) in sorted(by_campaign.items()):
        made = quotas.allocations_for(campaign_id=campaign_id, slices=sorted(slices, key=str))
        named |= {(campaign_id, item): id_ for item, id_ in made.items()}
        transaction.on_commit(partial(terms.allocation_ids.update, made))
    return named


def _sold_out(each: _Hopeful, cell_id: int) -> Verdict:
    """The refusal; with a shortage to remember where all claims of the offer count in the cell."""
    request, offer = each.asked.request, each.offer
    shortage = Shortage(cell_id, offer.tier_id)
    is_general = shortage in each.terms.shortages(offer, request.caller.channel_code)
    return Verdict(request, refusal=rules.SOLD_OUT, shortage=shortage if is_general else None)


def _effect(each: _Hopeful, numbers: dict[Counted, int], serial: int, allocation_id: int) -> Effect:
    own = each.counted._replace(person=each.resident.id)
    numbers[own] = numbers.get(own, 0) + 1
    tranche_id = each.offer.tranche_id
    assert tranche_id is not None
    return Effect(
        request=each.asked.request,
        offer=each.offer,
        terms=each.terms,
        resident=each.resident,
        place=each.place,
        channel=each.counted.channel,
        number=numbers[own],
        voucher_id=(tranche_id << SERIAL_BITS) + serial,
        tranche_id=tranche_id,
        allocation_id=allocation_id,
        price=each.terms.prices[each.offer.tier_id],
        links=each.asked.links,
        limit_keys=each.asked.limit_keys,
    )
