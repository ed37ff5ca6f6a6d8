"""A run's targeting in parts: the same members whatever the number of workers, each judged once."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import translation

from tests.support import cast
from tests.support.concurrency.threads import at_once
from vouchers import tasks
from vouchers.http.progress import progress_text
from vouchers.models import AudienceMember, Campaign, Resident, Run, Targeting, TargetingPart
from vouchers.queries.issuing import progress_of
from vouchers.services import residents
from vouchers.services.audience import parts, snapshots, targeting
from vouchers.services.campaigns import lifecycle
from vouchers.services.issuing import control, leases, runs
from vouchers.states import RunState, ShardState

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = 20
NEAR = 16
"""Of every ten of them, one each 700 m, eight live within the 5 km."""


def people() -> list[Resident]:
    crowd = []
    for number in range(PEOPLE):
        home = cast.north_of(cast.PEOPLES_SQUARE, km=(number % 10) * 0.7)
        crowd.append(cast.resident(f"r{number}", home=home))
    return crowd


def planned(campaign: Campaign, seed: str = "s") -> Run:
    """A run cut into parts of one block, of three residents, and one of those read by row."""
    run = runs.request_run(campaign=campaign, seed=seed, by=cast.mei(), at=cast.NOON)
    lease = leases.lease_run(at=cast.NOON, lease_s=60)
    assert lease is not None
    targeting.plan_targeting(run_id=run.pk, fence=lease.fence, at=cast.NOON, part_blocks=1)
    return run


def leased() -> parts.PartLease:
    lease = parts.lease_part(at=cast.NOON, lease_s=60)
    assert lease is not None
    return lease


def work(run: Run | None = None) -> int:
    """Judge parts, of one run or of any, until none waits; returns how many."""
    run_id, done = None if run is None else run.pk, 0
    while lease := parts.lease_part(at=cast.NOON, lease_s=60, run_id=run_id):
        parts.target_part(part_id=lease.part_id, fence=lease.fence)
        done += 1
    return done


def members(run: Run) -> list[tuple[object, ...]]:
    columns = ("resident_id", "bucket", "point_kind", "store_location_id", "distance_m", "ring")
    return sorted(AudienceMember.objects.filter(run=run).values_list(*columns))


def audience(run: Run) -> object:
    run.refresh_from_db()
    assert (run.state, run.progress_pct) == (RunState.TARGETED, 20)
    return run.audience


def snapshot_and_changes() -> list[Resident]:
    """Six blocks and more, and three residents who have changed since."""
    crowd = people()
    snapshots.build_snapshot(at=cast.NOON, block_residents=3)
    Resident.objects.filter(pk__in=[one.pk for one in crowd[:2]]).update(tags=1)
    crowd.append(cast.resident("later"))
    return crowd


def test_any_number_of_workers_find_the_same_members() -> None:
    snapshot_and_changes()
    campaign = cast.running_campaign()
    by_one, by_three = planned(campaign), planned(campaign, seed="t")

    count = work(by_one)
    judged = at_once([lambda: work(by_three)] * 3)

    assert count == sum(judged) == TargetingPart.objects.filter(run=by_three).count() > 6
    assert members(by_one) == members(by_three)
    assert audience(by_one) == audience(by_three)
    assert audience(by_one) == {
        "examined": PEOPLE + 1,
        "targeted": NEAR + 1,
        "rings": {"A": 11, "B": 6},
        "untargeted": {"outside": 4},
    }


def test_a_run_names_the_snapshot_it_read() -> None:
    snapshot_and_changes()
    run = planned(cast.running_campaign())
    named = Targeting.objects.get(run=run).snapshot
    assert named is not None

    newer = snapshots.build_snapshot(at=cast.NOON)

    assert newer is not None
    assert named.blocks.exists()
    work()
    assert len(members(run)) == NEAR + 1
    snapshots.build_snapshot(at=cast.NOON)
    assert not named.blocks.exists()


def test_who_changes_after_the_plan_is_judged_once_and_the_erased_not_at_all() -> None:
    crowd = snapshot_and_changes()
    run = planned(cast.running_campaign())
    changing, leaving, excluded = crowd[3], crowd[4], crowd[5]

    Resident.objects.filter(pk=changing.pk).update(tags=7)
    residents.erase(resident=leaving, reason="asked", by=cast.ren(), at=cast.NOON)
    residents.exclude(resident=excluded, campaign=None, reason="court", by=cast.ren(), at=cast.NOON)
    work()

    reached = [resident_id for resident_id, *_ in members(run)]
    assert reached.count(changing.pk) == 1
    assert not {leaving.pk, excluded.pk} & set(reached)
    assert len(reached) == NEAR - 1


def test_a_store_that_closes_after_the_plan_still_counts_for_all_parts() -> None:
    people()
    run = planned(cast.running_campaign())
    store = cast.nanjing_road()
    store.state = "closed"
    store.save()

    work()

    assert len(members(run)) == NEAR


def test_a_message_too_many_finds_nothing_to_do() -> None:
    people()
    run = planned(cast.running_campaign())
    lease = leased()

    assert parts.target_part(part_id=lease.part_id, fence=lease.fence)

    with pytest.raises(leases.LeaseLostError):
        parts.target_part(part_id=lease.part_id, fence=lease.fence)
    with pytest.raises(leases.LeaseLostError):
        targeting.plan_targeting(run_id=run.pk, fence=1, at=cast.NOON)
    tasks.target_parts()
    assert len(members(run)) == NEAR


def test_progress_foretells_when_the_audience_is_found() -> None:
    snapshot_and_changes()
    run = planned(cast.running_campaign())
    run.refresh_from_db()
    total = run.targeting_parts.count()
    assert total > 1
    before = progress_of(run, at=cast.NOON + timedelta(seconds=4)).targeting
    assert before is not None
    assert (before.parts_done, before.residents_per_s, before.done_at) == (0, None, None)
    lease = leased()
    parts.target_part(part_id=lease.part_id, fence=lease.fence)
    judged = run.targeting_parts.get(pk=lease.part_id).counts["examined"]
    now = cast.NOON + timedelta(seconds=4)
    progress = progress_of(run, at=now)
    found = progress.targeting
    assert found is not None
    assert (found.parts_done, found.parts_total, found.residents_done) == (1, total, judged)
    assert found.residents_per_s == judged / 4
    assert found.done_at == now + timedelta(seconds=4 * (total - 1))
    with translation.override("en"):
        assert progress_text(progress).startswith(f"1 of {total} parts of the residents · ")
    work(run)
    assert progress_of(Run.objects.get(pk=run.pk), at=now).targeting is None


def test_a_worker_whose_lease_ran_out_writes_nothing() -> None:
    snapshot_and_changes()
    run = planned(cast.running_campaign())
    stale = leased()
    fresh = parts.lease_part(at=cast.NOON + timedelta(seconds=60), lease_s=60)
    assert fresh is not None
    assert (fresh.part_id, fresh.fence) == (stale.part_id, stale.fence + 1)

    with pytest.raises(leases.LeaseLostError):
        parts.target_part(part_id=stale.part_id, fence=stale.fence)

    assert members(run) == []
    parts.target_part(part_id=fresh.part_id, fence=fresh.fence)
    assert TargetingPart.objects.filter(state=ShardState.DONE).count() == 1


def _pause(campaign: Campaign) -> None:
    lifecycle.pause(campaign=campaign, by=cast.mei(), at=cast.NOON)


def _pause_run(campaign: Campaign) -> None:
    control.pause_run(run=campaign.runs.get(), reason="r", by=cast.mei(), at=cast.NOON)


def _cancel_run(campaign: Campaign) -> None:
    control.cancel_run(run=campaign.runs.get(), reason="r", by=cast.mei(), at=cast.NOON)


def _end(campaign: Campaign) -> None:
    control.wind_up(at=campaign.ends_at)


@pytest.mark.parametrize("stop", [_pause, _pause_run, _cancel_run, _end])
def test_parts_of_what_stops_are_left(stop: Callable[[Campaign], None]) -> None:
    people()
    campaign = cast.running_campaign()
    run = planned(campaign)
    assert parts.waiting_parts(at=cast.NOON) == 1

    stop(campaign)

    assert parts.waiting_parts(at=cast.NOON) == work() == 0
    assert members(run) == []


def test_a_part_of_a_cancelled_run_is_not_written() -> None:
    people()
    campaign = cast.running_campaign()
    run, lease = planned(campaign), leased()
    _end(campaign)

    with pytest.raises(leases.LeaseLostError):
        parts.target_part(part_id=lease.part_id, fence=lease.fence)

    assert members(run) == []


def test_a_run_of_a_city_without_residents_ends_too() -> None:
    run = planned(cast.running_campaign())
    assert work() == 1
    assert audience(run) == {"examined": 0, "targeted": 0, "rings": {}, "untargeted": {}}
