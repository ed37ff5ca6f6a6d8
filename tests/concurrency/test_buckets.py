"""Hot quota cells in sub-buckets: never one too many, never one left over, and no session hangs."""

from collections.abc import Callable, Sequence
from functools import partial
from threading import Event
from time import monotonic, sleep
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F, Sum

from merchants.errors import Refused
from tests.support import cast, draft_rows
from tests.support.cast import DAY, NOON
from tests.support.concurrency.threads import PATIENCE_S, at_once
from tests.support.quota_room import allocation_of, take_from_all
from tests.support.taking import take_some
from vouchers.models import Campaign, QuotaBucket, QuotaCell
from vouchers.rules.ledger.quotas import Need
from vouchers.rules.limits.limits import business_day
from vouchers.services.ledger import quotas

pytestmark = pytest.mark.django_db(transaction=True)

CROWD = 16
UNITS = 11
SUB_BUCKETS = 8
FACE_FEN = 2_000
CHANNELS = ("alipay", "wechat")
TODAY = business_day(NOON, "Asia/Shanghai")


def campaign_of(units: int, *, by_money: bool) -> Campaign:
    """Room for so many vouchers over both channels together; the channels' and the day's own cells
    hold as many each, and the source's holds plenty. All lie in eight sub-buckets."""
    draft = cast.spring_campaign(tiers={"off20": (FACE_FEN, 10_000)})
    # So many fen that no sub-bucket's part makes whole vouchers.
    cap: dict[str, Any] = (
        {"cap_fen": units * FACE_FEN + FACE_FEN - 1} if by_money else {"cap_count": units}
    )
    by, at = cast.mei(), NOON - DAY
    for channel in CHANNELS:
        draft_rows.add(
            "cells", campaign=draft, channel=channel, bucket_count=SUB_BUCKETS, by=by, at=at, **cap
        )
    tier = draft.tiers.get()
    slices: Sequence[dict[str, Any]] = (
        {"day": TODAY},
        {"tier": tier},
        {"tier": tier, "day": TODAY},
    )
    for slice_ in slices:
        draft_rows.add(
            "cells", campaign=draft, bucket_count=SUB_BUCKETS, by=by, at=at, **slice_, **cap
        )
    root = QuotaCell.objects.get(campaign=draft, source__isnull=False)
    draft_rows.change("cells", root, bucket_count=SUB_BUCKETS, by=by, at=at)
    return cast.launched(draft)


def one_voucher(campaign: Campaign, channel: str) -> dict[int, int]:
    return {allocation_of(campaign, channel=channel, day=TODAY): 1}


def take(voucher: dict[int, int], hint: int) -> bool:
    """One transaction that takes a voucher; False when the answer is that nothing is left."""
    try:
        with transaction.atomic():
            take_some(needs=quotas.needs_of(voucher), hint=hint)
    except Refused as refused:
        if refused.refusal.code != "quota_exhausted":
            raise
        return False
    return True


def crowd(campaign: Campaign, size: int = CROWD) -> list[Callable[[], bool]]:
    """Every client wants one, through either channel, each with a hint of their own."""
    wanted = [one_voucher(campaign, channel) for channel in CHANNELS]
    return [partial(take, wanted[number % 2], number) for number in range(size)]


def left(campaign: Campaign, **slice_: object) -> dict[str, int]:
    cells = QuotaCell.objects.filter(campaign=campaign, **slice_)
    return QuotaBucket.objects.filter(cell__in=cells).aggregate(
        fen=Sum("headroom_fen"), count=Sum("headroom_count")
    )


@pytest.mark.parametrize("by_money", [True, False], ids=["money", "count"])
@pytest.mark.parametrize("units", [1, UNITS])
def test_of_a_crowd_exactly_as_many_win_as_there_are_units(units: int, by_money: bool) -> None:
    campaign = campaign_of(units, by_money=by_money)

    won = at_once(crowd(campaign))

    assert sum(won) == units
    for slice_ in ({"day": TODAY, "tier": None}, {"tier__isnull": False, "day": None}):
        found = left(campaign, **slice_)
        assert found == (
            {"fen": FACE_FEN - 1, "count": None} if by_money else {"fen": None, "count": 0}
        )
    root = left(campaign, source__isnull=False)
    assert root["fen"] == 500_000_000 - units * FACE_FEN


