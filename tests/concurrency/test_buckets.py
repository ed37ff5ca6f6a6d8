"""Hot quota cells in sub-buckets: never one too many, never one left over, and no session hangs.

Claims lock the tranche of their tier before the quotas, so those of one tier never meet there.
Here two tiers share every cell, and their claims meet at the buckets.
"""

from collections.abc import Callable, Sequence
from functools import partial
from threading import Barrier, Event
from typing import Any

import pytest
from django.db import transaction
from django.db.models import F, Sum

from tests.support import cast, draft_rows
from tests.support.cast import PEOPLES_SQUARE
from tests.support.claims import CLOSING, TEN, app, asking, claimed, neighbours, said
from tests.support.concurrency.threads import PATIENCE_S, at_once, wait_until_a_session_waits
from vouchers.models import Campaign, QuotaBucket, QuotaCell, Resident, Voucher
from vouchers.rules.ledger.quotas import Need
from vouchers.rules.limits.limits import business_day
from vouchers.services import claims, sold_out
from vouchers.services.audience import targeting
from vouchers.services.claims import ClaimRequest
from vouchers.services.issuing import leases, runs
from vouchers.services.ledger import quotas
from vouchers.states import RoundWay

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("redis_client", "talkative"),
]

CROWD = 16
UNITS = 11
SUB_BUCKETS = 8
FACE_FEN = 2_000
BUDGET_FEN = 500_000_000
TIERS = ("off20", "lunch")
CHANNELS = ("alipay", "wechat")
TODAY = business_day(TEN, "Asia/Shanghai")


@pytest.fixture
def talkative(monkeypatch: pytest.MonkeyPatch) -> None:
    """Valkey is asked at once, whatever it failed to answer in an earlier test."""
    monkeypatch.setattr(sold_out.VALKEY, "_silent_until_s", 0.0)


def campaign_of(units: int, *, by_money: bool, per_resident: int = 1) -> Campaign:
    """Room for so many vouchers of both tiers and both channels together; the channels' and the
    day's own cells hold as many each, and the source's holds plenty. All lie in eight sub-buckets,
    and a round lets both tiers be claimed from ten o'clock."""
    by, at = cast.mei(), TEN - cast.DAY
    draft = cast.spring_campaign(
        tiers=dict.fromkeys(TIERS, (FACE_FEN, 10000)), per_resident=per_resident, limits={}
    )
    round_ = draft_rows.add(
        "rounds",
        campaign=draft,
        number=1,
        opens_at=TEN,
        closes_at=CLOSING,
        way=RoundWay.CLAIM.value,
        by=by,
        at=at,
    )
    # So many fen that no sub-bucket's part makes whole vouchers.
    cap: dict[str, Any] = (
        {"cap_fen": units * FACE_FEN + FACE_FEN - 1} if by_money else {"cap_count": units}
    )
    slices: Sequence[dict[str, Any]] = (
        *({"channel": channel} for channel in CHANNELS),
        {"day": TODAY},
        {"round": round_},
        {"round": round_, "day": TODAY},
    )
    for slice_ in slices:
        draft_rows.add(
            "cells", campaign=draft, bucket_count=SUB_BUCKETS, by=by, at=at, **slice_, **cap
        )
    root = QuotaCell.objects.get(campaign=draft, source__isnull=False)
    draft_rows.change("cells", root, bucket_count=SUB_BUCKETS, by=by, at=at)
    campaign = cast.launched(draft, at=at)
    claims.open_coming(at=TEN)
    return campaign


