"""Quota cells: opened, taken from and given back to, whole or not at all, on every slice."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from merchants.errors import Refused
from tests.support import cast, draft_rows
from tests.support.cast import DAY, NOON
from tests.support.claims import (
    CLOSING,
    TEN,
    app,
    asking,
    claimed,
    draft_with_round,
    neighbours,
    said,
)
from tests.support.quota_room import allocation_of
from vouchers.models import Allocation, Campaign, QuotaBucket, QuotaCell, Resident, Run, Voucher
from vouchers.rules.limits.limits import business_day
from vouchers.services.audience import targeting
from vouchers.services.issuing import leases, minting, runs
from vouchers.services.ledger import quotas
from vouchers.services.ledger.quotas import AllocationShare
from vouchers.states import RoundWay

# What is remembered as sold out goes by the numbers of cells, which begin anew.
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_client")]

FACE_FEN = 2_000
TODAY = business_day(NOON, "Asia/Shanghai")
ONE_TIER = {"off20": (FACE_FEN, 10_000)}


def draft(**options: Any) -> Campaign:
    """The spring campaign with its smallest tier alone."""
    return cast.spring_campaign(tiers=ONE_TIER, **options)


def claimable(**options: Any) -> Campaign:
    """The same with a round that is claimed from ten o'clock; nothing caps the round yet."""
    return draft_with_round(units=None, code="", **options)


def cell(campaign: Campaign, **fields: Any) -> QuotaCell:
    made: QuotaCell = draft_rows.add(
        "cells", campaign=campaign, by=cast.mei(), at=NOON - DAY, **fields
    )
    return made


def opened(campaign: Campaign) -> Campaign:
    return cast.launched(campaign, at=TEN - DAY)


def answers(campaign: Campaign, residents: Sequence[Resident]) -> list[str]:
    """The answers to claims one after another, through the app of one channel."""
    requests = [asking(resident, campaign, caller=app("alipay")) for resident in residents]
    return [said(claimed([request])[0]) for request in requests]


def give_back_newest() -> None:
    """The newest voucher's place and money go back to its cells."""
    quotas.give_back(vouchers={Voucher.objects.latest("id").allocation_id: 1})


def headroom(of: QuotaCell) -> list[tuple[int | None, int | None]]:
    rows = of.buckets.order_by("number")
    return list(rows.values_list("headroom_fen", "headroom_count"))


def every_headroom() -> list[tuple[int | None, int | None]]:
    rows = QuotaBucket.objects.order_by("cell_id", "number")
    return list(rows.values_list("headroom_fen", "headroom_count"))


# Slices


def slices(campaign: Campaign) -> Mapping[str, dict[str, Any]]:
    """By dimension what names the cell that a claim of today counts in."""
    tier, source = campaign.tiers.get(), campaign.sources.get(code="city")
    return {
        "tier": {"tier": tier},
        "round": {"round": campaign.rounds.get()},
        "district": {"district": cast.district()},
        "store": {"store": cast.nanjing_road()},
        "channel": {"channel": "alipay"},
        "day": {"day": TODAY},
        "source": {"source": source, "tier": tier},
    }


def others(campaign: Campaign) -> Mapping[str, dict[str, Any]]:
    """By dimension what names a cell that it does not count in."""
    second = draft_rows.add(
        "rounds",
        campaign=campaign,
        number=2,
        opens_at=CLOSING,
        closes_at=CLOSING + DAY,
        way=RoundWay.CLAIM.value,
        by=cast.mei(),
        at=NOON - DAY,
    )
    return {
        "round": {"round": second},
        "district": {"district": cast.district(310104, "徐汇区")},
        "store": {"store": cast.xujiahui()},
        "channel": {"channel": "wechat"},
        "day": {"day": TODAY + DAY},
    }


@pytest.mark.parametrize(
    "dimension", ["tier", "round", "district", "store", "channel", "day", "source"]
)
@pytest.mark.parametrize("by_money", [True, False], ids=["money", "count"])
def test_a_cell_on_any_dimension_takes_its_last_unit_and_no_more(
    dimension: str, by_money: bool
) -> None:
    campaign = claimable(funding=cast.CO_FUNDED)
    # A source's cell holds only its share of the face.
    face_fen = FACE_FEN * 60 // 100 if dimension == "source" else FACE_FEN
    cap = {"cap_fen": 2 * face_fen} if by_money else {"cap_count": 2}
    capped = cell(campaign, **slices(campaign)[dimension], **cap)
    opened(campaign)
    *early, late = neighbours(3)

    assert answers(campaign, early) == ["claimed"] * 2
    assert headroom(capped) == [(0, None) if by_money else (None, 0)]
    before = every_headroom()
    assert answers(campaign, [late]) == ["sold_out"]
    assert every_headroom() == before

    give_back_newest()
    assert answers(campaign, [late]) == ["claimed"]
    assert every_headroom() == before


