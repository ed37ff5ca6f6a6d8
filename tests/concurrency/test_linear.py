"""Sixteen connections at once, and yet one after the other: the answers have one order.

Every act of a crowded while is put where its commit was (`history.py`) and repeated, one by one, in
the pure model (`tests/support/reference_model`). There every yes must be a yes, with the very
figures of its answer; every no must have been true at some moment between question and answer, so
that no client got "exhausted" while there was room; and after each act no account may be
negative and no cell beyond its cap. The controls break the engine in two ways, and are found out.
"""

from dataclasses import dataclass, replace
from functools import partial

import pytest
from django.db import connection, transaction

from tests.support.cast import DAY, NOON
from tests.support.concurrency import naive, office_acts, till_acts
from tests.support.concurrency.client_acts import YES, Said
from tests.support.concurrency.clients import CLIENTS, Scene, crowd, open_scene, perform
from tests.support.concurrency.history import first_below_zero
from tests.support.concurrency.invariants import assert_proven
from tests.support.concurrency.linearizability import NotLinear, linearise
from tests.support.concurrency.threads import at_once
from tests.support.small_city import SUB_BUCKETS, room_in_cells
from vouchers.models import Voucher
from vouchers.queries.ledger.balances import balances
from vouchers.states import RefundPolicy, VoucherState

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])


@pytest.fixture
def scene() -> Scene:
    return open_scene(RefundPolicy.RETURN)


def assert_same(scene: Scene) -> None:
    """The engine ended where the model did."""
    campaign, model = scene.place.campaign, scene.model
    assert balances(campaign.pk) == model.balances()
    assert dict(Voucher.objects.values_list("id", "state")) == model.states()
    assert room_in_cells(campaign) == model.room()


@pytest.mark.parametrize("policy", [RefundPolicy.RETURN, RefundPolicy.FORFEIT])
def test_the_answers_to_concurrent_clients_have_one_order(policy: RefundPolicy, seed: int) -> None:
    scene = open_scene(policy)
    reports = crowd(scene, seed)
    happened = linearise(scene.model, reports)
    kinds = {type(one.act) for one in happened}
    assert len(kinds) >= 8, f"only {kinds} ever happened"
    assert any(one.code == office_acts.NO_ROOM for one in reports), "there was room all along"
    assert first_below_zero() is None
    assert_same(scene)
    assert_proven()


@dataclass(frozen=True)
class NaiveRedeem(till_acts.Redeem):
    """Reads, decides, and then saves: every step right by itself."""

    def do(self) -> Said:
        voucher = Voucher.objects.get(pk=self.voucher.pk)
        if voucher.state != VoucherState.ISSUED:
            return Said("voucher_redeemed")
        with transaction.atomic(), connection.cursor() as cursor:
            Voucher.objects.filter(pk=voucher.pk).update(state=VoucherState.REDEEMED)
            naive.pay_face(voucher, cause_id=int(self.key))
            cursor.execute("SELECT linear_note(%s)", [self.key])
        return Said(YES, {"id": int(self.key), "split": {"city": 1_200, "group": 800}}, self.key)


def test_control_a_naive_redemption_fits_no_order(scene: Scene) -> None:
    voucher = Voucher.objects.select_related("resident").earliest("pk")
    naive = NaiveRedeem(scene.place, voucher, "alice", "nanjing_road", "N", 20_006, True, "", NOON)
    jobs = [
        partial(perform, replace(naive, key=str(n), order_no=f"N-{n}")) for n in range(1, CLIENTS)
    ]
    reports = at_once(jobs)
    assert [one.code for one in reports].count(YES) > 1, "the clients never met: nothing was proved"
    with pytest.raises(NotLinear, match="in its turn it is voucher_redeemed"):
        linearise(scene.model, reports)


@dataclass(frozen=True)
class HastyIssue(office_acts.Issue):
    """Believes the last sub-bucket alone."""

    def do(self) -> Said:
        cell = self.place.campaign.cells.get(tier__code=self.tier)
        bucket = cell.buckets.get(number=SUB_BUCKETS - 1)
        return office_acts.Issue.do(self) if bucket.headroom_count else Said(office_acts.NO_ROOM)


def test_control_a_hasty_no_was_never_true(scene: Scene) -> None:
    left = scene.model.room()["off20"].count or 0
    jobs = [HastyIssue(scene.place, "off20", "erin", NOON + DAY) for _ in range(left)]
    reports = [perform(job) for job in jobs]
    assert office_acts.NO_ROOM in [one.code for one in reports]
    with pytest.raises(NotLinear, match="never true while it was asked"):
        linearise(scene.model, reports)
