"""Which residents are reached, on what evidence; and why the others are not."""

import hmac
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import translation
from geopy.distance import geodesic

from merchants.models import StoreLocation
from tests.support import cast
from vouchers.http.explanations import sentence
from vouchers.models import (
    AudienceMember,
    Campaign,
    Consent,
    Exclusion,
    Resident,
    ResidentMerge,
    ResidentPoint,
    Run,
)
from vouchers.services.audience import targeting
from vouchers.services.audience.explain import explain
from vouchers.services.campaigns import lifecycle
from vouchers.services.issuing import leases, runs
from vouchers.states import ResidentState, RunState

pytestmark = pytest.mark.django_db


def queued(campaign: Campaign) -> leases.RunLease:
    runs.request_run(campaign=campaign, seed="spring", by=cast.mei(), at=cast.NOON)
    lease = leases.lease_run(at=cast.NOON, lease_s=60)
    assert lease is not None
    return lease


def targeted(campaign: Campaign) -> Run:
    lease = queued(campaign)
    return targeting.target_run(run_id=lease.run_id, fence=lease.fence, at=cast.NOON)


def reason_of(resident: Resident, campaign: Campaign) -> str | None:
    return explain(campaign=campaign, resident=resident, at=cast.NOON).reason


def add_point(resident: Resident, kind: str, place: tuple[float, float]) -> ResidentPoint:
    return ResidentPoint.objects.create(
        resident=resident,
        bucket=resident.bucket,
        kind=kind,
        longitude_deg=place[0],
        latitude_deg=place[1],
        datum="WGS-84",
        raw_longitude=place[0],
        raw_latitude=place[1],
        observed_at=cast.NOON,
    )


def test_residents_within_the_radius_are_reached_with_the_evidence_for_it() -> None:
    campaign = cast.running_campaign()
    alice, carol = cast.alice(), cast.carol()
    cast.bob()

    run = targeted(campaign)

    assert run.state == RunState.TARGETED
    assert run.audience == {
        "examined": 3,
        "targeted": 2,
        "rings": {"A": 1, "B": 1},
        "untargeted": {"outside": 1},
    }
    members = {member.resident_id: member for member in AudienceMember.objects.filter(run=run)}
    assert members.keys() == {alice.pk, carol.pk}
    for resident, ring in ((alice, "A"), (carol, "B")):
        member, home = members[resident.pk], resident.points.get()
        location = StoreLocation.objects.get(store__external_id="nanjing_road")
        metres = geodesic(
            (location.latitude_deg, location.longitude_deg), (home.latitude_deg, home.longitude_deg)
        ).meters
        assert (member.ring, member.point_kind, member.bucket) == (ring, "home", resident.bucket)
        assert member.store_location_id == location.pk
        assert member.distance_m == pytest.approx(metres, abs=1e-4)


def test_the_commitment_can_be_recomputed_from_the_point() -> None:
    campaign, alice = cast.running_campaign(), cast.alice()

    run = targeted(campaign)

    home, member = alice.points.get(), AudienceMember.objects.get(run=run)
    message = f"{run.pk}|{alice.pk}|home|{home.longitude_deg!r}|{home.latitude_deg!r}"
    expected = hmac.digest(settings.HUIMIN_PII_KEY, message.encode(), "sha256")
    assert bytes(member.commitment) == expected


def test_no_resident_is_reached_without_a_reason() -> None:
    campaign = cast.running_campaign()
    near = cast.PEOPLES_SQUARE
    cast.alice()
    cast.dan()
    cast.resident("frozen", state=ResidentState.FROZEN)
    cast.resident("silent", consents=False)
    withdrawn = cast.resident("withdrawn")
    withdrawn.consents.update(withdrawn_at=cast.NOON - cast.DAY)
    cast.resident("homeless", home=None)
    cast.resident("null_island", home=(0.0, 0.0))
    banned = cast.resident("banned")
    Exclusion.objects.create(
        resident=banned, reason="court", created_by="li", created_at=cast.NOON - cast.DAY
    )
    merged = cast.resident("merged")
    ResidentMerge.objects.create(
        kept=cast.alice(), member=merged, reason="same id", merged_by="li", merged_at=cast.NOON
    )
    coarse = cast.resident("coarse", home=near)
    coarse.points.update(coarsened_at=cast.NOON)
    cast.bob()

    run = targeted(campaign)

    assert run.audience["targeted"] == 1
    assert run.audience["untargeted"] == {
        "not_active": 1,
        "frozen": 1,
        "merged": 1,
        "no_consent": 2,
        "excluded": 1,
        "no_point": 2,
        "bad_coordinates": 1,
        "outside": 1,
    }
    assert run.audience["examined"] == 11


