"""What is done with one resident: registered, consenting, moving, represented; all dated."""

import pytest
from django.db import transaction

from merchants.errors import Refused
from merchants.models import District
from tests.support.registrations import HOME, LATER, NOON, WORK, contents
from vouchers.models import Proxy, Resident, ResidentPoint
from vouchers.services.residents import (
    declare_proxy,
    end_proxy,
    give_consent,
    move_point,
    register_resident,
    withdraw_consent,
)
from vouchers.states import ResidentState

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def huangpu() -> District:
    """The district that the residents live in."""
    return District.objects.create(adcode=310101, name="黄浦区")


@pytest.fixture
def alice() -> Resident:
    return register_resident(
        external_id="alice", points={"home": HOME}, consent_targeting="v1", at=NOON
    )


@pytest.fixture
def bob() -> Resident:
    return register_resident(external_id="bob", at=NOON)


def test_registering_again_brings_up_to_date(alice: Resident) -> None:
    again = register_resident(
        external_id="alice", points={"home": WORK}, birth_year=1949, is_registered=True, at=LATER
    )
    assert (again.pk, again.birth_year, again.is_registered) == (alice.pk, 1949, True)
    assert alice.points.count() == 2


def test_a_refused_registration_leaves_nothing(alice: Resident) -> None:
    before = contents()
    with pytest.raises(Refused) as refused:
        register_resident(external_id="mallory", national_id="110105194912310021", at=NOON)
    assert (refused.value.refusal.code, refused.value.refusal.rule) == (
        "resident_refused",
        "national_id_invalid",
    )
    assert contents() == before


def test_consent_is_given_withdrawn_and_given_again(alice: Resident) -> None:
    same = give_consent(resident=alice, text_version="v1", at=LATER)
    assert same.granted_at == NOON
    assert withdraw_consent(resident=alice, at=LATER)
    assert not withdraw_consent(resident=alice, at=LATER)
    give_consent(resident=alice, text_version="v1", at=LATER)
    give_consent(resident=alice, text_version="v2", at=LATER)
    history = alice.consents.order_by("pk").values_list("text_version", "withdrawn_at")
    assert list(history) == [("v1", LATER), ("v1", LATER), ("v2", None)]


def test_a_point_moves_once(alice: Resident) -> None:
    home = ResidentPoint.Kind.HOME
    moved = move_point(resident=alice, kind=home, place=WORK, at=LATER)
    assert move_point(resident=alice, kind=home, place=WORK, at=LATER).pk == moved.pk
    old = alice.points.exclude(pk=moved.pk).get()
    assert (old.superseded_at, moved.observed_at) == (LATER, LATER)


def test_a_proxy_is_declared_once_and_ends(alice: Resident, bob: Resident) -> None:
    declared = declare_proxy(holder=alice, proxy=bob, relation="volunteer", at=NOON)
    assert declare_proxy(holder=alice, proxy=bob, relation="volunteer", at=LATER) == declared
    assert end_proxy(proxy=declared, at=LATER)
    assert not end_proxy(proxy=declared, at=LATER)
    assert Proxy.objects.get().ended_at == LATER


def test_no_resident_is_their_own_proxy(alice: Resident) -> None:
    with pytest.raises(Refused, match="proxy_is_holder"):
        declare_proxy(holder=alice, proxy=alice, relation="", at=NOON)


def test_no_resident_of_the_sandbox_shows_vouchers_of_the_city(alice: Resident) -> None:
    ada = register_resident(external_id="test-ada", at=NOON)
    for holder, proxy in ((alice, ada), (ada, alice)):
        with pytest.raises(Refused, match="not_found"):
            declare_proxy(holder=holder, proxy=proxy, relation="", at=NOON)
    assert not Proxy.objects.exists()


def test_who_is_frozen_changes_nothing_but_may_withdraw(alice: Resident, bob: Resident) -> None:
    Resident.objects.filter(pk=alice.pk).update(state=ResidentState.FROZEN)
    before = contents()
    acts = (
        lambda: give_consent(resident=alice, text_version="v2", at=NOON),
        lambda: declare_proxy(holder=alice, proxy=bob, relation="", at=NOON),
        lambda: move_point(resident=alice, kind=ResidentPoint.Kind.HOME, place=WORK, at=NOON),
    )
    for act in acts:
        with pytest.raises(Refused, match="resident_not_active"), transaction.atomic():
            act()
    assert contents() == before
    assert withdraw_consent(resident=alice, at=LATER)
