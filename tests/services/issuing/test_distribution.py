"""From a run to vouchers in wallets: no resident twice, no unit over, none left over."""

from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection

from merchants.errors import Refused
from tests.support import cast, draft_rows
from tests.support.distribution import (
    balances_fen,
    crowd,
    distribute,
    holders,
    mint_all,
    request,
    reserve,
)
from tests.support.quota_room import allocation_of
from vouchers.models import (
    Allocation,
    QuotaBucket,
    Resident,
    Run,
    Shard,
    Tranche,
    Transfer,
    Voucher,
)
from vouchers.services.audience import parts, targeting
from vouchers.services.issuing import control, leases, minting, runs, selection
from vouchers.services.ledger import quotas
from vouchers.states import AccountKind, RunState, ShardState, TransferReason

pytestmark = pytest.mark.django_db


def test_every_resident_reached_gets_one_voucher_of_every_tier() -> None:
    campaign = cast.running_campaign()
    people = crowd(7)
    cast.bob()

    run = distribute(campaign)

    everyone = Counter({person.external_id: 1 for person in people})
    assert [holders(tier) for tier in cast.TIERS_FEN] == [everyone] * 3
    assert (run.state, run.progress_pct, run.finished_at) == (RunState.DONE, 100, cast.NOON)
    assert run.selection["vouchers"] == 21
    assert run.selection["residents"] == 7
    assert run.selection["fen"] == 7 * 22_000
    assert run.selection["tiers"]["off20"] == {
        "vouchers": 7,
        "residents": 7,
        "fen": 14_000,
        "passed_over": {},
    }


def test_the_money_goes_from_free_over_reserved_to_outstanding() -> None:
    campaign = cast.running_campaign(budget_fen=1_000_000, funding=cast.CO_FUNDED)
    crowd(2)

    reserve(campaign)
    assert balances_fen(campaign) == {
        AccountKind.APPROPRIATED: -600_000,
        AccountKind.FREE: 600_000 - 2 * 13_200,
        AccountKind.RESERVED: 2 * 13_200,
    }
    mint_all()

    assert balances_fen(campaign) == {
        AccountKind.APPROPRIATED: -600_000,
        AccountKind.FREE: 600_000 - 2 * 13_200,
        AccountKind.OUTSTANDING: 2 * 13_200,
    }
    assert balances_fen(campaign, "group")[AccountKind.OUTSTANDING] == 2 * 8_800
    free = QuotaBucket.objects.get(cell__source__code="city", cell__tier=None)
    assert free.headroom_fen == 600_000 - 2 * 13_200


def test_the_nearest_are_served_until_the_tier_is_filled() -> None:
    campaign = cast.running_campaign(tier_counts={"off20": 3, "off50": 1, "off150": 0})
    crowd(5)

    run = distribute(campaign)

    assert sorted(holders("off20")) == ["p1-000", "p1-001", "p1-002"]
    assert sorted(holders("off50")) == ["p1-000"]
    assert not holders("off150")
    assert run.selection["tiers"]["off20"]["passed_over"] == {"quota": 2}
    assert run.selection["residents"] == 3


def test_a_budget_is_used_to_the_last_voucher_and_never_beyond() -> None:
    campaign = cast.running_campaign(budget_fen=2_000 * 4 + 1_999, tiers={"off20": (2_000, 10_000)})
    crowd(9)

    distribute(campaign)

    assert holders("off20").total() == 4
    assert balances_fen(campaign)[AccountKind.FREE] == 1_999


def test_of_tiers_that_compete_for_money_the_cheaper_goes_first() -> None:
    campaign = cast.running_campaign(budget_fen=2_000 * 7 + 5_000 * 2 + 100)
    crowd(7)

    distribute(campaign)

    assert [holders(tier).total() for tier in cast.TIERS_FEN] == [7, 2, 0]