@pytest.mark.parametrize("by_money", [True, False], ids=["money", "count"])
def test_no_client_is_refused_while_there_is_a_unit_for_each(by_money: bool) -> None:
    """As many units as people, each of whom takes one and gives it back, again and again: at no
    moment is nothing left."""
    campaign = campaign_of(CROWD // 2, by_money=by_money)
    before = left(campaign)

    def comes_and_goes(voucher: dict[int, int], hint: int) -> bool:
        for _ in range(6):
            if not take(voucher, hint):
                return False
            with transaction.atomic():
                quotas.give_back(vouchers=voucher)
        return True

    wanted = [one_voucher(campaign, channel) for channel in CHANNELS]
    jobs = [partial(comes_and_goes, wanted[n % 2], n % 3) for n in range(CROWD // 2)]
    assert all(at_once(jobs))
    assert left(campaign) == before


def wait_for_a_waiter() -> None:
    """Until another connection of this database waits for a lock."""
    until_s = monotonic() + PATIENCE_S
    while monotonic() < until_s:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone() != (0,):
                return
        sleep(0.01)
    raise AssertionError("no session came to wait")


@pytest.mark.parametrize("hint", [0, 5], ids=["same sub-bucket", "another"])
def test_a_unit_that_was_taken_but_not_kept_goes_to_the_client_that_waits(hint: int) -> None:
    campaign = campaign_of(1, by_money=False)
    voucher = one_voucher(campaign, "alipay")
    is_taken = Event()

    def takes_and_fails() -> bool:
        with transaction.atomic():
            take_some(needs=quotas.needs_of(voucher), hint=0)
            is_taken.set()
            wait_for_a_waiter()
            transaction.set_rollback(True)
        return False

    def comes_after() -> bool:
        is_taken.wait(PATIENCE_S)
        return take(voucher, hint)

    assert at_once([takes_and_fails, comes_after]) == [False, True]


def test_runs_and_a_crowd_together_take_all_there_is() -> None:
    """An act that takes many at once locks all sub-buckets, in the same order as the others."""
    campaign = campaign_of(CROWD, by_money=False)

    def takes_two(voucher: dict[int, int]) -> bool:
        with transaction.atomic():
            take_from_all(dict.fromkeys(voucher, 2))
        return True

    wanted = [one_voucher(campaign, channel) for channel in CHANNELS]
    singles, pairs = crowd(campaign, CROWD // 2), [partial(takes_two, one) for one in wanted * 2]
    assert all(at_once([*singles, *pairs]))
    assert left(campaign, day=TODAY, tier=None)["count"] == 0


def test_room_made_while_a_crowd_takes_is_taken_too_and_never_lost() -> None:
    """The cap of every cell grows in the midst of it, under the same locks."""
    campaign = campaign_of(2, by_money=False)
    cells = list(campaign.cells.filter(cap_count__isnull=False).values_list("id", flat=True))

    def grow() -> bool:
        with transaction.atomic():
            buckets = quotas.lock_buckets(cell_ids=cells)
            quotas.resize_cells(buckets=buckets, changes=dict.fromkeys(cells, Need(0, 5)))
        return False

    won = at_once([*crowd(campaign), grow])
    assert 2 <= sum(won) <= 7
    assert sum(won) + left(campaign, day=TODAY, tier=None)["count"] == 7
    more = [take(one_voucher(campaign, "alipay"), hint) for hint in range(7)]
    assert sum(won) + sum(more) == 7


def take_naively(cells: Sequence[int], number: int) -> bool:
    """Read what is left of a sub-bucket, decide, write it: every step right by itself."""
    with transaction.atomic():
        found = QuotaBucket.objects.filter(cell__in=cells, number=number % SUB_BUCKETS)
        rooms = dict(found.values_list("pk", "headroom_count"))
        if any(count is not None and count < 1 for count in rooms.values()):
            return False
        sleep(0.01)
        for pk, count in rooms.items():
            if count is not None:
                QuotaBucket.objects.filter(pk=pk).update(headroom_count=count - 1)
    return True


def test_control_read_then_written_too_many_win() -> None:
    campaign = campaign_of(SUB_BUCKETS, by_money=False)
    cells = list(campaign.cells.values_list("id", flat=True))
    won = at_once([partial(take_naively, cells, number) for number in range(CROWD)])
    assert sum(won) > SUB_BUCKETS, "the crowd never met: the races above would prove nothing"


def test_control_without_the_second_look_the_last_units_stay() -> None:
    """One sub-bucket alone, however exactly counted, says "nothing left" too early."""
    campaign = campaign_of(UNITS, by_money=False)
    cells = list(campaign.cells.values_list("id", flat=True))

    def take_from_one(_number: int) -> bool:
        found = QuotaBucket.objects.filter(cell__in=cells, number=0, headroom_count__gt=0)
        return found.update(headroom_count=F("headroom_count") - 1) > 0

    won = at_once([partial(take_from_one, number) for number in range(UNITS)])
    assert sum(won) < UNITS
