"""Only what the state allows, and decisions by another person on exactly what was seen."""

import pytest

from vouchers.rules.campaigns.lifecycle import decide, move
from vouchers.states import CAMPAIGN_ARROWS, CampaignState


@pytest.mark.parametrize("old", CampaignState)
@pytest.mark.parametrize("new", CampaignState)
def test_only_the_arrows_can_be_walked(old: CampaignState, new: CampaignState) -> None:
    assert (move(old, new) is None) == ((old, new) in CAMPAIGN_ARROWS)


def test_who_edited_cannot_decide() -> None:
    refusal = decide(editors=[7, 8], approver_id=8, sha256=b"x", seen_sha256=b"x")
    assert refusal is not None
    assert refusal.code == "approver_edited"


def test_a_decision_is_about_exactly_the_terms_seen() -> None:
    refusal = decide(editors=[7], approver_id=8, sha256=b"x", seen_sha256=b"y")
    assert refusal is not None
    assert refusal.code == "terms_not_as_seen"
    assert decide(editors=[7], approver_id=8, sha256=b"x", seen_sha256=b"x") is None
