"""The people, shops and campaign that the tests talk about. Plain functions over public services.

Where a row has no service of its own yet it is written as that service would write it.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import Group, User

from merchants.models import District, Merchant, State, Store, StoreLocation, Street
from merchants.services.street_places import street_at
from merchants.services.streets import upsert_street
from vouchers.models import Campaign, Consent, Grant, Proposal, ProposalDecision
from vouchers.models.residents.residents import BUCKETS, Resident, ResidentPoint
from vouchers.queries.campaigns.readiness import approvers_needed
from vouchers.services.campaigns import drafts, lifecycle, proposals, terms
from vouchers.states import LimitKind, ResidentState

NOON = datetime(2026, 4, 1, 4, 0, tzinfo=UTC)
"""Noon of 1 April 2026 in Shanghai: the tests' present unless they say otherwise."""

DAY = timedelta(days=1)
PEOPLES_SQUARE = (121.4737, 31.2304)
"""Longitude and latitude, WGS-84, of the store in Nanjing Road."""

DEGREES_NORTH_PER_KM = 1 / 110.85
"""Good to a metre at Shanghai's latitude for a few kilometres."""


def north_of(place: tuple[float, float], *, km: float) -> tuple[float, float]:
    """A point so many kilometres due north, near enough for a ring; not for its very edge."""
    return place[0], place[1] + km * DEGREES_NORTH_PER_KM


def member(username: str, role: str) -> User:
    """A user with one role in the whole city; the same one when asked again."""
    user, is_new = User.objects.get_or_create(username=username, defaults={"is_staff": True})
    if is_new:
        grant(user, role)
    return user


def grant(user: User, *roles: str, where: District | Street | None = None) -> User:
    """Further roles of a user, from long ago on; the user afresh, since grants are kept with it."""
    giver, _ = User.objects.get_or_create(username="gu", defaults={"is_superuser": True})
    Grant.objects.bulk_create(
        Grant(
            user=user,
            role=Group.objects.get(name=role),
            district=where.district if isinstance(where, Street) else where,
            street=where if isinstance(where, Street) else None,
            from_at=NOON - 10_000 * DAY,
            why="works there",
            given_by=giver,
            given_at=NOON,
        )
        for role in roles
    )
    return User.objects.get(pk=user.pk)


def mei() -> User:
    """Mei manages campaigns and may not approve any."""
    return member("mei", "manager")


def li() -> User:
    """Li approves what others have edited and edits nothing."""
    return member("li", "approver")


def ren() -> User:
    """Ren is the risk officer: she holds money until a case has been examined."""
    return member("ren", "risk officer")


def district(adcode: int = 310101, name: str = "黄浦区") -> District:
    """A district of Shanghai; Huangpu unless another is named."""
    return District.objects.get_or_create(adcode=adcode, defaults={"name": name})[0]


def street(ring: Sequence[Sequence[float]], code: int = 310101002, name: str = "外滩") -> Street:
    """A street of Huangpu inside a closed ring of WGS-84 positions; the Bund unless named."""
    area = {"type": "Polygon", "coordinates": [[list(position) for position in ring]]}
    if not Street.objects.filter(pk=code).exists():
        upsert_street(Street(code=code, name=name, district=district(), boundary=area))
    return Street.objects.select_related("district").get(pk=code)


def merchant(code: str, name: str = "") -> Merchant:
    """A merchant; the same one when asked again."""
    return Merchant.objects.get_or_create(
        code=code, defaults={"name": name or code, "created_at": NOON}
    )[0]


def huilian() -> Merchant:
    """Huilian is a department-store group; its stores take part."""
    return merchant("huilian", "汇联百货")


def rival() -> Merchant:
    """Rival has a store next door, and nothing of Huilian's is its business."""
    return merchant("rival", "对手百货")


def store(
    external_id: str,
    *,
    of: Merchant,
    at: tuple[float, float] = PEOPLES_SQUARE,
    state: State = State.ACTIVE,
    category: str = "department store",
) -> Store:
    """A store of a merchant with the first version of its place; the same one when asked again."""
    if found := Store.objects.filter(merchant=of, external_id=external_id).first():
        return found
    made = Store.objects.create(
        merchant=of,
        external_id=external_id,
        name=external_id,
        category=category,
        state=state,
        district=district(),
        street_id=street_at(district().pk, *at),
    )
    StoreLocation.objects.create(
        store=made,
        version=1,
        valid_from_at=NOON - 365 * DAY,
        longitude_deg=at[0],
        latitude_deg=at[1],
        datum="WGS-84",
        raw_longitude=at[0],
        raw_latitude=at[1],
    )
    return made


