"""The small city of the load: shops with tills, an app, hands of vouchers, a round of claims."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from merchants.models import Credential
from merchants.services import issue_credential
from tests.support import cast, draft_rows
from tests.support.cast import CO_FUNDED
from tests.support.http_till import MONTH, till_key
from tests.support.mixed_load.acts import Hand, Keys
from tests.support.mixed_load.checker import Ground
from tests.support.mixed_load.lifecycle import FACE_FEN, THRESHOLD_FEN
from tests.support.risk import QUIET, rule, with_rules
from tests.support.till import code_of, issue_vouchers
from vouchers.models import Campaign
from vouchers.services import claims
from vouchers.states import LimitKind, RiskKind, RiskSetting, RiskVerdict, RoundWay

TIER = "off20"
STORES = 4
BUCKETS = 2
VOUCHERS_A_HAND = 3
BUDGET_FEN = 100_000_000
LIMITS = {
    LimitKind.RESIDENT_DAY: 1_000,
    LimitKind.STORE_MINUTE: 1_000_000,
    LimitKind.RESIDENT_CAMPAIGN: 1_000,
}
"""All counted, none reached: a refusal by a limit is no matter of one hand."""


@dataclass(frozen=True)
class Scene:
    """The city before the first act."""

    campaign: Campaign
    keys: Keys
    hands: list[Hand]
    claimants: list[str]
    ground: Ground


def open_scene(*, hands: int, units: int) -> Scene:
    """The city in the database in use: so many hands of three vouchers, and units to claim, for
    which half as many residents more will ask. Every risk rule is live, and pays."""
    now = timezone.now()
    stores = [cast.store(f"S{number}", of=cast.huilian()) for number in range(STORES)]
    draft = cast.spring_campaign(
        code="mixed-load",
        budget_fen=BUDGET_FEN,
        funding=CO_FUNDED,
        tiers={TIER: (FACE_FEN, THRESHOLD_FEN)},
        limits=LIMITS,
        starts_at=now - timedelta(days=2),
        ends_at=now + MONTH,
        stores=tuple(stores),
    )
    _add_round(draft, units)
    quiet = [
        rule(kind, setting=RiskSetting.LIVE, verdict=RiskVerdict.PAY, figures=QUIET[kind])
        for kind in RiskKind
    ]
    campaign = cast.launched(with_rules(draft, *quiet, at=now), at=now)
    claims.open_coming(at=now)
    residents = [cast.resident(f"holder-{number}") for number in range(hands)]
    holders = [each for each in residents for _ in range(VOUCHERS_A_HAND)]
    codes: dict[str, list[str]] = {each.external_id: [] for each in residents}
    for holder, row in zip(holders, issue_vouchers(campaign, holders, at=now), strict=True):
        codes[holder.external_id].append(code_of(row))
    claimants = [cast.resident(f"claimant-{n}").external_id for n in range(units * 3 // 2)]
    scopes = ("redeem", "quote", "refund")
    keys = Keys(
        {store.external_id: till_key(store, scopes=scopes) for store in stores},
        _app_key(),
        f"{campaign.code}/{TIER}",
    )
    ground = Ground(
        appropriated={source.code: source.appropriated_fen for source in campaign.sources.all()},
        face={source: FACE_FEN * percent // 100 for source, percent in CO_FUNDED.items()},
        units=units,
        hands=codes,
    )
    return Scene(campaign, keys, [Hand(*each) for each in codes.items()], claimants, ground)


def _add_round(draft: Campaign, units: int) -> None:
    by, at = cast.mei(), timezone.now()
    opened = draft_rows.add(
        "rounds",
        campaign=draft,
        number=1,
        opens_at=at - timedelta(hours=1),
        closes_at=at + timedelta(days=1),
        way=RoundWay.CLAIM.value,
        by=by,
        at=at,
    )
    draft_rows.add(
        "cells",
        campaign=draft,
        round=opened,
        cap_count=units,
        bucket_count=BUCKETS,
        by=by,
        at=at,
    )


def _app_key() -> str:
    _, key = issue_credential(
        name="app",
        kind=Credential.Kind.CHANNEL,
        scopes=["claim", "residents"],
        channel_code="alipay",
        at=timezone.now() - timedelta(days=1),
    )
    return key
