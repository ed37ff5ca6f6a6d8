"""A campaign with a round that is claimed, a channel's app, and residents who ask."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import msgspec

from merchants.auth import Caller
from merchants.models import Credential
from merchants.services import issue_credential
from tests.support import cast, draft_rows
from tests.support.cast import DAY, NOON, PEOPLES_SQUARE
from tests.support.till import answer_to, decoded, order
from vouchers.http.answers import render
from vouchers.http.claims import claim_request
from vouchers.models import Campaign, Resident
from vouchers.services import claims
from vouchers.services.acts import Answer
from vouchers.services.claims import ClaimRequest
from vouchers.states import LimitKind, RoundWay

PATH = "/api/v1/claims"
TEN = NOON - timedelta(hours=2)
"""Ten o'clock sharp in Shanghai: the round opens."""
CLOSING = NOON + timedelta(hours=6)
FACE_FEN = 2_000
_numbers = count(1)


def draft_with_round(
    *,
    units: int | None = 10,
    way: RoundWay = RoundWay.CLAIM,
    per_resident: int = 1,
    bucket_count: int = 1,
    channels: Sequence[str] = (),
    limits: Mapping[LimitKind, int] | None = None,
    code: str = "grab-2026",
    **options: Any,
) -> Campaign:
    """A draft of one tier, 满100减20, whose only round is claimed from ten o'clock; `units` caps
    the round, and each channel has a cell of half as many."""
    by, at = cast.mei(), NOON - 20 * DAY
    draft = cast.spring_campaign(
        code=code,
        tiers={"off20": (FACE_FEN, 10_000)},
        limits={LimitKind.RESIDENT_DAY: 3, **(limits or {})},
        per_resident=per_resident,
        **options,
    )
    opened = draft_rows.add(
        "rounds",
        campaign=draft,
        number=1,
        opens_at=TEN,
        closes_at=CLOSING,
        way=way.value,
        by=by,
        at=at,
    )
    if units is not None:
        draft_rows.add(
            "cells",
            campaign=draft,
            round=opened,
            cap_count=units,
            bucket_count=bucket_count,
            by=by,
            at=at,
        )
    for channel in channels:
        cap = (units or 0) // 2
        draft_rows.add("cells", campaign=draft, channel=channel, cap_count=cap, by=by, at=at)
    return draft


def grab(*, is_opened: bool = True, **options: Any) -> Campaign:
    """The same, launched, with its tranche opened ahead."""
    campaign = cast.launched(draft_with_round(**options), at=TEN - DAY)
    if is_opened:
        claims.open_coming(at=TEN - timedelta(minutes=5))
    return campaign


def claimed_campaign() -> Campaign:
    """Three units: claimed by three, one of them used; a fourth came too late, Bob lives too far
    away, and one asked twice."""
    campaign = grab(units=3, funding={"treasury": 75, "bank": 25})
    first, *others = neighbours(4)
    bob = cast.bob()
    status, body = verdict(asking(first, campaign))
    assert status == 201, body
    answers = claimed([asking(each, campaign) for each in (first, *others, bob)])
    assert statuses(answers) == [422, 201, 201, 409, 422]
    used, answer = answer_to(order(body["voucher"], cast.nanjing_road(), first, at=NOON))
    assert used == 201, answer
    return campaign


def neighbours(number: int) -> list[Resident]:
    """So many residents who live next to Nanjing Road."""
    return [cast.resident(f"claimant-{n}", home=PEOPLES_SQUARE) for n in range(number)]


def app(channel: str = "alipay", *, is_test: bool = False) -> Caller:
    """A channel's app that may claim."""
    name = f"{channel} app"
    credential = Credential.objects.filter(name=name, is_test=is_test).first()
    if credential is None:
        credential, _key = issue_credential(
            name=name,
            kind=Credential.Kind.CHANNEL,
            scopes=["claim"],
            channel_code=channel,
            is_test=is_test,
            at=TEN - DAY,
        )
    return Caller(
        credential_id=credential.pk,
        kind=credential.kind,
        scopes=frozenset(credential.scopes),
        merchant_ids=frozenset(),
        store_ids=None,
        terminal_code="",
        channel_code=channel,
        is_test=is_test,
    )


def asking(
    resident: Resident | str,
    campaign: Campaign | str = "grab-2026",
    *,
    tier: str = "off20",
    key: str | None = None,
    at: datetime = TEN,
    caller: Caller | None = None,
    **fields: Any,
) -> ClaimRequest:
    """A resident's request for a voucher of a campaign."""
    number = next(_numbers)
    of = campaign if isinstance(campaign, str) else campaign.code
    who = resident if isinstance(resident, str) else resident.external_id
    return claim_request(
        caller=caller or app(),
        key=key or f"claim-{number}",
        path=PATH,
        body=msgspec.json.encode({"resident": who, "tier": f"{of}/{tier}", **fields}),
        at=at,
    )


def position(place: tuple[float, float], datum: str = "WGS-84") -> dict[str, Any]:
    """Where a resident is, as a claim sends it."""
    return {"longitude": place[0], "latitude": place[1], "datum": datum}


def claimed(requests: Sequence[ClaimRequest]) -> list[Answer]:
    """The answers to a batch, as both doors render them."""
    return claims.claim(requests=requests, render=render)


def verdict(request: ClaimRequest) -> tuple[int, dict[str, Any]]:
    """Status and decoded body of one claim."""
    return decoded(claimed([request])[0])


def said(answer: Answer) -> str:
    """The code of a refusal, or "claimed" where it is a voucher."""
    status, body = decoded(answer)
    return "claimed" if status == 201 else str(body["code"])


def refusal(request: ClaimRequest) -> tuple[str, str]:
    """Code and rule with which a claim is refused."""
    status, body = verdict(request)
    assert status >= 400, body
    return body["code"], body["rule"]


def statuses(answers: Sequence[Answer]) -> list[int]:
    """Statuses of answers."""
    return [answer.status for answer in answers]
