"""The facts a batch of claims is judged on, but for the quotas: locked and read in two steps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from vouchers.models.claims import COUNT_CLAIMS, FIND_OFFERS, OfferRow
from vouchers.models.limits.limits import READ_COUNTERS
from vouchers.models.locks import CLAIMED, LOCK_COUNTERS
from vouchers.models.residents.residents import FIND_SHOPPERS, Shopper
from vouchers.rules.claims import LimitKeys, of_round
from vouchers.rules.limits.limits import CounterKey, LimitRule, Subjects, Used, counter_keys
from vouchers.rules.residents import resident_of
from vouchers.services.acts.idempotency import Keys, send_keys
from vouchers.services.claims.places import Place, places_on_file, places_sent
from vouchers.services.claims.requests import ClaimRequest
from vouchers.services.claims.terms import TERMS, CampaignTerms
from vouchers.services.limits.counters import (
    SamePeople,
    counter_columns,
    find_same_people,
    lock_counters,
)
from vouchers.services.limits.links import Asked as AskedLinks
from vouchers.services.limits.links import Links, links_of
from vouchers.sql.pipeline import pipeline, reading
from vouchers.sql.statements import Result
from vouchers.sql.wire import Wire
from vouchers.states import RoundWay


class Counted(NamedTuple):
    """What claims are counted together by; `person` is the least id of the residents who are the
    same person."""

    person: int
    round_id: int
    tier_id: int
    channel: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of the batch with its offer, its resident, the place that decides, and what is
    counted: None where it is not known."""

    request: ClaimRequest
    offer: OfferRow | None
    resident: Shopper | None
    terms: CampaignTerms | None = None
    place: Place | None = None
    counted: Counted | None = None
    # The links the claim counts for, None where its campaign limits none; and their counters.
    links: Links = None
    limit_keys: LimitKeys = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a batch may decide on but the quotas; `asked` has an item for every request.

    `claimed` counts by person, `numbers` by resident: what their next claim is numbered after.
    `used` is what the limit counters hold.
    """

    asked: Sequence[Asked]
    keys: Keys
    claimed: Mapping[Counted, int]
    numbers: Mapping[Counted, int]
    used: Mapping[CounterKey, Used]


def find_offers(requests: Sequence[ClaimRequest]) -> list[OfferRow | None]:
    """For each request the round of its tier that is open; else the next one, else the last one."""
    with reading() as raw:
        found = _ask_offers(raw, requests)
    return _offers(requests, found)


def _ask_offers(raw: Wire, requests: Sequence[ClaimRequest]) -> Result[OfferRow]:
    wanted = sorted({(request.campaign, request.tier) for request in requests})
    columns = {
        "campaigns": [campaign for campaign, _ in wanted],
        "tiers": [tier for _, tier in wanted],
    }
    return FIND_OFFERS.send(raw, columns)


def _offers(requests: Sequence[ClaimRequest], found: Result[OfferRow]) -> list[OfferRow | None]:
    rounds: dict[tuple[str, str], list[OfferRow]] = {}
    for row in found.rows():
        rounds.setdefault((row.campaign, row.tier), []).append(row)
    return [
        of_round(rounds.get((request.campaign, request.tier), ()), request.at)
        for request in requests
    ]


def gather(batch: Sequence[ClaimRequest]) -> Facts:
    """Lock and read in the common order: request keys; limit counters of links, where a campaign
    limits them; then, by resident and round, the claims there are. Places are read once the claims
    are locked, so consent and exclusions are fresh."""
    with pipeline() as raw:
        keys = send_keys(raw, batch)
        people = FIND_SHOPPERS.send(
            raw,
            {"resident_nos": sorted({no for it in batch for no in (it.resident, it.proxy) if no})},
        )
        found = _ask_offers(raw, batch)
    residents = {row.external_id: row for row in people.rows()}
    offers = _offers(batch, found)
    asked = [
        Asked(
            request,
            offer,
            resident_of(residents.get(request.resident), is_test=request.caller.is_test),
        )
        for request, offer in zip(batch, offers, strict=True)
    ]
    asked = _linked(asked, residents)
    merged = sorted(row.id for row in residents.values() if row.is_merged)
    same_people: SamePeople = find_same_people(merged) if merged else {}
    claimed, numbers, used = _lock_and_count(asked, same_people)
    return Facts(
        asked=_placed(asked, same_people),
        keys=keys.read(),
        claimed=claimed,
        numbers=numbers,
        used=used,
    )


def _linked(asked: Sequence[Asked], residents: Mapping[str, Shopper]) -> list[Asked]:
    """The same with links and counters; no statement where no campaign limits claims of links."""
    limits = [
        TERMS.of(each.offer.campaign_id, at=each.request.at).limits
        if each.offer is not None and each.resident is not None
        else ()
        for each in asked
    ]
    if not any(limits):
        return list(asked)
    found = links_of(
        [
            _asked_links(each, residents) if rules else None
            for each, rules in zip(asked, limits, strict=True)
        ]
    )
    return [
        each if links is None else replace(each, links=links, limit_keys=_keys(each, rules, links))
        for each, rules, links in zip(asked, limits, found, strict=True)
    ]


def _asked_links(each: Asked, residents: Mapping[str, Shopper]) -> AskedLinks:
    request, resident = each.request, each.resident
    assert resident is not None
    proxy = residents.get(request.proxy)
    by_proxy = proxy is not None and resident.id in proxy.may_show_for
    return AskedLinks(resident.id, request.device, by_proxy)


def _keys(each: Asked, rules: Sequence[LimitRule], links: tuple[int, ...]) -> LimitKeys:
    assert each.offer is not None
    assert each.resident is not None
    subjects = Subjects(each.resident.id, store_id=0, merchant_id=0, claim_links=links)
    return counter_keys(rules, subjects, each.request.at, each.offer.zone)


def _lock_and_count(
    asked: Sequence[Asked], same_people: SamePeople
) -> tuple[dict[Counted, int], dict[Counted, int], dict[CounterKey, Used]]:
    """Lock the counters of links and what the residents claim in these rounds, then read both."""
    counters = sorted({key for each in asked for key, _ in each.limit_keys})
    members: dict[int, int] = {}
    pairs: set[tuple[int, int]] = set()
    for each in asked:
        if each.resident is None or each.offer is None:
            continue
        group = [each.resident.id, *same_people.get(each.resident.id, ())]
        members |= dict.fromkeys(group, min(group))
        pairs |= {(resident_id, each.offer.round_id) for resident_id in group}
    with pipeline() as raw:
        if counters:
            lock_counters(raw, counters)
            used = READ_COUNTERS.send(raw, counter_columns(counters))
        LOCK_COUNTERS.send(raw, {"keys": sorted(CLAIMED.key(*pair) for pair in pairs)})
        rows = COUNT_CLAIMS.send(
            raw,
            {
                "resident_ids": sorted({resident_id for resident_id, _ in pairs}),
                "round_ids": sorted({round_id for _, round_id in pairs}),
            },
        )
    claimed: dict[Counted, int] = {}
    numbers: dict[Counted, int] = {}
    for row in rows.rows():
        of_person = Counted(members[row.resident_id], *row[1:4])
        claimed[of_person] = claimed.get(of_person, 0) + row.claims
        numbers[Counted(*row[:4])] = row.claims
    if not counters:
        return claimed, numbers, {}
    return claimed, numbers, {CounterKey(*row[:4]): Used(*row[4:6]) for row in used.rows()}


def _placed(asked: Sequence[Asked], same_people: SamePeople) -> list[Asked]:
    """The same with terms, places and what is counted, campaign by campaign: each at its own time,
    since the clock of a sandbox may be years ahead of the others of the batch."""
    found = list(asked)
    groups: dict[tuple[int, bool], list[int]] = {}
    for number, each in enumerate(asked):
        if each.offer is not None and each.resident is not None:
            on_spot = each.offer.way == RoundWay.CLAIM_ON_SPOT
            groups.setdefault((each.offer.campaign_id, on_spot), []).append(number)
    for (campaign_id, on_spot), numbers in groups.items():
        at = max(asked[n].request.at for n in numbers)
        terms = TERMS.of(campaign_id, at=at)
        people = [resident.id for n in numbers if (resident := asked[n].resident) is not None]
        positions = [asked[n].request.position for n in numbers]
        places = (
            places_sent(terms.context, people, positions, at=at)
            if on_spot
            else places_on_file(terms.context, people, at=at)
        )
        for number, place in zip(numbers, places, strict=True):
            found[number] = _complete(asked[number], terms, place, same_people)
    return found


def _complete(each: Asked, terms: CampaignTerms, place: Place, same_people: SamePeople) -> Asked:
    offer, resident, request = each.offer, each.resident, each.request
    assert offer is not None
    assert resident is not None
    person = min([resident.id, *same_people.get(resident.id, ())])
    channel = terms.counted_channel(request.caller.channel_code)
    counted = Counted(person, offer.round_id, offer.tier_id, channel)
    return replace(each, terms=terms, place=place, counted=counted)
