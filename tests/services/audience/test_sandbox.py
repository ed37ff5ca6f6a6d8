"""The sandbox and the city: no campaign of the one counts or reaches residents of the other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import cast
from tests.support.distribution import distribute
from vouchers.models import Campaign, Resident, SnapshotBlock, Voucher
from vouchers.models.issuing.runs import SERIAL_BITS
from vouchers.rules.residents import is_numbered_for
from vouchers.services.audience.explain import explain
from vouchers.services.audience.preview import Preview, preview
from vouchers.services.audience.snapshots import build_snapshot, refresh_snapshot
from vouchers.states import ResidentState

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

FAR = cast.north_of(cast.PEOPLES_SQUARE, km=100)
COMER = st.tuples(st.booleans(), st.booleans())
"""Whether a resident is of the sandbox, and whether they live within reach."""


def both_kinds() -> tuple[Campaign, Campaign]:
    """A live campaign and one of the sandbox, otherwise the same."""
    return (
        cast.running_campaign(code="live"),
        cast.running_campaign(code="sandbox", is_test=True),
    )


def city(count: int) -> list[Resident]:
    return [cast.resident(f"neighbour{n}") for n in range(count)]


def sandbox(count: int) -> list[Resident]:
    return [cast.resident(f"test-tester{n}") for n in range(count)]


def previewed(campaign: Campaign) -> Preview:
    return preview(campaign=campaign, by=cast.mei(), at=cast.NOON, is_mapped=True)


def vouchers_across() -> list[int]:
    """Vouchers whose campaign and holder are not both live or both of the sandbox."""
    tests = dict(Campaign.objects.values_list("tranches__id", "is_test"))
    held = Voucher.objects.values_list("id", "resident__external_id")
    return [
        voucher_id
        for voucher_id, number in held
        if not is_numbered_for(number, is_test=tests[voucher_id >> SERIAL_BITS])
    ]


def test_whoever_comes_and_whenever_blocks_are_packed_nothing_crosses_the_boundary() -> None:
    """Each step lets residents of both kinds come, may pack them, and runs both campaigns."""
    campaigns, come = both_kinds(), list[Resident]()
    near = {False: set[str](), True: set[str]()}

    @settings(max_examples=5)
    @given(comers=st.lists(COMER, max_size=4), is_packed=st.booleans())
    def step(comers: list[tuple[bool, bool]], is_packed: bool) -> None:
        for is_test, is_near in comers:
            number = f"{'test-' if is_test else ''}r{len(come)}"
            come.append(cast.resident(number, home=cast.PEOPLES_SQUARE if is_near else FAR))
            near[is_test] |= {number} if is_near else set()
        if is_packed:
            build_snapshot(at=cast.NOON, block_residents=2)
        for campaign in campaigns:
            run = distribute(campaign, seed=f"step {campaign.runs.count()}")
            own = [one for one in come if is_numbered_for(str(one), is_test=campaign.is_test)]
            reached = set(run.members.values_list("resident__external_id", flat=True))
            assert reached == near[campaign.is_test]
            assert run.audience["examined"] == len(own)

    step()

    assert vouchers_across() == []
    assert Voucher.objects.count() == 3 * sum(map(len, near.values()))


def test_neither_campaign_counts_residents_of_the_other_kind() -> None:
    live, trial = both_kinds()
    city(23), sandbox(12)

    for is_packed in (False, True):
        if is_packed:
            build_snapshot(at=cast.NOON, block_residents=4)
        figures = {one.code: previewed(one).figures for one in (live, trial)}
        assert (figures["live"].examined, figures["live"].targeted) == (20, 20)
        assert (figures["sandbox"].examined, figures["sandbox"].targeted) == (10, 10)


def test_a_resident_of_the_sandbox_stands_in_no_block_and_makes_none_due() -> None:
    people = city(3)
    sandbox(2)
    assert refresh_snapshot(at=cast.NOON) is not None
    packed = {
        resident_id
        for block in SnapshotBlock.objects.all()
        for resident_id in np.frombuffer(bytes(block.resident_id), ">i8").tolist()
    }
    assert packed == {one.pk for one in people}

    cast.ada()
    assert refresh_snapshot(at=cast.NOON + 3 * cast.DAY) is None


def test_a_resident_across_the_boundary_is_explained_as_such_whatever_else_is_true() -> None:
    campaigns = both_kinds()
    people = {"alice": cast.alice(), "test-ada": cast.ada()}
    reasons = {
        (name, campaign.code): explain(campaign=campaign, resident=one, at=cast.NOON)
        for name, one in people.items()
        for campaign in campaigns
    }
    assert {pair: said.reason for pair, said in reasons.items()} == {
        ("alice", "live"): None,
        ("alice", "sandbox"): "sandbox",
        ("test-ada", "live"): "sandbox",
        ("test-ada", "sandbox"): None,
    }
    assert reasons["alice", "sandbox"].decided_by == ""
    Resident.objects.update(state=ResidentState.FROZEN)
    frozen = explain(campaign=campaigns[0], resident=people["test-ada"], at=cast.NOON)
    assert (frozen.reason, frozen.decided_by) == ("sandbox", "")
