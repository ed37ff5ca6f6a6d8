"""Budget acts meeting each other and the handing out: no figure is set twice, no fen used twice."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from threading import Barrier

import pytest
from django.db import DatabaseError, transaction

from merchants.errors import Refused
from tests.support import cast
from tests.support.cast import NOON
from tests.support.concurrency.invariants import assert_proven, totals_fen
from tests.support.concurrency.threads import PATIENCE_S, at_once
from tests.support.till import issue_vouchers
from vouchers.models import Campaign, FundingSource, Proposal, Tranche
from vouchers.services.audience import targeting
from vouchers.services.campaigns import proposals
from vouchers.services.campaigns.amendments import approve_amendment, propose_amendment
from vouchers.services.issuing import leases, minting, runs
from vouchers.services.issuing.expiry import expire_due
from vouchers.services.ledger import funding
from vouchers.states import AccountKind

pytestmark = pytest.mark.django_db(transaction=True)

BUDGET_FEN = 100_000
FACE_FEN = 2_000
ACTORS = 8


@pytest.fixture
def campaign() -> Campaign:
    return cast.running_campaign(
        budget_fen=BUDGET_FEN, tiers={"off20": (FACE_FEN, 10_000)}, limits={}
    )


def figure(campaign: Campaign, target_fen: int, request_id: str) -> Proposal:
    return proposals.propose_appropriation(
        source=campaign.sources.get(),
        expected_fen=BUDGET_FEN,
        target_fen=target_fen,
        why="council",
        request_id=request_id,
        by=cast.mei(),
        at=NOON,
    )


def targeted(campaign: Campaign) -> leases.RunLease:
    """A run whose audience is found, leased to reserve its money."""
    runs.request_run(campaign=campaign, seed="7", by=cast.mei(), at=NOON)
    lease = leases.lease_run(at=NOON, lease_s=60)
    assert lease is not None
    targeting.target_run(run_id=lease.run_id, fence=lease.fence, at=NOON)
    lease = leases.lease_run(at=NOON, lease_s=60)
    assert lease is not None
    return lease


def outcome(act: Callable[[], object]) -> str:
    """The code of a refusal, or "done"."""
    try:
        act()
    except Refused as refused:
        return refused.refusal.code
    return "done"


def approval(proposal: Proposal) -> Callable[[], str]:
    return partial(outcome, partial(cast.approved, proposal))


def test_of_approvals_on_the_same_figure_one_wins(campaign: Campaign) -> None:
    waiting = [figure(campaign, BUDGET_FEN + n, f"p{n}") for n in range(1, ACTORS + 1)]
    codes = at_once([approval(proposal) for proposal in waiting])
    assert sorted(codes) == ["done"] + ["figure_changed"] * (ACTORS - 1)
    winner = waiting[codes.index("done")]
    assert campaign.sources.get().appropriated_fen == winner.document["target_fen"]
    assert totals_fen(campaign)[AccountKind.FREE] == winner.document["target_fen"]
    assert_proven()


def test_one_proposal_is_approved_once(campaign: Campaign) -> None:
    proposal = figure(campaign, BUDGET_FEN + 1, "once")
    codes = at_once([approval(proposal)] * ACTORS)
    assert sorted(codes) == ["done"] + ["proposal_decided"] * (ACTORS - 1)
    assert totals_fen(campaign)[AccountKind.FREE] == BUDGET_FEN + 1


def test_an_approval_moves_money_once(campaign: Campaign) -> None:
    """Nor for another kind of act: an old approval moves nothing, says the database."""
    cast.approved(used := figure(campaign, BUDGET_FEN + 1_000, "top-up"))
    with pytest.raises(DatabaseError, match="not approved"), transaction.atomic():
        funding.appropriate(
            source=campaign.sources.get(),
            expected_fen=BUDGET_FEN + 1_000,
            target_fen=BUDGET_FEN + 2_000,
            proposal_id=used.pk,
            at=NOON,
        )
    assert totals_fen(campaign)[AccountKind.FREE] == BUDGET_FEN + 1_000


def test_one_request_makes_one_proposal(campaign: Campaign) -> None:
    made = at_once([partial(figure, campaign, BUDGET_FEN + 1, "same")] * ACTORS)
    assert len({proposal.pk for proposal in made}) == 1


def test_a_cut_against_a_reservation(campaign: Campaign) -> None:
    """Whichever act is first has the money: it is issued or it is gone, never both."""
    for number in range(50):
        cast.resident(f"p{number}", home=cast.north_of(cast.PEOPLES_SQUARE, km=1))
    lease = targeted(campaign)
    cut = figure(campaign, FACE_FEN, "cut")
    reserve = partial(runs.reserve_run, run_id=lease.run_id, fence=lease.fence, at=NOON)
    acts: list[Callable[[], str]] = [approval(cut), partial(outcome, reserve)]
    cut_code, reserve_code = at_once(acts)
    assert reserve_code == "done"
    reserved_fen = totals_fen(campaign)[AccountKind.RESERVED]
    assert (cut_code, reserved_fen) in {("done", FACE_FEN), ("not_free", BUDGET_FEN)}
    assert_proven()


def test_control_without_the_lock_both_set_the_figure_they_saw(campaign: Campaign) -> None:
    both_have_compared = Barrier(2)

    def set_on_what_was_read(target_fen: int) -> bool:
        source = FundingSource.objects.get()
        is_as_seen = source.appropriated_fen == BUDGET_FEN
        both_have_compared.wait(PATIENCE_S)
        FundingSource.objects.filter(pk=source.pk).update(appropriated_fen=target_fen)
        return is_as_seen

    assert at_once([partial(set_on_what_was_read, BUDGET_FEN + n) for n in (1, 2)]) == [True] * 2


def test_two_repayments_of_the_same_left_over(campaign: Campaign) -> None:
    source = campaign.sources.get()
    funding.receive_cash(
        source=source,
        amount_fen=BUDGET_FEN,
        document_no="C-1",
        request_id="cash",
        by=cast.mei(),
        at=NOON,
    )
    waiting = [
        proposals.propose_repayment(
            source=source,
            expected_free_fen=BUDGET_FEN,
            amount_fen=BUDGET_FEN,
            document_no=f"D-{number}",
            why="left over",
            request_id=f"repay-{number}",
            by=cast.mei(),
            at=NOON,
        )
        for number in range(2)
    ]
    codes = at_once([approval(proposal) for proposal in waiting])
    assert sorted(codes) == ["done", "figure_changed"]
    assert totals_fen(campaign)[AccountKind.REPAID] == BUDGET_FEN
    assert totals_fen(campaign)[AccountKind.FREE] == 0


def test_an_amendment_against_the_minting(campaign: Campaign) -> None:
    """Minted before it or after it, every voucher has the validity that was approved."""
    for number in range(12):
        cast.resident(f"p{number}", home=cast.north_of(cast.PEOPLES_SQUARE, km=1))
    lease = targeted(campaign)
    runs.reserve_run(run_id=lease.run_id, fence=lease.fence, at=NOON, shard_size=2)
    longer_s = campaign.validity_s + 60
    terms = propose_amendment(campaign=campaign, validity_s=longer_s, by=cast.mei(), at=NOON)
    approve = partial(
        approve_amendment, terms=terms, by=cast.li(), seen_sha256=bytes(terms.sha256), at=NOON
    )
    acts: list[Callable[[], object]] = [approve, *[mint_one] * 6]
    at_once(acts)
    ends = set(Tranche.objects.values_list("valid_until_at", flat=True))
    assert Tranche.objects.count() == 6
    assert ends == {NOON + timedelta(seconds=longer_s)}
    assert_proven()


def mint_one() -> object:
    """Mint as a worker does; another's lease is left to it."""
    shard = leases.lease_shard(at=NOON, lease_s=60)
    assert shard is not None
    return minting.mint_shard(shard_id=shard.shard_id, fence=shard.fence, at=NOON)


def test_an_amendment_against_expiry(campaign: Campaign) -> None:
    """In the moment before the end: what was lengthened in time is not swept, what was swept stays
    so, and its money is in one place."""
    end = NOON + timedelta(hours=1)
    issue_vouchers(campaign, [cast.alice()], valid_until_at=end)
    longer_s = campaign.validity_s + 60
    terms = propose_amendment(campaign=campaign, validity_s=longer_s, by=cast.mei(), at=NOON)
    approve = partial(
        approve_amendment,
        terms=terms,
        by=cast.li(),
        seen_sha256=bytes(terms.sha256),
        at=end - timedelta(microseconds=1),
    )
    acts: list[Callable[[], object]] = [approve, *[partial(expire_due, at=end)] * 3]
    at_once(acts)
    tranche, fens = Tranche.objects.get(), totals_fen(campaign)
    in_hands = (tranche.state, fens[AccountKind.OUTSTANDING], tranche.valid_until_at == end)
    assert in_hands in {("outstanding", FACE_FEN, False), ("expired", 0, True)}
    assert_proven()
