"""Runs, minters and sweeps at the same moment: nothing promised twice, nothing left undone."""

from collections import Counter
from contextlib import suppress
from datetime import timedelta
from threading import Barrier

import numpy as np
import pytest
from django.db import transaction

from merchants.errors import Refused
from tests.support import cast
from tests.support.concurrency.invariants import assert_proven
from tests.support.concurrency.threads import PATIENCE_S, at_once
from vouchers.models import Campaign, QuotaBucket, Run, Shard, Transfer, Voucher
from vouchers.services.audience import targeting
from vouchers.services.campaigns import terms
from vouchers.services.issuing import control, drops, expiry, leases, minting, runs
from vouchers.states import RoundWay, RunState, ShardState, TransferReason

pytestmark = pytest.mark.django_db(transaction=True)

BUDGET_VOUCHERS = 6
RESIDENTS = 10
RUNS = 8


def campaign_with_crowd() -> Campaign:
    campaign = cast.running_campaign(
        tiers={"off20": (2_000, 10_000)}, budget_fen=BUDGET_VOUCHERS * 2_000
    )
    for number in range(RESIDENTS):
        cast.resident(f"neighbour{number}")
    return campaign


def targeted(campaign: Campaign, seed: str) -> leases.RunLease:
    """A run whose audience is found, leased for its reservation."""
    runs.request_run(campaign=campaign, seed=seed, by=cast.mei(), at=cast.NOON)
    lease = leases.lease_run(at=cast.NOON, lease_s=60)
    assert lease is not None
    targeting.target_run(run_id=lease.run_id, fence=lease.fence, at=cast.NOON)
    lease = leases.lease_run(at=cast.NOON, lease_s=60)
    assert lease is not None
    return lease


def reserve(lease: leases.RunLease, *, shard_size: int = 100) -> Run:
    return runs.reserve_run(
        run_id=lease.run_id, fence=lease.fence, at=cast.NOON, shard_size=shard_size
    )


def mint_until_none_waits() -> int:
    """Mint as a worker does; returns how many shards this one minted."""
    minted = 0
    while lease := leases.lease_shard(at=cast.NOON, lease_s=60):
        minting.mint_shard(shard_id=lease.shard_id, fence=lease.fence, at=cast.NOON)
        minted += 1
    return minted


def test_two_runs_at_once_share_the_last_money_and_no_resident() -> None:
    campaign = campaign_with_crowd()
    one, other = targeted(campaign, "one"), targeted(campaign, "other")

    at_once([lambda: reserve(one), lambda: reserve(other)])

    chosen: Counter[int] = Counter()
    for packed in Shard.objects.values_list("resident_ids", flat=True):
        chosen.update(np.frombuffer(packed, dtype="<i8").tolist())
    assert chosen.total() == BUDGET_VOUCHERS
    assert set(chosen.values()) == {1}
    assert QuotaBucket.objects.get().headroom_fen == 0
    assert_proven()


def test_control_without_the_lock_both_runs_would_promise_all_of_it() -> None:
    campaign_with_crowd()
    both_have_read = Barrier(2)

    def reserve_on_what_was_read() -> int:
        with transaction.atomic():
            bucket = QuotaBucket.objects.get()
            found_fen = bucket.headroom_fen or 0
            both_have_read.wait(PATIENCE_S)
            bucket.headroom_fen = 0
            bucket.save()
        return found_fen

    promised_fen = at_once([reserve_on_what_was_read] * 2)

    assert sum(promised_fen) == 2 * BUDGET_VOUCHERS * 2_000


def test_workers_at_once_mint_every_shard_once_and_the_last_ends_the_run() -> None:
    lease = targeted(campaign_with_crowd(), "s")
    reserve(lease, shard_size=1)

    minted = at_once([mint_until_none_waits] * 4)

    assert sum(minted) == BUDGET_VOUCHERS
    assert Run.objects.get().state == RunState.DONE
    residents = Voucher.objects.values_list("resident_id", flat=True)
    assert len(residents) == len(set(residents)) == BUDGET_VOUCHERS
    assert_proven()


