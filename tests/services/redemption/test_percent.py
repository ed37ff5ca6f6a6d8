"""Percentage tiers: what a small order leaves of the face stays accounted for, and comes back."""

from datetime import timedelta

import pytest

from tests.support import cast, draft_rows
from tests.support.cast import DAY, NOON
from tests.support.concurrency.invariants import assert_proven, totals_fen
from tests.support.till import (
    authorised,
    captured,
    decoded,
    issue_vouchers,
    order,
    redeem,
    till_of,
    voided,
)
from vouchers.models import Campaign, QuotaBucket, Redemption, Voucher
from vouchers.services.issuing.expiry import expire_tranche
from vouchers.states import AccountKind

pytestmark = pytest.mark.django_db

BUDGET_FEN = 1_000_000
FACE_FEN = draft_rows.PERCENTAGE_FEN
END = NOON + timedelta(hours=1)
SHARES = draft_rows.PERCENTAGE_SPLIT


@pytest.fixture(scope="module")
def standing(rows_of_module: None) -> Campaign:
    """15 % off, at most ¥50, paid 60 to 40; at most ten vouchers."""
    draft = cast.spring_campaign(funding=cast.CO_FUNDED, budget_fen=BUDGET_FEN, limits={})
    draft_rows.add_percentage_tier(campaign=draft, by=cast.mei(), at=NOON, count=10)
    return cast.launched(draft)


@pytest.fixture
def campaign(standing: Campaign) -> Campaign:
    return Campaign.objects.get(pk=standing.pk)


@pytest.fixture
def vouchers(campaign: Campaign) -> list[Voucher]:
    """Three in Alice's hands, good until one o'clock."""
    return issue_vouchers(campaign, [cast.alice()] * 3, tier="off15pc", valid_until_at=END)


def redeemed(voucher: Voucher, amount_fen: int) -> Redemption:
    request = order(voucher, cast.nanjing_road(), cast.alice(), amount_fen=amount_fen)
    status, body = decoded(redeem(requests=[request])[0])
    assert status == 201, body
    return Redemption.objects.get(pk=body["id"])


def left(campaign: Campaign) -> tuple[int | None, int | None, int | None]:
    """Vouchers left of the tier, fen left of the city's and of the group's money."""
    buckets = QuotaBucket.objects.filter(cell__campaign=campaign)
    tier = buckets.get(cell__tier__code="off15pc")
    city, group = (buckets.get(cell__source__code=code) for code in SHARES)
    return tier.headroom_count, city.headroom_fen, group.headroom_fen


def expire(voucher: Voucher) -> int | None:
    return expire_tranche(tranche_id=voucher.tranche_id, at=END)


def test_the_discount_is_the_percentage_rounded_down_and_at_most_the_face(
    vouchers: list[Voucher],
) -> None:
    amounts_fen = (10_007, 33_333, 33_340)
    taken = [redeemed(v, fen).discount_fen for v, fen in zip(vouchers, amounts_fen, strict=True)]
    assert taken == [1_501, 4_999, FACE_FEN]
    assert_proven()


def test_the_rest_of_the_face_waits_where_a_void_can_find_it(
    campaign: Campaign, vouchers: list[Voucher]
) -> None:
    redemption = redeemed(vouchers[0], 10_000)
    assert totals_fen(campaign)[AccountKind.PAYABLE] == 1_500
    assert totals_fen(campaign)[AccountKind.OUTSTANDING] == 3 * FACE_FEN - 1_500
    assert_proven()
    voided(redemption, caller=till_of(cast.nanjing_road()))
    assert totals_fen(campaign)[AccountKind.OUTSTANDING] == 3 * FACE_FEN
    assert redeemed(vouchers[0], 20_000).discount_fen == 3_000
    assert_proven()


def test_at_expiry_the_rest_is_free_again_and_issuable(
    campaign: Campaign, vouchers: list[Voucher]
) -> None:
    redeemed(vouchers[0], 10_000)
    assert expire(vouchers[0]) == 2
    fen = totals_fen(campaign)
    assert fen[AccountKind.OUTSTANDING] == 0
    assert fen[AccountKind.FREE] == BUDGET_FEN - 1_500
    assert left(campaign) == (9, 600_000 - 900, 400_000 - 600)
    assert expire(vouchers[0]) is None
    assert_proven()


def test_when_all_are_used_only_the_rests_come_back(
    campaign: Campaign, vouchers: list[Voucher]
) -> None:
    for voucher in vouchers:
        redeemed(voucher, 10_000)
    assert expire(vouchers[0]) == 0
    assert totals_fen(campaign)[AccountKind.FREE] == BUDGET_FEN - 3 * 1_500
    assert left(campaign) == (7, 600_000 - 3 * 900, 400_000 - 3 * 600)
    assert_proven()


def test_a_void_after_expiry_returns_the_discount_and_the_place_but_no_rest_twice(
    campaign: Campaign, vouchers: list[Voucher]
) -> None:
    redemption = redeemed(vouchers[0], 10_000)
    expire(vouchers[0])
    late = END + timedelta(minutes=1)
    assert voided(redemption, caller=till_of(cast.nanjing_road()), at=late).status == 200
    assert totals_fen(campaign)[AccountKind.FREE] == BUDGET_FEN
    assert left(campaign) == (10, 600_000, 400_000)
    assert_proven()


def test_a_source_without_a_fen_in_the_discount_gets_its_place_back_too(
    campaign: Campaign, vouchers: list[Voucher]
) -> None:
    redemption = redeemed(vouchers[0], 7)
    assert redemption.split == [
        [campaign.sources.get(code="city").pk, 1],
        [campaign.sources.get(code="group").pk, 0],
    ]
    assert_proven()
    expire(vouchers[0])
    assert_proven()
    voided(redemption, caller=till_of(cast.nanjing_road()), at=END)
    assert left(campaign) == (10, 600_000, 400_000)
    assert_proven()


def test_a_full_face_leaves_nothing(campaign: Campaign, vouchers: list[Voucher]) -> None:
    redeemed(vouchers[0], 100_000)
    assert totals_fen(campaign)[AccountKind.OUTSTANDING] == 2 * FACE_FEN
    expire(vouchers[0])
    assert totals_fen(campaign)[AccountKind.FREE] == BUDGET_FEN - FACE_FEN
    assert NOON + DAY > END
    assert_proven()


def test_a_smaller_final_order_is_split_like_what_was_authorised(
    campaign: Campaign, vouchers: list[Voucher]
) -> None:
    """Four of six fen are 3 to 1, though four of the face would be 2 to 2."""
    place = cast.nanjing_road()
    small = authorised(vouchers[0], place, cast.alice(), amount_fen=40)
    assert [fen for _, fen in small.split] == [4, 2]
    status, body = decoded(captured(small, caller=till_of(place), amount_fen=27))
    assert (status, body["discount_fen"]) == (200, 4), body
    small.refresh_from_db()
    assert [fen for _, fen in small.split] == [3, 1]
    assert_proven()
