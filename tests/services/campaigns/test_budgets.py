"""A launched campaign's money changed by approved proposals, quotas and rounds with it."""

from collections.abc import Mapping
from datetime import datetime

import pytest
from django.db.models import Sum

from merchants.errors import Refused
from tests.support import cast, draft_rows
from tests.support.budgets import (
    BUDGET_FEN,
    FACE_FEN,
    OFF20,
    cut,
    fen,
    refused_code,
    small_campaign,
)
from tests.support.cast import DAY, NOON
from tests.support.concurrency.invariants import assert_proven
from tests.support.till import answer_to, issue_vouchers, order
from vouchers.models import Campaign, Proposal, QuotaBucket, QuotaCell, Voucher
from vouchers.queries.ledger.leftovers import LeftoverRow, leftovers_of
from vouchers.services.audience import targeting
from vouchers.services.campaigns import proposals
from vouchers.services.issuing import leases, minting, runs
from vouchers.services.issuing.expiry import expire_due
from vouchers.states import AccountKind

pytestmark = pytest.mark.django_db


def resized(
    cell: QuotaCell, *, fen: int | None = None, count: int | None = None
) -> Mapping[str, object]:
    """The change that sets a cell's caps, as it stands now; what is not given stays."""
    cell.refresh_from_db()
    now = {"fen": cell.cap_fen, "count": cell.cap_count}
    wanted = {"fen": fen, "count": count}
    target = {name: now[name] if wanted[name] is None else wanted[name] for name in now}
    return {"cell": cell.pk, "expected": now, "target": target}


def move(
    campaign: Campaign, *changes: Mapping[str, object], request_id: str = "quotas"
) -> Proposal:
    """Mei wants quotas changed."""
    return proposals.propose_quotas(
        campaign=campaign,
        changes=changes,
        why="more in the south",
        request_id=request_id,
        by=cast.mei(),
        at=NOON,
    )


def room(cell: QuotaCell) -> tuple[int | None, int | None]:
    """Σ headroom of a cell's buckets in fen and vouchers."""
    sums = QuotaBucket.objects.filter(cell=cell).aggregate(
        fen=Sum("headroom_fen"), count=Sum("headroom_count")
    )
    return sums["fen"], sums["count"]


# What a source appropriates


def test_a_top_up_can_be_issued_to_the_last_fen() -> None:
    campaign = small_campaign()
    cast.topped_up(campaign, to_fen=BUDGET_FEN + FACE_FEN)
    issue_vouchers(campaign, [cast.alice()] * 51)
    assert fen(campaign, AccountKind.FREE) == 0
    assert_proven()


def test_a_cut_takes_all_that_is_free_and_not_a_fen_more() -> None:
    campaign = small_campaign()
    issue_vouchers(campaign, [cast.alice()] * 10)
    with pytest.raises(Refused) as refused:
        cut(campaign, to_fen=10 * FACE_FEN - 1)
    assert refused_code(refused) == "not_free"
    cut(campaign, to_fen=10 * FACE_FEN)
    assert fen(campaign, AccountKind.FREE) == 0
    assert fen(campaign, AccountKind.APPROPRIATED) == -10 * FACE_FEN
    assert_proven()


def test_a_cut_that_was_possible_when_proposed_is_refused_when_the_money_has_gone() -> None:
    campaign = small_campaign()
    proposal = proposals.propose_appropriation(
        source=campaign.sources.get(code="city"),
        expected_fen=BUDGET_FEN,
        target_fen=0,
        why="none of it",
        request_id="cut",
        by=cast.mei(),
        at=NOON,
    )
    issue_vouchers(campaign, [cast.alice()])
    with pytest.raises(Refused) as refused:
        cast.approved(proposal)
    assert refused_code(refused) == "not_free"
    assert fen(campaign, AccountKind.FREE) == BUDGET_FEN - FACE_FEN


# Quotas


def with_cells(*, hot: int = 1) -> tuple[Campaign, QuotaCell, QuotaCell]:
    """Huangpu may take 20 vouchers and Xuhui 10, of 30 in all."""
    campaign = cast.spring_campaign(budget_fen=BUDGET_FEN, tiers=OFF20, limits={})
    by, at = cast.mei(), NOON - DAY
    draft_rows.add("cells", campaign=campaign, cap_count=30, by=by, at=at)
    cells = [
        draft_rows.add(
            "cells",
            campaign=campaign,
            district=cast.district(adcode, name),
            cap_count=cap,
            cap_fen=cap * FACE_FEN,
            bucket_count=hot,
            by=by,
            at=at,
        )
        for adcode, name, cap in ((310101, "黄浦区", 20), (310104, "徐汇区", 10))
    ]
    return cast.launched(campaign), cells[0], cells[1]


@pytest.mark.parametrize("hot", [1, 4])
def test_room_moves_between_cells_by_one_approved_act(hot: int) -> None:
    campaign, huangpu, xuhui = with_cells(hot=hot)
    proposal = move(
        campaign,
        resized(huangpu, fen=13 * FACE_FEN, count=13),
        resized(xuhui, fen=17 * FACE_FEN, count=17),
    )
    assert room(huangpu) == (20 * FACE_FEN, 20)
    cast.approved(proposal)
    assert room(huangpu) == (13 * FACE_FEN, 13)
    assert room(xuhui) == (17 * FACE_FEN, 17)
    assert_proven()


def test_a_proposal_shows_which_slices_it_changes() -> None:
    campaign, huangpu, xuhui = with_cells()
    document = move(campaign, resized(xuhui, count=9), resized(huangpu, count=19)).document
    assert [change["slice"] for change in document["changes"]] == [
        {"district": "310101"},
        {"district": "310104"},
    ]