@pytest.mark.parametrize("dimension", ["round", "district", "store", "channel", "day"])
def test_a_voucher_outside_a_slice_does_not_count_in_it(dimension: str) -> None:
    campaign = claimable()
    capped = cell(campaign, **others(campaign)[dimension], cap_fen=0, cap_count=0)
    opened(campaign)
    assert answers(campaign, neighbours(1)) == ["claimed"]
    assert headroom(capped) == [(0, 0)]


def test_nested_cells_are_all_taken_or_none() -> None:
    campaign = draft()
    wide = cell(campaign, channel="alipay", cap_count=5)
    narrow = cell(campaign, channel="alipay", day=TODAY, cap_count=2)
    cast.launched(campaign)
    neighbours(6)

    assert run(campaign, channel="alipay").selection["vouchers"] == 2
    before = every_headroom()
    assert run(campaign, channel="alipay").selection["vouchers"] == 0
    assert every_headroom() == before
    assert run(campaign, channel="alipay", at=NOON + DAY).selection["vouchers"] == 3
    assert (headroom(wide), headroom(narrow)) == ([(None, 0)], [(None, 0)])


def test_none_is_unlimited_and_zero_is_zero() -> None:
    campaign = draft()
    open_ended = cell(campaign, channel="alipay")
    shut = cell(campaign, channel="wechat", cap_count=0)
    cast.launched(campaign)
    neighbours(3)
    assert run(campaign, channel="alipay").selection["vouchers"] == 3
    assert headroom(open_ended) == [(None, None)]
    assert run(campaign, channel="wechat").selection["vouchers"] == 0
    assert headroom(shut) == [(None, 0)]


# Sub-buckets


def test_a_cap_is_laid_evenly_over_the_sub_buckets() -> None:
    campaign = draft()
    capped = cell(campaign, channel="alipay", cap_fen=10_003, cap_count=6, bucket_count=4)
    root = QuotaCell.objects.get(campaign=campaign, source__isnull=False)
    draft_rows.change("cells", root, bucket_count=3, by=cast.mei(), at=NOON - DAY)
    cast.launched(campaign)

    assert headroom(capped) == [(2_501, 2), (2_501, 2), (2_501, 1), (2_500, 1)]
    fens = [fen for fen, _ in headroom(root)]
    assert fens == [166_666_667, 166_666_667, 166_666_666]
    assert quotas.open_cells(campaign=campaign) == 0


@pytest.mark.parametrize("bucket_count", [0, 65])
def test_a_cell_has_at_least_one_sub_bucket_and_at_most_sixty_four(bucket_count: int) -> None:
    campaign = draft()
    with pytest.raises(Refused) as refused:
        cell(campaign, channel="alipay", cap_count=6, bucket_count=bucket_count)
    assert refused.value.refusal.rule == "cell_bucket_count_valid"


def test_a_claim_touches_one_sub_bucket_of_each_cell() -> None:
    campaign = claimable()
    capped = cell(campaign, channel="alipay", cap_fen=8 * FACE_FEN, cap_count=8, bucket_count=4)
    opened(campaign)
    assert answers(campaign, [cast.resident("sixth", bucket=6)]) == ["claimed"]
    assert headroom(capped) == [
        (4_000, 2),
        (4_000, 2),
        (2_000, 1),
        (4_000, 2),
    ]


def test_the_last_unit_is_found_wherever_it_lies() -> None:
    """Residents of one sub-bucket get one each until all are gone; fen that make no whole voucher
    in any one sub-bucket still make one together."""
    campaign = claimable()
    by_count = cell(campaign, channel="alipay", cap_count=7, bucket_count=4)
    by_money = cell(campaign, day=TODAY, cap_fen=7 * FACE_FEN + 1_999, bucket_count=8)
    opened(campaign)
    *early, late = [cast.resident(f"third-{n}", bucket=3) for n in range(8)]
    assert answers(campaign, early) == ["claimed"] * 7
    assert sum(count or 0 for _, count in headroom(by_count)) == 0
    assert sum(fen or 0 for fen, _ in headroom(by_money)) == 1_999
    before = every_headroom()
    assert answers(campaign, [late]) == ["sold_out"]
    assert every_headroom() == before
    give_back_newest()
    assert answers(campaign, [late]) == ["claimed"]


def test_what_a_run_leaves_and_what_comes_back_is_laid_evenly() -> None:
    campaign = draft()
    capped = cell(campaign, channel="alipay", cap_count=10, bucket_count=4)
    cast.launched(campaign)
    neighbours(7)
    assert run(campaign, channel="alipay").selection["vouchers"] == 7
    assert [count for _, count in headroom(capped)] == [1, 1, 1, 0]
    quotas.give_back(vouchers={Allocation.objects.get().pk: 6})
    assert [count for _, count in headroom(capped)] == [3, 2, 2, 2]


