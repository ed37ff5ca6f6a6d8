"""What a resident could claim now or soon: reads, locks nothing, promises nothing."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from merchants.auth import Caller
from merchants.errors import Refused
from vouchers.models.claims import COUNT_CLAIMS, FIND_COMING_OFFERS, OfferRow
from vouchers.models.residents.residents import FIND_SHOPPERS, Shopper
from vouchers.queries.claims import OfferDetails, OfferState
from vouchers.rules import claims as rules
from vouchers.rules.residents import resident_of
from vouchers.services.claims.batch_judge import offer_facts
from vouchers.services.claims.clocks import timed_offers
from vouchers.services.claims.places import places_on_file
from vouchers.services.claims.terms import TERMS, CampaignTerms
from vouchers.services.ledger import quotas
from vouchers.services.limits.counters import find_same_people
from vouchers.sql.pipeline import raw_connection
from vouchers.states import ResidentState, RoundWay


class _Timed(NamedTuple):
    """An offer, the time in its campaign, and the campaign's terms."""

    row: OfferRow
    at: datetime
    terms: CampaignTerms


def offers(*, caller: Caller, resident: str, at: datetime) -> list[OfferDetails]:
    """The offers that are open or to come, each as it stands for one resident. Refuses `not_found`
    for a resident who is not registered, or not in the caller's world."""
    raw = raw_connection()
    on_file = FIND_SHOPPERS.send(raw, {"resident_nos": [resident]}).rows()
    found = resident_of(next(iter(on_file), None), is_test=caller.is_test)
    if found is None:
        raise Refused(rules.RESIDENT_UNKNOWN.code, rules.RESIDENT_UNKNOWN.rule)
    rows = FIND_COMING_OFFERS.send(raw, {"is_test": caller.is_test, "at": at}).rows()
    claimed = _claimed(found, rows)
    timed = [
        _Timed(row, now, TERMS.of(row.campaign_id, at=now))
        for row, now in timed_offers(rows, is_test=caller.is_test, at=at)
    ]
    untargeted = _untargeted(found, timed)
    rooms = quotas.have_room(
        wanted=[each.terms.general_needs(each.row, caller.channel_code) for each in timed]
    )
    return [
        _offer(each, found, claimed, untargeted, has_room, caller)
        for each, has_room in zip(timed, rooms, strict=True)
    ]


def _untargeted(resident: Shopper, timed: Sequence[_Timed]) -> dict[int, str]:
    """By campaign why no place on file makes the resident eligible; empty where one does. Only of
    the campaigns that go by places on file."""
    asked = {each.row.campaign_id: each for each in timed if each.row.way != RoundWay.CLAIM_ON_SPOT}
    found = {}
    for campaign_id, (_row, at, terms) in asked.items():
        (place,) = places_on_file(terms.context, [resident.id], at=at)
        found[campaign_id] = place.untargeted or ""
    return found


def _claimed(resident: Shopper, rows: Sequence[OfferRow]) -> dict[tuple[int, int, str], int]:
    """Claims of the resident and those who are the same person, by round, tier and channel."""
    same = find_same_people([resident.id]).get(resident.id, ()) if resident.is_merged else ()
    counted = COUNT_CLAIMS.send(
        raw_connection(),
        {
            "resident_ids": [resident.id, *same],
            "round_ids": sorted({row.round_id for row in rows}),
        },
    )
    claimed: dict[tuple[int, int, str], int] = {}
    for row in counted.rows():
        key = (row.round_id, row.tier_id, row.channel)
        claimed[key] = claimed.get(key, 0) + row.claims
    return claimed


def _offer(
    timed: _Timed,
    resident: Shopper,
    claimed: dict[tuple[int, int, str], int],
    untargeted: Mapping[int, str],
    has_room: bool,
    caller: Caller,
) -> OfferDetails:
    row, at, terms = timed
    channel = terms.counted_channel(caller.channel_code)
    left = max(0, row.per_resident - claimed.get((row.round_id, row.tier_id, channel), 0))
    reason = _reason(row, resident, untargeted)
    return OfferDetails(
        tier=f"{row.campaign}{rules.TIER_SEPARATOR}{row.tier}",
        name=row.name,
        campaign=row.campaign,
        round=row.round,
        face_fen=row.face_fen,
        threshold_fen=row.threshold_fen,
        opens_at=row.opens_at,
        closes_at=row.closes_at,
        state=_state(row, reason, left, has_room, caller, at),
        needs_position=row.way == RoundWay.CLAIM_ON_SPOT,
        left_for_resident=left,
        reason=reason,
    )


def _reason(row: OfferRow, resident: Shopper, untargeted: Mapping[int, str]) -> str:
    """Why the offer is not for the resident, as far as it is known before they send a position."""
    if resident.state != ResidentState.ACTIVE:
        return "resident_not_active"
    if row.way == RoundWay.CLAIM_ON_SPOT:
        return ""
    return untargeted[row.campaign_id]


def _state(
    row: OfferRow, reason: str, left: int, has_room: bool, caller: Caller, at: datetime
) -> OfferState:
    if reason:
        return "not_for_you"
    if not left:
        return "claimed"
    closed = rules.judge_offer(offer_facts(row), at=at, caller_is_test=caller.is_test)
    if closed is not None:
        return "coming" if closed.rule == "round_not_open" else "paused"
    return "open" if has_room else "sold_out"