def wish(campaign: Campaign, resident: Resident, number: int) -> ClaimRequest:
    """The request of the client of this number: one of the tiers, through one of the channels."""
    caller = app(CHANNELS[number // 2 % 2])
    return asking(resident, campaign, tier=TIERS[number % 2], caller=caller)


def won(request: ClaimRequest) -> bool:
    """Whether a claim gets its voucher; False when the answer is that nothing is left."""
    answer = said(claimed([request])[0])
    assert answer in {"claimed", "sold_out"}
    return answer == "claimed"


def crowd(campaign: Campaign, size: int = CROWD) -> list[Callable[[], bool]]:
    """Every client wants one; their residents lie in different sub-buckets."""
    people = [cast.resident(f"client-{n}", bucket=n, home=PEOPLES_SQUARE) for n in range(size)]
    return [partial(won, wish(campaign, each, number)) for number, each in enumerate(people)]


def left(campaign: Campaign, **slice_: object) -> dict[str, int]:
    cells = QuotaCell.objects.filter(campaign=campaign, **slice_)
    return QuotaBucket.objects.filter(cell__in=cells).aggregate(
        fen=Sum("headroom_fen"), count=Sum("headroom_count")
    )


@pytest.mark.parametrize("by_money", [True, False], ids=["money", "count"])
@pytest.mark.parametrize("units", [1, UNITS])
def test_of_a_crowd_exactly_as_many_win_as_there_are_units(units: int, by_money: bool) -> None:
    campaign = campaign_of(units, by_money=by_money)

    answers = at_once(crowd(campaign))

    assert sum(answers) == units == Voucher.objects.count()
    for slice_ in ({"day": TODAY, "round": None}, {"round__isnull": False, "day": None}):
        found = left(campaign, **slice_)
        assert found == (
            {"fen": FACE_FEN - 1, "count": None} if by_money else {"fen": None, "count": 0}
        )
    assert left(campaign, source__isnull=False)["fen"] == BUDGET_FEN - units * FACE_FEN


@pytest.mark.parametrize("by_money", [True, False], ids=["money", "count"])
def test_no_client_is_refused_while_there_is_a_unit_for_each(by_money: bool) -> None:
    """As many units as people, each of whom claims one, which is given back, again and again: at no
    moment is nothing left."""
    rounds, people = 6, CROWD // 2
    campaign = campaign_of(people, by_money=by_money, per_resident=rounds)
    before = left(campaign)

    def comes_and_goes(resident: Resident, number: int) -> bool:
        for _ in range(rounds):
            if not won(wish(campaign, resident, number)):
                return False
            voucher = Voucher.objects.filter(resident=resident).latest("id")
            with transaction.atomic():
                quotas.give_back(vouchers={voucher.allocation_id: 1})
        return True

    jobs = [partial(comes_and_goes, each, n) for n, each in enumerate(neighbours(people))]
    assert all(at_once(jobs))
    assert left(campaign) == before


@pytest.mark.parametrize("bucket", [0, 5], ids=["same sub-bucket", "another"])
def test_a_unit_that_was_taken_but_not_kept_goes_to_the_client_that_waits(bucket: int) -> None:
    campaign = campaign_of(1, by_money=False)
    loser = wish(campaign, cast.resident("loser", bucket=0), 0)
    winner = wish(campaign, cast.resident("winner", bucket=bucket), 1)
    is_taken = Event()

    def takes_and_fails() -> bool:
        with transaction.atomic():
            answer = claimed([loser])[0]
            is_taken.set()
            wait_until_a_session_waits()
            transaction.set_rollback(True)
        return said(answer) == "claimed"

    def comes_after() -> bool:
        is_taken.wait(PATIENCE_S)
        return won(winner)

    assert at_once([takes_and_fails, comes_after]) == [True, True]
    assert Voucher.objects.get().resident.external_id == "winner"


def test_a_run_and_a_crowd_together_take_all_there_is() -> None:
    """A run takes many at once and locks all sub-buckets, in the same order as the claims."""
    campaign = campaign_of(CROWD, by_money=False)
    neighbours(CROWD // 4)
    runs.request_run(campaign=campaign, channel="alipay", seed="s", by=cast.mei(), at=TEN)
    targeted = leases.lease_run(at=TEN, lease_s=60)
    assert targeted is not None
    targeting.target_run(run_id=targeted.run_id, fence=targeted.fence, at=TEN)
    lease = leases.lease_run(at=TEN, lease_s=60)
    assert lease is not None

    def reserves_for_half() -> bool:
        run = runs.reserve_run(run_id=lease.run_id, fence=lease.fence, at=TEN)
        return bool(run.selection["vouchers"] == CROWD // 2)

    assert all(at_once([*crowd(campaign, CROWD // 2), reserves_for_half]))
    assert left(campaign, day=TODAY, round=None)["count"] == 0


def test_room_made_while_a_crowd_takes_is_taken_too_and_never_lost() -> None:
    """The cap of every cell grows in the midst of it, under the same locks."""
    campaign = campaign_of(2, by_money=False)
    cells = list(campaign.cells.filter(cap_count__isnull=False).values_list("id", flat=True))

    def grow() -> bool:
        with transaction.atomic():
            buckets = quotas.lock_buckets(cell_ids=cells)
            quotas.resize_cells(buckets=buckets, changes=dict.fromkeys(cells, Need(0, 5)))
        return False

    first = sum(at_once([*crowd(campaign), grow]))
    assert 2 <= first <= 7
    assert first + left(campaign, day=TODAY, round=None)["count"] == 7
    later = [won(wish(campaign, each, number)) for number, each in enumerate(neighbours(7))]
    assert first + sum(later) == 7


def take_naively(cells: Sequence[int], number: int, all_have_read: Barrier) -> bool:
    """Read what is left of a sub-bucket, decide, write it: every step right by itself."""
    with transaction.atomic():
        found = QuotaBucket.objects.filter(cell__in=cells, number=number % SUB_BUCKETS)
        rooms = dict(found.order_by("pk").values_list("pk", "headroom_count"))
        if any(count is not None and count < 1 for count in rooms.values()):
            return False
        all_have_read.wait(PATIENCE_S)
        for pk, count in rooms.items():
            if count is not None:
                QuotaBucket.objects.filter(pk=pk).update(headroom_count=count - 1)
    return True


def test_control_read_then_written_too_many_win() -> None:
    campaign = campaign_of(SUB_BUCKETS, by_money=False)
    cells = list(campaign.cells.values_list("id", flat=True))
    have_read = Barrier(CROWD)
    takers = [partial(take_naively, cells, number, have_read) for number in range(CROWD)]
    assert sum(at_once(takers)) == CROWD > SUB_BUCKETS


def test_control_without_the_second_look_the_last_units_stay() -> None:
    """One sub-bucket alone, however exactly counted, says "nothing left" too early."""
    campaign = campaign_of(UNITS, by_money=False)
    cells = list(campaign.cells.values_list("id", flat=True))

    def take_from_one(_number: int) -> bool:
        found = QuotaBucket.objects.filter(cell__in=cells, number=0, headroom_count__gt=0)
        return found.update(headroom_count=F("headroom_count") - 1) > 0

    won_ = at_once([partial(take_from_one, number) for number in range(UNITS)])
    assert sum(won_) < UNITS
