"""What a channel sends of one claim, parsed once for both doors."""

from datetime import datetime

import msgspec

from merchants.auth import Caller
from merchants.errors import Refused
from merchants.models import Credential
from vouchers.http.places import wgs84
from vouchers.http.requests import (
    NUL_IN_JSON,
    check_key,
    check_references,
    check_text,
    decoded,
    fingerprint,
    malformed,
)
from vouchers.rules.claims import TIER_SEPARATOR
from vouchers.services.claims import ClaimOrder, ClaimRequest, Position

SCOPE_CLAIM = "claim"

_decode = msgspec.json.Decoder(ClaimOrder).decode


def check_channel(caller: Caller) -> None:
    """Refuse `forbidden` to a key that isn't a channel's: what it claimed would count in no
    channel."""
    if SCOPE_CLAIM not in caller.scopes or caller.kind != Credential.Kind.CHANNEL:
        raise Refused("forbidden", scope=SCOPE_CLAIM)


def claim_request(
    *, caller: Caller, key: str, path: str, body: bytes, at: datetime
) -> ClaimRequest:
    """The request that both doors make of a call. Refuses a missing key, a malformed body and a
    position that is incomplete or in an unknown datum."""
    check_channel(caller)
    checked = check_key(key)
    order: ClaimOrder = decoded(_decode, body)
    if NUL_IN_JSON in body:
        check_text(order)
    check_references(order, order.references)
    campaign, separator, tier = order.tier.partition(TIER_SEPARATOR)
    if not separator:
        raise malformed(
            "a tier is written campaign/tier, as the list of offers has it - at `$.tier`"
        )
    place = wgs84(order.longitude, order.latitude, order.datum)
    return ClaimRequest(
        caller=caller,
        key=checked,
        resident=order.resident,
        campaign=campaign,
        tier=tier,
        position=None if place is None else Position(*place),
        device=order.device,
        proxy=order.proxy,
        fingerprint=fingerprint("POST", path, body),
        at=at,
    )
