"""What a run kept of one resident: the evidence, the tiers, and why others got none."""

from collections import Counter

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.utils import translation

from merchants.errors import Refused
from tests.support import cast
from tests.support.cast import NOON
from tests.support.distribution import crowd, distribute, request, reserve
from tests.support.history import in_words
from vouchers.http.explanations import run_sentence
from vouchers.models import AudienceMember, Campaign, Resident, ResidentPoint, Run
from vouchers.rules.issuing.outcomes import Outcome
from vouchers.services.audience.explain_run import ExplainedRun, look_up_run
from vouchers.services.issuing import control

pytestmark = pytest.mark.django_db

FACE_FEN = 2_000


@pytest.fixture(scope="module")
def people(rows_of_module: None) -> list[Resident]:
    return crowd(20)


@pytest.fixture(scope="module")
def campaign(people: list[Resident]) -> Campaign:
    """Six vouchers for twenty people, of whom a fifth are the control group."""
    draft = cast.spring_campaign(tiers={"off20": (FACE_FEN, 10_000)}, budget_fen=6 * FACE_FEN)
    Campaign.objects.filter(pk=draft.pk).update(hold_out_bp=2_000)
    draft.refresh_from_db()
    return cast.launched(draft)


@pytest.fixture(scope="module")
def first(campaign: Campaign) -> Run:
    return distribute(campaign)


def said(run: Run, resident: Resident) -> ExplainedRun:
    run.refresh_from_db()
    return look_up_run(run=run, resident=resident, reason="call 4711", by=cast.mei(), at=NOON)


def outcomes(run: Run, people: list[Resident]) -> Counter[str]:
    return Counter(each.outcome for person in people for each in said(run, person).outcomes)


def test_a_member_is_explained_by_the_row_that_the_run_wrote(
    first: Run, people: list[Resident]
) -> None:
    member = AudienceMember.objects.filter(run=first).order_by("distance_m").first()
    assert member is not None
    person = Resident.objects.get(pk=member.resident_id)
    # Where the resident lives now does not matter any more.
    ResidentPoint.objects.filter(resident=person).update(latitude_deg=31.9)
    found = said(first, person).targeted
    assert found is not None
    assert (found.reason, found.distance_m, found.ring) == (None, member.distance_m, "A")
    assert found.store_location_id == member.store_location_id
    assert found.decided_by == cast.li().username


def test_why_the_others_got_none_is_what_the_run_counted(
    campaign: Campaign, first: Run, people: list[Resident]
) -> None:
    counts = first.selection["tiers"]["off20"]["passed_over"]
    assert outcomes(first, people) == {Outcome.ISSUED: 6, **counts}
    assert set(counts) == {"hold_out", "quota"}
    cast.topped_up(campaign, to_fen=8 * FACE_FEN)
    second = reserve(campaign, seed="another")
    counts = second.selection["tiers"]["off20"]["passed_over"]
    assert outcomes(second, people) == {Outcome.RESERVED: 2, **counts}
    assert counts["already_served"] == 6
    control.cancel_run(run=second, reason="a slip", by=cast.mei(), at=NOON)
    assert outcomes(second, people) == {Outcome.RETURNED: 2, **counts}


def test_whom_a_run_did_not_reach_is_judged_again_as_of_the_run(first: Run) -> None:
    bob = cast.bob()
    found = said(first, bob)
    assert found.targeted is not None
    assert (found.targeted.reason, found.outcomes) == ("outside", ())
    assert not found.is_changed
    # As if the run had chosen before the transaction that registered Bob.
    chosen_from = {**first.selection["chosen_from"], "as_of": "3:3:", "xid": "3"}
    Run.objects.filter(pk=first.pk).update(
        selection={**first.selection, "chosen_from": chosen_from}
    )
    assert said(first, bob).is_changed
    ResidentPoint.objects.filter(resident=bob).update(latitude_deg=cast.PEOPLES_SQUARE[1])
    with translation.override("en"):
        assert "has changed since, and would reach now" in run_sentence(said(first, bob))


def test_a_run_that_waits_says_so(campaign: Campaign, people: list[Resident]) -> None:
    waiting = request(campaign)
    assert said(waiting, people[0]).targeted is None
    with translation.override("en"):
        assert "has not found its audience yet" in run_sentence(said(waiting, people[0]))


def test_a_look_needs_the_permission_and_leaves_a_line(first: Run, people: list[Resident]) -> None:
    said(first, people[0])
    entry = LogEntry.objects.filter(object_id=str(people[0].pk)).latest("id")
    assert in_words(entry) == f"Explained for run {first.pk}: call 4711"
    for area in (None, cast.district(310115, "浦东新区")):
        stranger = User.objects.create_user(f"stranger-{area}")
        if area is not None:
            stranger = cast.grant(stranger, "auditor", where=area)
        with pytest.raises(Refused) as refused:
            look_up_run(run=first, resident=people[0], reason="curious", by=stranger, at=NOON)
        assert refused.value.refusal.code == "not_permitted"


def test_an_auditor_of_the_residents_district_may_look(first: Run, people: list[Resident]) -> None:
    Resident.objects.filter(pk=people[0].pk).update(district=cast.district())
    local = cast.grant(User.objects.create_user("local"), "auditor", where=cast.district())
    found = look_up_run(run=first, resident=people[0], reason="call 4712", by=local, at=NOON)
    assert found.targeted is not None