def test_consent_to_being_contacted_is_no_consent_to_targeting() -> None:
    campaign, erin = cast.running_campaign(), cast.resident("erin")
    erin.consents.update(purpose=Consent.Purpose.CONTACT)

    assert reason_of(erin, campaign) == "no_consent"


def test_an_exclusion_from_another_campaign_or_lifted_does_not_count() -> None:
    campaign, erin = cast.running_campaign(), cast.resident("erin")
    other = cast.running_campaign(code="autumn")
    by = {"resident": erin, "reason": "x", "created_by": "li", "created_at": cast.NOON - cast.DAY}
    Exclusion.objects.create(campaign=other, **by)
    Exclusion.objects.create(campaign=campaign, lifted_at=cast.NOON, **by)

    assert reason_of(erin, campaign) is None
    assert reason_of(erin, other) == "excluded"


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ({}, None),
        ({"age_min": 41}, None),
        ({"age_min": 42}, "filtered"),
        ({"age_max": 41}, None),
        ({"age_max": 40}, "filtered"),
        ({"districts": [310101, 310104]}, None),
        ({"districts": [310104]}, "filtered"),
        ({"streets": ["Nanjing East Road"]}, "filtered"),
        ({"is_registered": True}, None),
        ({"is_registered": False}, "filtered"),
        ({"has_residence_permit": False}, "filtered"),
        ({"need_score_min": 0}, None),
        ({"need_score_min": 1}, "filtered"),
        ({"tags_all": [0, 63]}, None),
        ({"tags_all": [0, 1]}, "filtered"),
        ({"tags_any": [1, 63]}, None),
        ({"tags_any": [1, 2]}, "filtered"),
    ],
)
def test_the_audience_filter_lets_pass_only_what_is_known_to_fit(
    wanted: dict[str, object], reason: str | None
) -> None:
    draft = cast.spring_campaign()
    Campaign.objects.filter(pk=draft.pk).update(audience_filter=wanted)
    erin = cast.resident("erin")
    Resident.objects.filter(pk=erin.pk).update(is_registered=True, tags=1 - (1 << 63))

    assert reason_of(erin, cast.launched(Campaign.objects.get(pk=draft.pk))) == reason


def test_the_nearest_accepted_point_decides_and_home_wins_a_tie() -> None:
    draft = cast.spring_campaign()
    Campaign.objects.filter(pk=draft.pk).update(point_kinds=["recent", "work", "home"])
    campaign = cast.launched(Campaign.objects.get(pk=draft.pk))
    commuter, neighbour = cast.bob(), cast.resident("neighbour")
    add_point(commuter, "work", cast.north_of(cast.PEOPLES_SQUARE, km=2))
    add_point(commuter, "recent", cast.north_of(cast.PEOPLES_SQUARE, km=4))
    add_point(neighbour, "work", cast.PEOPLES_SQUARE)

    targeted(campaign)

    kinds = dict(AudienceMember.objects.values_list("resident_id", "point_kind"))
    assert kinds == {commuter.pk: "work", neighbour.pk: "home"}


def test_points_of_other_kinds_do_not_count() -> None:
    campaign, bob = cast.running_campaign(), cast.bob()
    add_point(bob, "work", cast.PEOPLES_SQUARE)

    assert reason_of(bob, campaign) == "outside"


def test_a_closed_store_reaches_no_resident() -> None:
    campaign = cast.running_campaign(stores=(cast.closed_shop(),))

    assert reason_of(cast.alice(), campaign) == "outside"


def test_a_store_that_moved_is_measured_from_where_it_lies_now() -> None:
    campaign, bob = cast.running_campaign(), cast.bob()
    place = cast.north_of(cast.PEOPLES_SQUARE, km=5)
    moved = StoreLocation.objects.create(
        store=cast.nanjing_road(),
        version=2,
        valid_from_at=cast.NOON,
        longitude_deg=place[0],
        latitude_deg=place[1],
        datum="WGS-84",
        raw_longitude=place[0],
        raw_latitude=place[1],
    )

    before = explain(campaign=campaign, resident=bob, at=cast.NOON - timedelta(seconds=1))
    after = explain(campaign=campaign, resident=bob, at=cast.NOON)

    assert before.reason == "outside"
    assert after.reason is None
    assert after.store_location_id == moved.pk
    assert after.distance_m == pytest.approx(100, abs=1)