def nanjing_road(of: Merchant | None = None) -> Store:
    """Huilian's store at People's Square; takes part."""
    return store("nanjing_road", of=of or huilian())


def xujiahui(of: Merchant | None = None) -> Store:
    """Huilian's store in Xujiahui, some five kilometres south-west; takes part."""
    return store("xujiahui", of=of or huilian(), at=(121.4365, 31.1955))


def closed_shop(of: Merchant | None = None) -> Store:
    """Huilian's store that has closed; it takes part on paper and accepts nothing."""
    return store("closed_shop", of=of or huilian(), at=(121.48, 31.24), state=State.CLOSED)


def huilians_stores() -> tuple[Store, ...]:
    """Huilian's three stores."""
    of = huilian()
    return nanjing_road(of), xujiahui(of), closed_shop(of)


def rival_shop() -> Store:
    """Rival's store next to Nanjing Road; takes no part."""
    return store("rival_shop", of=rival(), at=(121.4740, 31.2306))


def resident(
    external_id: str,
    *,
    home: tuple[float, float] | None = PEOPLES_SQUARE,
    consents: bool = True,
    state: ResidentState = ResidentState.ACTIVE,
    bucket: int | None = None,
) -> Resident:
    """A resident with a home and consent to targeting; the same one when asked again."""
    if found := Resident.objects.filter(external_id=external_id).first():
        return found
    made = Resident.objects.create(
        external_id=external_id,
        bucket=sum(external_id.encode()) % BUCKETS if bucket is None else bucket,
        state=state.value,
        created_at=NOON - 30 * DAY,
        birth_year=1985,
        district=district(),
    )
    if home:
        ResidentPoint.objects.create(
            resident=made,
            bucket=made.bucket,
            kind=ResidentPoint.Kind.HOME,
            longitude_deg=home[0],
            latitude_deg=home[1],
            datum="WGS-84",
            raw_longitude=home[0],
            raw_latitude=home[1],
            observed_at=NOON - 30 * DAY,
        )
    if consents:
        Consent.objects.create(
            resident=made,
            bucket=made.bucket,
            purpose=Consent.Purpose.TARGETING,
            text_version="2026-01",
            granted_at=NOON - 30 * DAY,
        )
    return made


def alice() -> Resident:
    """Alice lives one kilometre north of Nanjing Road: ring A."""
    return resident("alice", home=north_of(PEOPLES_SQUARE, km=1))


def ada() -> Resident:
    """Ada is a resident of the sandbox, at People's Square."""
    return resident("test-ada")


def bob() -> Resident:
    """Bob lives just outside every circle: 5.1 km north of Nanjing Road."""
    return resident("bob", home=north_of(PEOPLES_SQUARE, km=5.1))


def carol() -> Resident:
    """Carol lives four kilometres north of Nanjing Road: ring B."""
    return resident("carol", home=north_of(PEOPLES_SQUARE, km=4))


def dan() -> Resident:
    """Dan lived next to Nanjing Road; he has died."""
    return resident("dan", state=ResidentState.DECEASED)


CITY_ONLY: Mapping[str, int] = {"city": 100}
CO_FUNDED: Mapping[str, int] = {"city": 60, "group": 40}
"""Per cent of every face that each source pays."""

TIERS_FEN = {"off20": (2_000, 10_000), "off50": (5_000, 20_000), "off150": (15_000, 50_000)}
"""Code to (face, threshold): 满100减20, 满200减50, 满500减150."""

LIMITS: Mapping[LimitKind, int] = {
    LimitKind.RESIDENT_DAY: 3,
    LimitKind.STORE_MINUTE: 60,
    LimitKind.RESIDENT_CAMPAIGN: 10,
}