def test_a_drop_that_two_sweeps_find_due_is_requested_once() -> None:
    draft = cast.spring_campaign()
    terms.add_weekly_rounds(
        campaign=draft,
        first_opens_at=cast.NOON,
        open_for=timedelta(hours=1),
        weeks=1,
        way=RoundWay.DROP,
        by=cast.mei(),
        at=cast.NOON,
    )
    cast.launched(draft)

    found = at_once([lambda: drops.request_due(at=cast.NOON)] * 4)

    assert sorted(map(len, found)) == [0, 0, 0, 1]
    assert Run.objects.count() == 1


def test_one_run_is_leased_to_one_worker() -> None:
    """Round after round, since two workers need not meet in one."""
    campaign = campaign_with_crowd()
    waiting = [
        runs.request_run(campaign=campaign, seed=f"s{n}", by=cast.mei(), at=cast.NOON).pk
        for n in range(RUNS)
    ]

    leased = [
        lease.run_id
        for _ in waiting
        for lease in at_once([lambda: leases.lease_run(at=cast.NOON, lease_s=60)] * 4)
        if lease is not None
    ]

    assert sorted(leased) == waiting


def test_a_tranche_that_two_sweeps_find_due_expires_once() -> None:
    campaign = campaign_with_crowd()
    reserve(targeted(campaign, "s"))
    mint_until_none_waits()

    expired = at_once([lambda: expiry.expire_due(at=campaign.ends_at)] * 2)

    assert sorted(expired) == [0, BUDGET_VOUCHERS]
    assert Transfer.objects.filter(reason=TransferReason.EXPIRE).count() == 1
    assert QuotaBucket.objects.get().headroom_fen == BUDGET_VOUCHERS * 2_000
    assert_proven()


def mint_what_can_be_had() -> int:
    """Mint until none waits; a shard whose run is cancelled meanwhile is lost to the worker."""
    minted = 0
    while lease := leases.lease_shard(at=cast.NOON, lease_s=60):
        try:
            minting.mint_shard(shard_id=lease.shard_id, fence=lease.fence, at=cast.NOON)
        except leases.LeaseLostError:
            continue
        minted += 1
    return minted


def test_a_run_cancelled_while_workers_mint_gives_back_what_they_did_not() -> None:
    reserve(targeted(campaign_with_crowd(), "s"), shard_size=1)
    run, mei = Run.objects.get(), cast.mei()

    def cancel() -> int:
        with suppress(Refused):  # the last shard may have been minted before
            control.cancel_run(run=run, reason="wrong round", by=mei, at=cast.NOON)
        return 0

    minted = sum(at_once([mint_what_can_be_had, cancel, mint_what_can_be_had]))

    run.refresh_from_db()
    assert Voucher.objects.count() == minted
    assert run.state in {RunState.CANCELLED, RunState.DONE}
    left_fen = (BUDGET_VOUCHERS - minted) * 2_000
    assert QuotaBucket.objects.get().headroom_fen == left_fen
    assert leases.waiting_shards(at=cast.NOON) == 0
    assert_proven()


def test_control_without_the_shards_locks_both_would_have_the_money() -> None:
    reserve(targeted(campaign_with_crowd(), "s"), shard_size=BUDGET_VOUCHERS)
    lease = leases.lease_shard(at=cast.NOON, lease_s=60)
    assert lease is not None
    has_read, is_minted = Barrier(2), Barrier(2)

    def mint() -> int:
        has_read.wait(PATIENCE_S)
        minting.mint_shard(shard_id=lease.shard_id, fence=lease.fence, at=cast.NOON)
        is_minted.wait(PATIENCE_S)
        return BUDGET_VOUCHERS

    def release_what_was_read() -> int:
        unminted = list(Shard.objects.exclude(state=ShardState.DONE))
        has_read.wait(PATIENCE_S)
        is_minted.wait(PATIENCE_S)
        return sum(shard.voucher_count for shard in unminted)

    assert sum(at_once([mint, release_what_was_read])) == 2 * BUDGET_VOUCHERS