def test_explain_names_the_deciding_store_and_how_far_outside() -> None:
    campaign, alice, bob = cast.running_campaign(), cast.alice(), cast.bob()

    inside = explain(campaign=campaign, resident=alice, at=cast.NOON)
    outside = explain(campaign=campaign, resident=bob, at=cast.NOON)

    assert (inside.reason, inside.point_kind, inside.ring) == (None, "home", "A")
    assert inside.store_id == cast.nanjing_road().pk
    assert inside.distance_m == pytest.approx(1_000, abs=2)
    assert (outside.reason, outside.point_kind) == ("outside", "home")
    assert outside.store_id == cast.nanjing_road().pk
    assert outside.outside_m == pytest.approx(100, abs=5)


def test_a_polygon_adds_its_inside_with_the_nearest_store_as_evidence() -> None:
    draft, bob = cast.spring_campaign(), cast.bob()
    lon, lat = cast.north_of(cast.PEOPLES_SQUARE, km=5.1)
    far = cast.north_of(cast.PEOPLES_SQUARE, km=9)
    corners = [[lon - 0.01, lat - 0.01], [lon + 0.01, lat - 0.01], [lon, lat + 0.01]]
    draft.geofences.create(
        kind="include_polygon",
        geometry={"type": "Polygon", "coordinates": [[*corners, corners[0]]]},
    )
    campaign = cast.launched(draft)

    said = explain(campaign=campaign, resident=bob, at=cast.NOON)

    assert said.reason is None
    assert said.store_id == cast.nanjing_road().pk
    assert said.distance_m == pytest.approx(5_100, abs=5)
    outside = explain(campaign=campaign, resident=cast.resident("carl", home=far), at=cast.NOON)
    with translation.override("en"):
        assert sentence(said).startswith(
            "targeted: home lies in an area of the campaign, nearest participating store"
        )
        assert sentence(outside).startswith("not targeted: home is in none of the campaign's areas")


def test_a_district_fence_keeps_out_other_districts_and_unknown_ones() -> None:
    draft = cast.spring_campaign()
    draft.geofences.create(kind="within_district", district=cast.district())
    campaign = cast.launched(draft)
    here, elsewhere, unknown = (cast.resident(name) for name in ("here", "elsewhere", "unknown"))
    Resident.objects.filter(pk=elsewhere.pk).update(district=cast.district(310104, "徐汇区"))
    Resident.objects.filter(pk=unknown.pk).update(district=None)

    reasons = [reason_of(resident, campaign) for resident in (here, elsewhere, unknown)]

    assert reasons == [None, "outside_district", "outside_district"]
    said = explain(campaign=campaign, resident=elsewhere, at=cast.NOON)
    with translation.override("en"):
        assert sentence(said) == (
            "not targeted: lives in another district (those that count: 黄浦区)"
        )


def test_who_has_no_place_of_the_kinds_that_count_is_told_the_kinds() -> None:
    draft = cast.spring_campaign()
    Campaign.objects.filter(pk=draft.pk).update(point_kinds=["work", "recent"])
    campaign = cast.launched(Campaign.objects.get(pk=draft.pk))
    said = explain(campaign=campaign, resident=cast.alice(), at=cast.NOON)
    assert said.reason == "no_point"
    with translation.override("en"):
        assert sentence(said) == (
            "not targeted: no place of a kind that counts is known (work, recent)"
        )


def test_a_worker_whose_lease_was_given_away_is_turned_down() -> None:
    campaign = cast.running_campaign()
    cast.alice()
    stale = queued(campaign)
    assert leases.lease_run(at=cast.NOON, lease_s=60) is None
    fresh = leases.lease_run(at=cast.NOON + timedelta(seconds=60), lease_s=60)
    assert fresh is not None

    with pytest.raises(leases.LeaseLostError):
        targeting.target_run(run_id=stale.run_id, fence=stale.fence, at=cast.NOON)

    assert not AudienceMember.objects.exists()
    targeting.target_run(run_id=fresh.run_id, fence=fresh.fence, at=cast.NOON)
    assert AudienceMember.objects.count() == 1


def test_runs_of_a_paused_campaign_wait() -> None:
    campaign = cast.running_campaign()
    runs.request_run(campaign=campaign, seed="s", by=cast.mei(), at=cast.NOON)
    lifecycle.pause(campaign=campaign, by=cast.mei(), at=cast.NOON)

    assert leases.lease_run(at=cast.NOON, lease_s=60) is None

    lifecycle.resume(campaign=campaign, by=cast.mei(), at=cast.NOON)
    assert leases.lease_run(at=cast.NOON, lease_s=60) is not None
