"""A refund of a percentage voucher: what the order left of the face goes with it."""

import pytest

from tests.support import cast, draft_rows
from tests.support.cast import NOON
from tests.support.refund_stages import HOUR, LATER, STAGES, taken_to
from tests.support.refunds import (
    BUDGET_FEN,
    assert_ties,
    bought,
    campaign_with,
    refund_of,
    total_fen,
)
from vouchers.models import Campaign
from vouchers.services.issuing.expiry import expire_due
from vouchers.states import AccountKind, RefundPolicy

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def standing(rows_of_module: None) -> Campaign:
    """Under it a whole refund gives the voucher back; a hundred 满200减50 at most."""
    return campaign_with(RefundPolicy.RETURN, tier_counts={"off50": 100})


@pytest.fixture
def campaign(standing: Campaign) -> Campaign:
    return Campaign.objects.get(pk=standing.pk)


@pytest.fixture(scope="module")
def standing_percent(rows_of_module: None) -> Campaign:
    """15 % off, at most ¥50, paid 60 to 40; what a small order leaves of the face waits."""
    draft = cast.spring_campaign(funding=cast.CO_FUNDED, tiers={})
    draft_rows.add_percentage_tier(campaign=draft, by=cast.mei(), at=NOON, count=10)
    return cast.launched(draft)


@pytest.fixture
def percent(standing_percent: Campaign) -> Campaign:
    return Campaign.objects.get(pk=standing_percent.pk)


@pytest.mark.parametrize("stage", STAGES)
def test_the_rest_of_the_face_goes_with_the_voucher(stage: str, percent: Campaign) -> None:
    redemption = bought(percent, tier="off15pc", amount_fen=10_000)
    taken_to(stage, percent, redemption)
    assert total_fen(percent, AccountKind.OUTSTANDING) == 3_500
    refund_of(redemption, 1_000, at=LATER)
    assert total_fen(percent, AccountKind.OUTSTANDING) == 3_500
    refund_of(redemption, 7_500, at=LATER)
    assert total_fen(percent, AccountKind.OUTSTANDING) == 0
    assert_ties(percent)


@pytest.mark.parametrize("stage", STAGES)
def test_a_percentage_given_back_is_worth_its_whole_face_again(
    stage: str, percent: Campaign
) -> None:
    redemption = bought(percent, tier="off15pc", amount_fen=10_000)
    taken_to(stage, percent, redemption)
    assert refund_of(redemption, 8_500, at=LATER)["voucher_usable"] is True
    assert total_fen(percent, AccountKind.OUTSTANDING) == 5_000
    assert_ties(percent)


def test_after_expiry_no_rest_is_freed_twice(percent: Campaign) -> None:
    redemption = bought(percent, tier="off15pc", amount_fen=10_000, valid_until_at=NOON + HOUR)
    expire_due(at=NOON + HOUR)
    refund_of(redemption, 8_500, at=LATER)
    assert total_fen(percent, AccountKind.FREE) == BUDGET_FEN
    assert_ties(percent)