def test_a_full_district_is_passed_over_and_the_next_one_served() -> None:
    draft = cast.spring_campaign(tiers={"off20": (2_000, 10_000)})
    draft_rows.add(
        "cells",
        campaign=draft,
        district=cast.district(),
        cap_count=2,
        by=cast.mei(),
        at=cast.NOON - cast.DAY,
    )
    people = crowd(5)
    Resident.objects.filter(external_id="p1-004").update(district=cast.district(310104, "徐汇区"))
    Resident.objects.filter(external_id="p1-000").update(district=None)

    run = distribute(cast.launched(draft))

    assert sorted(holders("off20")) == ["p1-001", "p1-002", "p1-004"]
    assert run.selection["tiers"]["off20"]["passed_over"] == {"district_unknown": 1, "quota": 1}
    assert len(people) == 5
    by_district = dict(Allocation.objects.values_list("district_id", "id"))
    held = Counter(Voucher.objects.values_list("allocation_id", flat=True))
    assert held == {by_district[310101]: 2, by_district[310104]: 1}


def test_a_store_cell_counts_those_reached_by_that_store() -> None:
    draft = cast.spring_campaign(tiers={"off20": (2_000, 10_000)})
    draft_rows.add(
        "cells",
        campaign=draft,
        store=cast.xujiahui(),
        cap_count=1,
        by=cast.mei(),
        at=cast.NOON - cast.DAY,
    )
    crowd(2)
    for name in ("x1", "x2"):
        cast.resident(name, home=(121.4365, 31.1955))

    distribute(cast.launched(draft))

    assert len([name for name in holders("off20") if name.startswith("x")]) == 1
    assert len([name for name in holders("off20") if name.startswith("p")]) == 2


def test_a_second_run_of_the_round_gives_only_to_who_has_had_none() -> None:
    campaign = cast.running_campaign()
    crowd(3)
    distribute(campaign)
    crowd(2, km=2)

    run = distribute(campaign, seed="again")

    assert set(holders("off20").values()) == {1}
    assert holders("off20").total() == 5
    assert run.selection["tiers"]["off20"]["passed_over"] == {"already_served": 3}


def test_a_button_pressed_twice_is_one_run_and_pressed_later_another() -> None:
    campaign = cast.running_campaign()
    crowd(3)
    run = request(campaign)
    assert request(campaign) == run
    assert request(campaign, seed="autumn") != run
    control.cancel_run(run=run, reason="wrong seed", by=cast.mei(), at=cast.NOON)
    assert request(campaign) != run


def test_a_resident_gets_as_many_as_the_tier_says() -> None:
    campaign = cast.running_campaign(per_resident=2, tier_counts={"off20": 5})
    crowd(4)

    distribute(campaign)

    assert holders("off20") == {"p1-000": 2, "p1-001": 2, "p1-002": 1}


def test_shards_are_cut_to_size_and_each_makes_one_tranche_with_frozen_terms() -> None:
    campaign = cast.running_campaign(funding=cast.CO_FUNDED)
    crowd(5)

    run = reserve(campaign, shard_size=2)
    assert list(run.shards.values_list("tier__code", "voucher_count")) == [
        (tier, size) for tier in ("off20", "off50", "off150") for size in (2, 2, 1)
    ]
    tranches = mint_all()

    assert len(tranches) == 9
    assert not run.shards.exclude(state=ShardState.DONE).exists()
    first = Tranche.objects.get(pk=tranches[0].pk)
    sources = dict(campaign.sources.values_list("code", "id"))
    assert (first.face_fen, first.threshold_fen, first.voucher_count) == (2_000, 10_000, 2)
    assert first.split == [[sources["city"], 1_200], [sources["group"], 800]]
    assert first.terms_id == campaign.terms_id
    assert (first.valid_from_at, first.valid_until_at) == (cast.NOON, cast.NOON + 14 * cast.DAY)
    ids = Voucher.objects.filter(id__gte=first.pk << 20, id__lt=(first.pk + 1) << 20)
    assert sorted(ids.values_list("id", flat=True)) == [first.pk << 20, (first.pk << 20) + 1]