def spring_campaign(
    *,
    code: str = "",
    budget_fen: int = 500_000_000,
    funding: Mapping[str, int] = CITY_ONLY,
    limits: Mapping[LimitKind, int] = LIMITS,
    tiers: Mapping[str, tuple[int, int]] = TIERS_FEN,
    tier_counts: Mapping[str, int] | None = None,
    per_resident: int = 1,
    starts_at: datetime = NOON - 15 * DAY,
    ends_at: datetime = NOON + 30 * DAY,
    validity_s: int = 14 * 24 * 3600,
    stores: tuple[Store, ...] | None = None,
    is_test: bool = False,
    presence_required: bool = False,
) -> Campaign:
    """A sound draft: ¥5,000,000, three tiers, rings A 0–3 km and B 3–5 km, three stores.

    `funding` says which source pays what per cent of the budget and of every face; `tier_counts`
    caps the vouchers of a tier. Huilian's three stores take part unless others are given. The first
    of a test is called spring-2026, the next spring-2026-2 and so on, unless they are named. Li is
    there to approve it.
    """
    at, by = starts_at - DAY, mei()
    li()
    campaign = lifecycle.create_campaign(
        code=code or _next_code(),
        name="春季消费券",
        organiser="市商务委",
        operator="汇联百货",
        starts_at=starts_at,
        ends_at=ends_at,
        validity_s=validity_s,
        radius_m=5_000,
        order_kinds=("in_store", "delivered"),
        is_test=is_test,
        presence_required=presence_required,
        by=by,
        at=at,
    )
    for source, percent in funding.items():
        terms.add_source(
            campaign=campaign,
            code=source,
            name={"city": "市财政", "group": "汇联百货"}.get(source, source),
            appropriated_fen=budget_fen * percent // 100,
            by=by,
            at=at,
        )
    for tier_code, (face_fen, threshold_fen) in tiers.items():
        terms.add_tier(
            campaign=campaign,
            code=tier_code,
            name=f"满{threshold_fen // 100}减{face_fen // 100}",
            face_fen=face_fen,
            threshold_fen=threshold_fen,
            split={source: face_fen * percent // 100 for source, percent in funding.items()},
            per_resident=per_resident,
            by=by,
            at=at,
        )
    rows: dict[str, list[dict[str, Any]]] = {
        "rings": [
            {"label": "A", "from_m": 0, "to_m": 3_000},
            {"label": "B", "from_m": 3_000, "to_m": 5_000},
        ],
        "limits": [{"kind": kind, "limit_count": most} for kind, most in limits.items()],
        "cells": [
            {"tier": campaign.tiers.get(code=code), "cap_count": count}
            for code, count in (tier_counts or {}).items()
            if code in tiers
        ],
        "participations": [
            {"store": store, "valid_from_at": at} for store in stores or huilians_stores()
        ],
    }
    drafts.edit_campaign(
        campaign=campaign,
        seen_edit=drafts.newest_edit(campaign),
        options={},
        parts={part: [drafts.RowEdit(None, row) for row in added] for part, added in rows.items()},
        by=by,
        at=at,
    )
    return campaign


def _next_code() -> str:
    others = Campaign.objects.filter(code__startswith="spring-2026").count()
    return f"spring-2026-{others + 1}" if others else "spring-2026"


def approvers(count: int) -> list[User]:
    """Who approve where one, two or three have to: Li, then Xu, then Yao."""
    return [li(), *(member(name, "approver") for name in ("xu", "yao")[: count - 1])]


def launched(campaign: Campaign, *, at: datetime = NOON) -> Campaign:
    """A draft taken through submission and launch by who made it, mostly Mei, and approval by Li
    (and by Xu and Yao where its budget needs them); running at `at`."""
    fen = sum(campaign.sources.values_list("appropriated_fen", flat=True))
    people, manager = approvers(approvers_needed(fen)), campaign.created_by
    version = lifecycle.submit(campaign=campaign, by=manager, at=at)
    for person in people:
        lifecycle.approve(terms=version, by=person, seen_sha256=bytes(version.sha256), at=at)
    lifecycle.launch(campaign=campaign, by=manager, at=at)
    campaign.refresh_from_db()
    return campaign


def running_campaign(*, at: datetime = NOON, **options: object) -> Campaign:
    """The spring campaign, launched; options are `spring_campaign`'s."""
    return launched(spring_campaign(**options), at=at)  # type: ignore[arg-type]


def approved(proposal: Proposal, *, at: datetime = NOON) -> ProposalDecision:
    """A proposal of Mei's that Li (and Xu and Yao where it moves so much) have looked at and
    approved; done at `at`."""
    decision = None
    for person in approvers(proposal.signatures_needed):
        decision = proposals.approve_proposal(
            proposal=proposal, by=person, seen_sha256=bytes(proposal.sha256), at=at
        )
    assert decision is not None
    return decision


def topped_up(
    campaign: Campaign, *, source: str = "city", to_fen: int, at: datetime = NOON
) -> None:
    """What a launched campaign's source appropriates, set to a figure by Mei and Li."""
    held = campaign.sources.get(code=source)
    proposal = proposals.propose_appropriation(
        source=held,
        expected_fen=held.appropriated_fen,
        target_fen=to_fen,
        why="Council minute 12",
        request_id=f"{campaign.code}-{source}-{held.appropriated_fen}-{to_fen}",
        by=mei(),
        at=at,
    )
    approved(proposal, at=at)