def test_money_without_a_place_is_taken_and_given_back_by_itself() -> None:
    campaign = draft(funding=cast.CO_FUNDED)
    capped = cell(campaign, channel="alipay", cap_fen=5_000, cap_count=1)
    allocation_id = allocation_of(cast.launched(campaign), channel="alipay")
    sources = dict(campaign.sources.values_list("code", "id"))
    part = AllocationShare(
        allocation_id, [(sources["city"], 3_000), (sources["group"], 2_000)], vouchers=0
    )
    locked = quotas.lock_shares(shares=[part])
    assert locked.have_room
    quotas.take_locked(buckets=locked.buckets, needs=locked.needs)
    assert headroom(capped) == [(0, 1)]
    assert not quotas.lock_shares(shares=[part]).have_room
    quotas.give_back_shares(shares=[part])
    assert headroom(capped) == [(5_000, 1)]


def test_headroom_below_zero_is_refused_by_the_database_too() -> None:
    campaign = draft()
    capped = cell(campaign, channel="alipay", cap_count=1, cap_fen=1, bucket_count=2)
    cast.launched(campaign)
    for column in ("headroom_count", "headroom_fen"):
        with pytest.raises(IntegrityError), transaction.atomic():
            capped.buckets.update(**{column: -1})


def test_nothing_is_taken_from_a_cell_that_was_never_opened() -> None:
    shut = cell(draft(), channel="alipay", cap_count=1)
    with pytest.raises(Refused, match="quota_not_open"), transaction.atomic():
        quotas.lock_buckets(cell_ids=[shut.pk])


# Runs by channel and day


def run(campaign: Campaign, *, at: datetime = NOON, **options: Any) -> Run:
    """A run requested, targeted, reserved and minted."""
    runs.request_run(campaign=campaign, seed="s", by=cast.mei(), at=at, **options)
    for step in (targeting.target_run, runs.reserve_run):
        lease = leases.lease_run(at=at, lease_s=60)
        assert lease is not None
        done = step(run_id=lease.run_id, fence=lease.fence, at=at)
    while shard := leases.lease_shard(at=at, lease_s=60):
        minting.mint_shard(shard_id=shard.shard_id, fence=shard.fence, at=at)
    return done


def by_channel(campaign: Campaign) -> Campaign:
    for channel in ("alipay", "wechat"):
        cell(campaign, channel=channel, cap_count=2)
    return cast.launched(campaign)


def test_a_resident_gets_a_tiers_vouchers_once_per_round_and_channel() -> None:
    campaign = by_channel(draft())
    cast.alice()
    for channel, vouchers in (("alipay", 1), ("wechat", 1), ("alipay", 0), ("wechat", 0)):
        assert run(campaign, channel=channel).selection["vouchers"] == vouchers
    held = Allocation.objects.values_list("channel", flat=True)
    assert sorted(filter(None, held)) == ["alipay", "wechat"]


def test_what_came_through_no_channel_counts_for_all() -> None:
    campaign = cast.launched(draft())
    cast.alice()
    assert run(campaign).selection["vouchers"] == 1
    assert run(campaign, channel="alipay").selection["vouchers"] == 0
    again = cast.launched(draft(code="other"))
    assert run(again, channel="alipay").selection["vouchers"] == 1
    assert run(again).selection["vouchers"] == 0


def test_a_full_channel_stops_and_another_goes_on() -> None:
    campaign = by_channel(draft())
    for number in range(3):
        cast.resident(f"neighbour{number}")
    first = run(campaign, channel="alipay")
    assert first.selection["vouchers"] == 2
    assert first.selection["tiers"]["off20"]["passed_over"] == {"quota": 1}
    assert run(campaign, channel="wechat").selection["vouchers"] == 2


def test_who_may_not_distribute_queues_no_run() -> None:
    with pytest.raises(Refused, match="not_permitted"):
        runs.request_run(campaign=draft(), seed="s", by=cast.li(), at=NOON)
    assert not Run.objects.exists()


def test_a_run_names_its_channel_where_channels_have_quotas() -> None:
    campaign = by_channel(draft())
    for channel in (None, "", " ", "x" * 21):
        with pytest.raises(Refused, match="channel_unknown"):
            runs.request_run(campaign=campaign, seed="s", by=cast.mei(), at=NOON, channel=channel)
    assert not Run.objects.exists()


def test_a_days_cell_counts_the_vouchers_issued_on_that_business_day() -> None:
    campaign = draft(per_resident=1)
    today = cell(campaign, day=TODAY, cap_count=1)
    tomorrow = cell(campaign, day=TODAY + DAY, cap_count=5)
    for number in range(3):
        cast.resident(f"neighbour{number}")
    assert run(cast.launched(campaign)).selection["vouchers"] == 1
    assert (headroom(today), headroom(tomorrow)) == ([(None, 0)], [(None, 5)])
    assert Allocation.objects.get().day == TODAY
