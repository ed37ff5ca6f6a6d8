"""A run paused, resumed and cancelled: no worker takes it up, and what was not issued goes back."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db.models import Sum

from merchants.errors import Refused
from tests.support import cast
from tests.support.concurrency.invariants import assert_proven
from tests.support.distribution import balances_fen, crowd, mint_all, request, reserve
from tests.support.history import in_words
from vouchers.models import Campaign, QuotaBucket, Run, Tranche
from vouchers.queries.issuing import progress_of
from vouchers.services.issuing import control, leases, minting
from vouchers.states import AccountKind, RunState

pytestmark = pytest.mark.django_db

BUDGET_FEN = 100 * 2_000


@pytest.fixture
def campaign() -> Campaign:
    """One tier of ¥20, a hundred at most, and six people within reach."""
    made = cast.running_campaign(
        tiers={"off20": (2_000, 10_000)}, budget_fen=BUDGET_FEN, tier_counts={"off20": 100}
    )
    crowd(6)
    return made


def pause(run: Run) -> None:
    control.pause_run(run=run, reason="wrong round", by=cast.mei(), at=cast.NOON)


def resume(run: Run) -> None:
    control.resume_run(run=run, reason="right after all", by=cast.mei(), at=cast.NOON)


def cancel(run: Run) -> None:
    control.cancel_run(run=run, reason="wrong round", by=cast.mei(), at=cast.NOON)


def mint_one() -> Tranche:
    lease = leases.lease_shard(at=cast.NOON, lease_s=60)
    assert lease is not None
    return minting.mint_shard(shard_id=lease.shard_id, fence=lease.fence, at=cast.NOON)


def room() -> tuple[int, int]:
    """Fen left of the source's cell, and vouchers left of the tier's."""
    fen = QuotaBucket.objects.exclude(cell__source=None).aggregate(fen=Sum("headroom_fen"))["fen"]
    tiers = QuotaBucket.objects.exclude(cell__tier=None)
    return fen, tiers.aggregate(count=Sum("headroom_count"))["count"]


def test_a_paused_run_is_taken_up_when_it_is_resumed(campaign: Campaign) -> None:
    run = request(campaign)
    pause(run)
    assert leases.lease_run(at=cast.NOON, lease_s=60) is None
    resume(run)
    assert leases.lease_run(at=cast.NOON, lease_s=60) is not None


def test_of_a_run_paused_in_the_middle_no_further_shard_is_minted(campaign: Campaign) -> None:
    run = reserve(campaign, shard_size=2)
    mint_one()
    pause(run)
    assert leases.waiting_shards(at=cast.NOON) == 0
    assert mint_all() == []
    resume(run)
    assert len(mint_all()) == 2
    run.refresh_from_db()
    assert (run.state, run.paused_at) == (RunState.DONE, None)
    assert_proven()


def test_a_shard_that_is_being_minted_when_its_run_is_paused_is_finished(
    campaign: Campaign,
) -> None:
    run = reserve(campaign, shard_size=6)
    lease = leases.lease_shard(at=cast.NOON, lease_s=60)
    assert lease is not None
    pause(run)
    minting.mint_shard(shard_id=lease.shard_id, fence=lease.fence, at=cast.NOON)
    run.refresh_from_db()
    assert run.state == RunState.DONE
    assert_proven()


def test_cancelled_before_its_money_is_reserved_nothing_is_posted(campaign: Campaign) -> None:
    run = request(campaign)
    cancel(run)
    assert (run.state, run.finished_at) == (RunState.CANCELLED, cast.NOON)
    assert balances_fen(campaign)[AccountKind.FREE] == BUDGET_FEN
    assert leases.lease_run(at=cast.NOON, lease_s=60) is None


def test_cancelled_in_the_middle_what_is_issued_stays_and_the_rest_is_free_again(
    campaign: Campaign,
) -> None:
    run = reserve(campaign, shard_size=2)
    mint_one()
    cancel(run)
    assert (run.state, run.selection["released_vouchers"]) == (RunState.CANCELLED, 4)
    money = balances_fen(campaign)
    assert money[AccountKind.OUTSTANDING] == 2 * 2_000
    assert money[AccountKind.FREE] == BUDGET_FEN - 2 * 2_000
    assert AccountKind.RESERVED not in money
    assert room() == (BUDGET_FEN - 2 * 2_000, 98)
    assert mint_all() == []
    assert_proven()


def test_another_run_serves_those_whom_the_cancelled_one_did_not(campaign: Campaign) -> None:
    first = reserve(campaign, shard_size=2)
    mint_one()
    cancel(first)
    second = reserve(campaign)
    assert second.selection["vouchers"] == 4
    mint_all()
    assert room() == (BUDGET_FEN - 6 * 2_000, 94)
    assert_proven()


def test_a_paused_run_can_be_cancelled(campaign: Campaign) -> None:
    run = reserve(campaign)
    pause(run)
    cancel(run)
    assert (run.state, run.paused_at) == (RunState.CANCELLED, None)
    assert room() == (BUDGET_FEN, 100)


def test_a_lease_from_before_the_cancelling_is_worth_nothing(campaign: Campaign) -> None:
    run = reserve(campaign)
    lease = leases.lease_shard(at=cast.NOON, lease_s=60)
    assert lease is not None
    cancel(run)
    with pytest.raises(leases.LeaseLostError):
        minting.mint_shard(shard_id=lease.shard_id, fence=lease.fence, at=cast.NOON)
    assert room() == (BUDGET_FEN, 100)


@pytest.mark.parametrize("act", [pause, resume, cancel])
def test_a_run_that_is_over_stays_as_it_is(campaign: Campaign, act: Callable[[Run], None]) -> None:
    run = reserve(campaign)
    mint_all()
    with pytest.raises(Refused, match="run_state") as refused:
        act(run)
    assert refused.value.refusal.facts == {"state": "done"}


def test_a_run_is_paused_once_and_resumed_once(campaign: Campaign) -> None:
    run = request(campaign)
    with pytest.raises(Refused, match="run_state"):
        resume(run)
    pause(run)
    with pytest.raises(Refused, match="run_state") as refused:
        pause(run)
    assert refused.value.refusal.facts == {"state": "paused"}


def test_what_was_done_and_why_stands_in_the_runs_history(campaign: Campaign) -> None:
    run = request(campaign)
    pause(run)
    cancel(run)
    told = LogEntry.objects.filter(object_id=str(run.pk), user=cast.mei()).order_by("id")
    assert [in_words(act) for act in told][-2:] == ["Paused: wrong round", "Cancelled: wrong round"]


@pytest.mark.parametrize("act", [control.pause_run, control.resume_run, control.cancel_run])
def test_an_approver_may_not(campaign: Campaign, act: Callable[..., None]) -> None:
    run = request(campaign)
    with pytest.raises(Refused, match="not_permitted"):
        act(run=run, reason="mine", by=cast.li(), at=cast.NOON)
    run.refresh_from_db()
    assert (run.state, run.paused_at) == (RunState.QUEUED, None)


def test_progress_counts_vouchers_and_foretells_the_end(campaign: Campaign) -> None:
    run = reserve(campaign, shard_size=2)
    before = progress_of(run, at=cast.NOON)
    assert (before.vouchers_done, before.vouchers_total, before.vouchers_per_s) == (0, 6, None)
    for seconds in (0, 4):
        at = cast.NOON + timedelta(seconds=seconds)
        lease = leases.lease_shard(at=at, lease_s=60)
        assert lease is not None
        minting.mint_shard(shard_id=lease.shard_id, fence=lease.fence, at=at)
    now = cast.NOON + timedelta(seconds=5)
    progress = progress_of(run, at=now)
    assert (progress.shards_done, progress.shards_total, progress.vouchers_done) == (2, 3, 4)
    assert progress.vouchers_per_s == 1.0
    assert progress.done_at == now + timedelta(seconds=2)