def test_a_cell_keeps_what_counts_in_it() -> None:
    campaign = small_campaign(tier_counts={"off20": 10})
    issue_vouchers(campaign, [cast.alice()] * 4)
    cell = campaign.cells.get(tier__code="off20")
    with pytest.raises(Refused) as refused:
        move(campaign, resized(cell, count=3))
    assert refused_code(refused) == "cap_below_use"
    cast.approved(move(campaign, resized(cell, count=4)))
    assert room(cell) == (None, 0)
    assert_proven()


def test_a_cell_cannot_outgrow_the_one_that_holds_it() -> None:
    campaign, huangpu, _ = with_cells()
    with pytest.raises(Refused) as refused:
        move(campaign, resized(huangpu, count=31))
    assert refused_code(refused) == "cells_do_not_nest"
    assert refused.value.refusal.facts == {"narrow": "district=310101", "wide": ""}


def test_a_cap_seen_otherwise_is_not_overwritten() -> None:
    campaign, huangpu, _ = with_cells()
    first = move(campaign, resized(huangpu, count=19))
    second = move(campaign, resized(huangpu, count=18), request_id="second")
    cast.approved(first)
    with pytest.raises(Refused) as refused:
        cast.approved(second)
    assert refused_code(refused) == "figure_changed"
    assert room(huangpu) == (20 * FACE_FEN, 19)


def test_what_a_source_appropriates_is_not_changed_as_a_quota() -> None:
    campaign, _, _ = with_cells()
    with pytest.raises(Refused) as refused:
        move(campaign, resized(campaign.cells.get(source__code="city"), fen=1))
    assert refused_code(refused) == "cell_of_appropriation"


def test_what_was_launched_unlimited_stays_unlimited() -> None:
    campaign = small_campaign(tier_counts={"off20": 10})
    with pytest.raises(Refused) as refused:
        move(campaign, resized(campaign.cells.get(tier__code="off20"), fen=1_000))
    assert refused_code(refused) == "cap_unlimited"


def test_a_cell_of_another_campaign_or_named_twice_is_refused() -> None:
    campaign, huangpu, _ = with_cells()
    other = cast.running_campaign(code="other", tier_counts={"off20": 1})
    cell = other.cells.get(tier__code="off20")
    for changes in (
        [resized(cell, count=0)],
        [resized(huangpu, count=1), resized(huangpu, count=2)],
    ):
        with pytest.raises(Refused) as refused:
            move(campaign, *changes)
        assert refused_code(refused) == "cell_unknown"


# Expired, resized, handed out again


def with_rounds(*, first: int, second: int) -> tuple[Campaign, list[QuotaCell]]:
    """Two rounds of ¥20 vouchers; the budget pays for both and no more. Vouchers last a day."""
    campaign = cast.spring_campaign(
        budget_fen=(first + second) * FACE_FEN, tiers=OFF20, limits={}, validity_s=24 * 3600
    )
    by, at = cast.mei(), NOON - DAY
    cells = []
    for number, cap in ((1, first), (2, second)):
        opens_at = NOON + (number - 1) * 2 * DAY
        round_ = draft_rows.add(
            "rounds",
            campaign=campaign,
            number=number,
            opens_at=opens_at,
            closes_at=opens_at + 2 * DAY,
            by=by,
            at=at,
        )
        cells.append(
            draft_rows.add("cells", campaign=campaign, round=round_, cap_count=cap, by=by, at=at)
        )
    return cast.launched(campaign), cells


def run_round(campaign: Campaign, number: int, *, at: datetime) -> int:
    """Distribute a round to the residents near the stores; returns the number of vouchers."""
    round_ = campaign.rounds.get(number=number)
    runs.request_run(campaign=campaign, round=round_, seed="7", by=cast.mei(), at=at)
    for step in (targeting.target_run, runs.reserve_run):
        lease = leases.lease_run(at=at, lease_s=60)
        assert lease is not None
        run = step(run_id=lease.run_id, fence=lease.fence, at=at)
    while shard := leases.lease_shard(at=at, lease_s=60):
        minting.mint_shard(shard_id=shard.shard_id, fence=shard.fence, at=at)
    return int(run.selection["vouchers"])


def test_a_round_resized_from_returned_money_hands_out_every_voucher_again() -> None:
    campaign, (first, second) = with_rounds(first=6, second=4)
    for number in range(10):
        cast.resident(f"p{number}", home=cast.north_of(cast.PEOPLES_SQUARE, km=1))
    assert run_round(campaign, 1, at=NOON) == 6
    used = Voucher.objects.order_by("id").first()
    assert used is not None
    status, _ = answer_to(order(used, cast.nanjing_road(), used.resident, at=NOON))
    assert status == 201
    later = NOON + 2 * DAY
    assert expire_due(at=later) == 5
    assert leftovers_of(campaign.pk).rows[0] == LeftoverRow(
        round=1,
        tier="off20",
        source="city",
        reserved_fen=0,
        issued_fen=6 * FACE_FEN,
        used_fen=FACE_FEN,
        in_hands_fen=0,
        recoverable_fen=0,
        returned_fen=5 * FACE_FEN,
        expired_fen=5 * FACE_FEN,
    )
    with pytest.raises(Refused) as refused:
        move(campaign, resized(second, count=10))
    assert refused_code(refused) == "not_free"
    cast.approved(move(campaign, resized(first, count=1), resized(second, count=9)), at=later)
    assert run_round(campaign, 2, at=later) == 9
    found = leftovers_of(campaign.pk)
    assert found.free_fen == {"city": 0}
    assert [(row.round, row.in_hands_fen) for row in found.rows] == [(1, 0), (2, 9 * FACE_FEN)]
    assert_proven()