def test_validity_never_passes_the_end_of_the_campaign() -> None:
    campaign = cast.running_campaign(ends_at=cast.NOON + 3 * cast.DAY)
    crowd(1)

    distribute(campaign)

    assert Tranche.objects.first().valid_until_at == campaign.ends_at  # type: ignore[union-attr]


def test_vouchers_of_a_scheduled_campaign_are_valid_from_its_start() -> None:
    campaign = cast.running_campaign(starts_at=cast.NOON + timedelta(hours=12))
    crowd(1)

    distribute(campaign)

    assert Tranche.objects.first().valid_from_at == campaign.starts_at  # type: ignore[union-attr]


def test_a_run_that_reaches_no_resident_is_done_at_once() -> None:
    campaign = cast.running_campaign()

    run = reserve(campaign)

    assert (run.state, run.progress_pct) == (RunState.DONE, 100)
    assert run.selection["vouchers"] == 0


def test_the_same_seed_and_audience_select_the_same_people() -> None:
    for place in range(40):
        cast.resident(f"flat{place}")
    one, other, third = (
        cast.running_campaign(code=code, tiers={"off20": (2_000, 10_000)}, tier_counts={"off20": 5})
        for code in "abc"
    )
    chosen = []
    for campaign, seed in ((one, "x"), (other, "x"), (third, "y")):
        run = reserve(campaign, seed=seed)
        chosen.append(bytes(run.shards.get().resident_ids))

    assert chosen[0] == chosen[1] != chosen[2]


def test_a_shard_is_minted_by_the_newest_lease_only() -> None:
    campaign = cast.running_campaign(tiers={"off20": (2_000, 10_000)})
    crowd(2)
    reserve(campaign)
    stale = leases.lease_shard(at=cast.NOON, lease_s=60)
    assert stale is not None
    assert leases.lease_shard(at=cast.NOON + timedelta(seconds=59), lease_s=60) is None
    fresh = leases.lease_shard(at=cast.NOON + timedelta(seconds=60), lease_s=60)
    assert fresh is not None

    with pytest.raises(leases.LeaseLostError):
        minting.mint_shard(shard_id=stale.shard_id, fence=stale.fence, at=cast.NOON)
    minting.mint_shard(shard_id=fresh.shard_id, fence=fresh.fence, at=cast.NOON)
    with pytest.raises(leases.LeaseLostError):
        minting.mint_shard(shard_id=fresh.shard_id, fence=fresh.fence, at=cast.NOON)

    assert Voucher.objects.count() == 2
    assert Transfer.objects.filter(reason=TransferReason.MINT).count() == 1


def test_what_a_worker_leased_while_its_clock_was_ahead_is_waited_for_no_longer_than_any() -> None:
    crowd(2)
    request(cast.running_campaign(tiers={"off20": (2_000, 10_000)}))
    ahead = cast.NOON + cast.DAY
    lost = leases.lease_run(at=ahead, lease_s=60)
    assert lost is not None
    run = leases.lease_run(at=cast.NOON, lease_s=60)
    assert run is not None
    assert (run.run_id, run.fence) == (lost.run_id, lost.fence + 1)
    assert leases.lease_run(at=cast.NOON, lease_s=60) is None
    targeting.plan_targeting(run_id=run.run_id, fence=run.fence, at=cast.NOON)

    assert parts.lease_part(at=ahead, lease_s=60) is not None
    part = parts.lease_part(at=cast.NOON, lease_s=60)
    assert part is not None
    assert parts.lease_part(at=cast.NOON, lease_s=60) is None
    parts.target_part(part_id=part.part_id, fence=part.fence)
    run = leases.lease_run(at=cast.NOON, lease_s=60)
    assert run is not None
    runs.reserve_run(run_id=run.run_id, fence=run.fence, at=cast.NOON)

    assert leases.lease_shard(at=ahead, lease_s=60) is not None
    assert leases.waiting_shards(at=cast.NOON) == 1
    assert leases.lease_shard(at=cast.NOON, lease_s=60) is not None
    assert leases.lease_shard(at=cast.NOON, lease_s=60) is None


