"""A campaign that stays within streets: by the places that count, with the boundary as approved."""

import re

import pytest
from django.utils import translation

from merchants.errors import Refused
from merchants.models import Street
from tests.support import cast, draft_rows
from tests.support.audience import write_audience
from tests.support.cast import NOON
from tests.support.concurrency.invariants import assert_proven
from tests.support.distribution import distribute
from vouchers.http.explanations import sentence
from vouchers.models import Campaign, Geofence
from vouchers.queries.audience import map_of
from vouchers.queries.campaigns.terms import document_of
from vouchers.rules.proofs.audit.targeting import Wrong
from vouchers.services.audience.explain import explain
from vouchers.services.audience.preview import preview
from vouchers.services.audience.residents import TargetingContext
from vouchers.services.claims.places import places_sent
from vouchers.services.claims.requests import Position
from vouchers.services.proofs.audit import audit

pytestmark = pytest.mark.django_db

LON, LAT = cast.PEOPLES_SQUARE
NORTH = cast.north_of(cast.PEOPLES_SQUARE, km=2)
"""A place within 3 km of the store, in the street to the north."""


def box(south: float, north: float) -> list[list[float]]:
    """A ring a kilometre to both sides of the square, from one latitude to another."""
    west, east = LON - 0.01, LON + 0.01
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def within(campaign: Campaign, street: Street, **values: object) -> Geofence:
    given = {"kind": "within_street", "street": street, **values}
    fence = draft_rows.add("geofences", campaign=campaign, by=cast.mei(), at=NOON, **given)
    assert isinstance(fence, Geofence)
    return fence


@pytest.fixture(scope="module")
def bund(rows_of_module: None) -> Street:
    return cast.street(box(LAT - 0.015, LAT + 0.015))


@pytest.fixture(scope="module")
def north(rows_of_module: None) -> Street:
    return cast.street(box(LAT + 0.015, LAT + 0.03), code=310101003, name="北站")


@pytest.fixture(scope="module")
def campaign(bund: Street, north: Street) -> Campaign:
    """Stays within the Bund; a dozen people live there, a dozen north of it and one far off."""
    draft = cast.spring_campaign()
    within(draft, bund)
    for number in range(12):
        cast.resident(f"near{number}")
        cast.resident(f"north{number}", home=NORTH)
    cast.resident("far", home=cast.north_of(cast.PEOPLES_SQUARE, km=40))
    return cast.launched(draft)


def reason_of(name: str, campaign: Campaign) -> str | None:
    return explain(campaign=campaign, resident=cast.resident(name), at=NOON).reason


def test_who_lives_within_reach_but_in_another_street_is_left_out_with_the_reason(
    campaign: Campaign,
) -> None:
    names = ("near0", "north0", "far")
    assert [reason_of(name, campaign) for name in names] == [None, "outside_streets", "outside"]


def test_who_lives_in_another_street_is_told_the_place_the_store_and_the_streets(
    campaign: Campaign,
) -> None:
    said = explain(campaign=campaign, resident=cast.resident("north0"), at=NOON)
    assert said.distance_m == pytest.approx(2_000, abs=5)
    with translation.override("en"):
        assert re.fullmatch(
            r"not targeted: home is within reach, [12],\d{3} m from .+, but in none of the streets"
            r" \(街镇\) that count: .*外滩.*",
            sentence(said),
        )


def test_a_position_sent_with_a_claim_has_to_lie_in_the_street(campaign: Campaign) -> None:
    context, asked = TargetingContext.of(campaign, NOON), [cast.resident("north0").pk] * 2
    places = places_sent(context, asked, [Position(LON, LAT), Position(*NORTH)], at=NOON)
    assert [place.untargeted for place in places] == [None, "outside_streets"]


def test_the_audit_finds_a_member_who_lives_in_another_street(
    campaign: Campaign, north: Street
) -> None:
    run = distribute(campaign)
    assert run.audience["untargeted"] == {"outside": 1, "outside_streets": 12}
    assert_proven()
    write_audience(run, [cast.resident("north0")], at=NOON)
    found = {it.name: it.rows for it in audit(at=NOON, seed=1).findings if it.broken_count}
    assert [row["why"] for row in found["targeting_exact"]] == [Wrong.STREET]


def test_an_import_after_the_approval_changes_no_campaign(
    campaign: Campaign, bund: Street, north: Street
) -> None:
    document = document_of(campaign)
    (area,) = document["geofences"]
    assert (area["street"], area["geometry"]) == (bund.pk, bund.boundary)
    Street.objects.filter(pk=bund.pk).update(boundary=north.boundary)
    assert reason_of("near0", campaign) is None
    assert document_of(campaign) == document


def test_a_preview_counts_people_by_the_street_in_which_they_live(
    bund: Street, north: Street, campaign: Campaign
) -> None:
    found = preview(campaign=campaign, by=cast.mei(), at=NOON)
    assert found.street_codes == (bund.pk, north.pk)
    # Some of the 16 points that stand for the square of those in the north lie elsewhere.
    assert found.figures.areas[0] == found.figures.targeted
    assert 1 not in found.figures.areas
    assert found.figures.untargeted == {"outside_streets": 10}
    everywhere = preview(campaign=cast.running_campaign(), by=cast.mei(), at=NOON)
    assert set(everywhere.figures.areas) == {0, 1}


def test_the_map_draws_streets_and_marks_those_that_the_campaign_stays_within(
    campaign: Campaign, bund: Street, north: Street
) -> None:
    drawn = map_of(campaign, at=NOON)
    assert [area.id for area in drawn.streets] == [bund.pk, north.pk]
    assert [(area.name, area.geometry) for area in drawn.within] == [(str(bund), bund.boundary)]
    assert drawn.polygons == []


def test_a_street_comes_with_its_own_boundary_and_no_other(bund: Street, north: Street) -> None:
    draft = cast.spring_campaign()
    with pytest.raises(Refused) as refused:
        within(draft, bund, geometry=north.boundary)
    assert refused.value.refusal.rule == "geofence_has_its_area"
    fence = within(draft, bund)
    with pytest.raises(Refused):
        draft_rows.change("geofences", fence, by=cast.mei(), at=NOON, geometry=north.boundary)
    draft_rows.change("geofences", fence, by=cast.mei(), at=NOON, street=north)
    assert fence.geometry == north.boundary
