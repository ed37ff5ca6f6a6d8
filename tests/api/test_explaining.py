"""A channel asks why its resident is reached, or not."""

import pytest
from django.utils import timezone

from tests.support import cast
from tests.support.channel import channel, refusal
from tests.support.http_till import open_campaign
from vouchers.models import Campaign

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    """Running now; Alice lives near its store, Bob far away."""
    return open_campaign(timezone.now())


def test_a_resident_near_a_store_reads_which_and_how_near(campaign: Campaign) -> None:
    alice = cast.alice()
    answer = channel().get(f"/residents/{alice.external_id}/explain?campaign={campaign.code}")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["targeted"], body["reason"], body["outside_m"]) == (True, None, 0.0)
    assert body["point"] == "home"
    assert body["store"]["store"] == "nanjing_road"
    assert body["store"]["merchant"] == "huilian"
    assert 0 <= body["distance_m"] < 3_000
    assert body["because"].startswith("targeted: ")
    assert "已圈定" in body["because_zh"]
    assert "decided_by" not in body


def test_a_resident_far_away_reads_by_how_much(campaign: Campaign) -> None:
    bob = cast.bob()
    body = channel().get(f"/residents/{bob.external_id}/explain?campaign={campaign.code}").json()
    assert (body["targeted"], body["reason"]) == (False, "outside")
    assert body["outside_m"] > 0
    assert body["distance_m"] > body["outside_m"]


def test_residents_and_campaigns_of_the_other_world_are_as_if_absent(campaign: Campaign) -> None:
    alice = cast.alice()
    draft = cast.spring_campaign(code="next")
    live, sandbox = channel(), channel(is_test=True, name="sandbox")
    asked = f"/residents/{alice.external_id}/explain?campaign="
    assert refusal(sandbox.get(asked + campaign.code)) == (404, "not_found", "resident_unknown")
    assert refusal(live.get(f"/residents/nobody/explain?campaign={campaign.code}")) == (
        404,
        "not_found",
        "resident_unknown",
    )
    for code in (draft.code, "nowhere"):
        assert refusal(live.get(asked + code)) == (404, "not_found", "campaign_unknown")


def test_the_campaign_has_to_be_named(campaign: Campaign) -> None:
    answer = channel().get(f"/residents/{cast.alice().external_id}/explain")
    assert refusal(answer)[:2] == (400, "malformed_request")


def test_a_key_without_the_scope_reads_nothing(campaign: Campaign) -> None:
    other = channel(scopes=("redeem",), name="till")
    answer = other.get(f"/residents/{cast.alice().external_id}/explain?campaign={campaign.code}")
    assert answer.status_code == 403