def test_a_failed_mint_leaves_no_table_behind() -> None:
    campaign = cast.running_campaign(tiers={"off20": (2_000, 10_000)})
    crowd(1)
    reserve(campaign)
    lease = leases.lease_shard(at=cast.NOON, lease_s=60)
    assert lease is not None
    Run.objects.filter(pk=lease.run_id).update(state=RunState.DONE)

    with pytest.raises(leases.LeaseLostError):
        minting.mint_shard(shard_id=lease.shard_id, fence=lease.fence, at=cast.NOON)

    assert not Tranche.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relname ~ '^vouchers_voucher_t[0-9]'")
        assert cursor.fetchone() == (0,)


def test_a_run_needs_a_launched_campaign_and_a_round_of_its_own() -> None:
    draft = cast.spring_campaign()
    with pytest.raises(Refused, match="campaign_state"):
        request(draft)

    other = cast.spring_campaign(code="other")
    foreign = other.rounds.create(number=1, opens_at=cast.NOON, closes_at=cast.NOON + cast.DAY)
    with pytest.raises(Refused, match="round_unknown"):
        request(cast.launched(draft), round=foreign)
    assert not Run.objects.exists()


def test_what_an_ended_campaign_has_not_minted_goes_back() -> None:
    campaign = cast.running_campaign(tiers={"off20": (2_000, 10_000)}, budget_fen=1_000_000)
    crowd(5)
    run = reserve(campaign, shard_size=2)
    waiting = request(campaign, seed="late")
    lease = leases.lease_shard(at=cast.NOON, lease_s=60)
    assert lease is not None
    minting.mint_shard(shard_id=lease.shard_id, fence=lease.fence, at=cast.NOON)

    assert control.wind_up(at=campaign.ends_at - timedelta(seconds=1)) == 0
    assert control.wind_up(at=campaign.ends_at) == 2
    assert control.wind_up(at=campaign.ends_at) == 0

    run.refresh_from_db()
    waiting.refresh_from_db()
    assert (run.state, run.selection["released_vouchers"]) == (RunState.DONE, 3)
    assert waiting.state == RunState.CANCELLED
    assert balances_fen(campaign) == {
        AccountKind.APPROPRIATED: -1_000_000,
        AccountKind.FREE: 996_000,
        AccountKind.OUTSTANDING: 4_000,
    }
    assert QuotaBucket.objects.get(cell__source__isnull=False).headroom_fen == 996_000
    assert Shard.objects.filter(state=ShardState.DONE).count() == 1


def test_a_run_leaves_out_whom_the_quota_does_not_reach_and_headroom_can_be_given_back() -> None:
    campaign = cast.running_campaign(
        tiers={"off20": (2_000, 10_000)}, budget_fen=1_000_000, tier_counts={"off20": 3}
    )
    crowd(4)
    selection = distribute(campaign).selection

    assert (selection["vouchers"], selection["tiers"]["off20"]["passed_over"]) == (3, {"quota": 1})
    tier_bucket = QuotaBucket.objects.get(cell__tier__code="off20")
    source_bucket = QuotaBucket.objects.get(cell__source__isnull=False)
    assert (tier_bucket.headroom_count, source_bucket.headroom_fen) == (0, 994_000)
    quotas.give_back(vouchers={allocation_of(campaign): 1})
    tier_bucket.refresh_from_db()
    assert tier_bucket.headroom_count == 1


@pytest.mark.parametrize("block", [1, 2, 7, 8])
def test_an_audience_read_in_blocks_is_the_audience(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selection, "MEMBERS_A_BLOCK", block)
    campaign = cast.running_campaign()
    people = crowd(7)

    distribute(campaign)

    everyone = Counter({person.external_id: 1 for person in people})
    assert [holders(tier) for tier in cast.TIERS_FEN] == [everyone] * 3
