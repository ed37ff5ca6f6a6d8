"""What may be claimed with one device, phone, card or account: exact, also within a batch."""

import pytest

from tests.support.cast import DAY, NOON
from tests.support.claims import (
    FACE_FEN,
    asking,
    claimed,
    grab,
    neighbours,
    refusal,
    statuses,
    verdict,
)
from tests.support.concurrency.invariants import assert_proven
from vouchers.models import Claim, LimitCounter, Link, Proxy, Resident
from vouchers.rules.limits.limits import OF_CLAIMS
from vouchers.services.residents.identity import keyed_hash
from vouchers.states import LimitKind

pytestmark = pytest.mark.django_db

PHONE = "phone-1"


def linked(person: Resident, text: str) -> Resident:
    """The resident with a card on file."""
    Link.objects.create(
        resident=person,
        bucket=person.bucket,
        kind="card",
        value_hmac=keyed_hash("card", text),
        first_seen_at=NOON - DAY,
        last_seen_at=NOON - DAY,
    )
    return person


@pytest.mark.parametrize("kind", sorted(OF_CLAIMS), ids=lambda kind: LimitKind(kind).name.lower())
def test_a_device_claims_as_often_as_it_may_within_a_batch_and_across(kind: LimitKind) -> None:
    campaign = grab(limits={kind: 2})
    people = neighbours(4)
    asked = [asking(each, campaign, device=PHONE) for each in people[:3]]
    assert statuses(claimed(asked)) == [201, 201, 422]
    # Upper and lower case are one number.
    again = asking(people[3], campaign, device=PHONE.upper())
    assert refusal(again) == ("resident_limit", LimitKind(kind).name.lower())
    assert verdict(asking(people[3], campaign, device="phone-2"))[0] == 201
    used = LimitCounter.objects.filter(kind=kind).values_list("used_count", "used_fen")
    assert sorted(used) == [(1, FACE_FEN), (2, 2 * FACE_FEN)]
    assert_proven()


def test_what_is_on_file_counts_beside_the_device_and_the_refusal_names_nobody() -> None:
    campaign = grab(limits={LimitKind.CLAIM_DAY: 1})
    alice, carol = (linked(each, "6222") for each in neighbours(2))
    assert verdict(asking(alice, campaign))[0] == 201
    status, body = verdict(asking(carol, campaign, device=PHONE))
    assert (status, body["rule"]) == (422, "claim_day")
    assert body["facts"] == {"limit": "1", "window": "day", "next_at": "2026-04-02"}
    assert not LimitCounter.objects.filter(used_count__gt=1).exists()


def test_a_declared_proxys_device_is_not_the_elders() -> None:
    campaign = grab(limits={LimitKind.CLAIM_DAY: 1})
    *elders, volunteer, stranger = neighbours(5)
    for each in elders:
        Proxy.objects.create(holder=each, proxy=volunteer, declared_at=NOON - DAY)
    asked = [asking(each, campaign, device=PHONE, proxy=volunteer.external_id) for each in elders]
    assert statuses(claimed(asked)) == [201, 201, 201]
    # Who only says so is no proxy: the device counts.
    for who, status in ((stranger, 201), (volunteer, 422)):
        asked_by = asking(who, campaign, device=PHONE, proxy="nobody")
        assert verdict(asked_by)[0] == status


def test_without_such_a_limit_no_link_is_asked_for_noted_or_counted() -> None:
    campaign = grab()
    people = [linked(each, "6222") for each in neighbours(2)]
    asked = [asking(each, campaign, device=PHONE) for each in people]
    assert statuses(claimed(asked)) == [201, 201]
    assert set(Claim.objects.values_list("links", flat=True)) == {None}
    assert not LimitCounter.objects.exists()


def test_a_claim_counts_in_no_limit_on_redemptions() -> None:
    campaign = grab(limits={LimitKind.LINK_DAY: 1})
    asked = [asking(each, campaign, device=PHONE) for each in neighbours(2)]
    assert statuses(claimed(asked)) == [201, 201]
    assert not LimitCounter.objects.exists()
