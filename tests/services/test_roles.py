"""Roles are given for an area and a period, by another person, and withdrawn once."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.utils import timezone

from merchants.errors import Refusal, Refused
from merchants.models import District, Merchant, Store
from tests.support import cast, till
from tests.support.history import in_words
from vouchers.errors import explain
from vouchers.models import Campaign, Grant, Proposal, Redemption, Resident, RoleChange, Voucher
from vouchers.queries.roles import ACTED_ON, CITY, NOWHERE, SHOWN, Area
from vouchers.services.roles import (
    area_of,
    give_role,
    require_permission,
    roles_of,
    visible,
    withdraw_role,
)

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
CHANGE = "merchants.change_store"
BUND = [(121.47, 31.22), (121.48, 31.22), (121.48, 31.239), (121.47, 31.239), (121.47, 31.22)]
"""Around Nanjing Road, and neither of Huilian's other stores."""


def root() -> User:
    return User.objects.get_or_create(username="root", defaults={"is_superuser": True})[0]


def given(role: str, **options: Any) -> Grant:
    """A role of Wu's, from an hour ago on unless said otherwise."""
    now = timezone.now()
    user, _ = User.objects.get_or_create(username="wu")
    usual = {
        "user": user,
        "where": None,
        "from_at": now - HOUR,
        "until_at": None,
        "why": "on duty",
        "by": root(),
        "at": now,
    }
    return give_role(role=Group.objects.get(name=role), **(usual | options))


def wu() -> User:
    return User.objects.get(username="wu")


def refused(act: Any, *arguments: Any, **named: Any) -> str:
    with pytest.raises(Refused) as caught:
        act(*arguments, **named)
    return caught.value.refusal.rule


def seen(user: User, model: type[Model]) -> set[Any]:
    return set(visible(user, model._default_manager.all(), at=timezone.now()))


def xuhui() -> District:
    return cast.district(310104, "徐汇区")


@pytest.mark.parametrize(
    ("begins", "ends", "is_in_force"),
    [(-HOUR, None, True), (-HOUR, HOUR, True), (HOUR, None, False), (HOUR, 2 * HOUR, False)],
)
def test_a_grant_counts_within_its_period(
    begins: timedelta, ends: timedelta | None, is_in_force: bool
) -> None:
    now = timezone.now()
    given("operator", from_at=now + begins, until_at=None if ends is None else now + ends)
    assert area_of(wu(), CHANGE, at=timezone.now()) == (CITY if is_in_force else NOWHERE)
    assert roles_of(wu(), at=now) == ({"operator"} if is_in_force else set())


def test_it_ends_at_its_end_also_for_one_who_is_signed_in() -> None:
    now = timezone.now()
    given("operator", until_at=now + HOUR)
    user = wu()
    require_permission(user, CHANGE, at=now)
    assert area_of(user, CHANGE, at=now) == CITY
    assert area_of(user, CHANGE, at=now + HOUR) == NOWHERE
    assert refused(require_permission, user, CHANGE, at=now + HOUR) == CHANGE


def test_a_grant_withdrawn_counts_for_nothing_and_all_of_it_is_on_record() -> None:
    grant = given("operator", where=cast.district())
    withdraw_role(grant=grant, reason="moved on", by=root(), at=timezone.now())
    assert area_of(wu(), CHANGE, at=timezone.now()) == NOWHERE
    assert refused(withdraw_role, grant=grant, reason="x", by=root(), at=timezone.now()) == (
        "role_withdrawn"
    )
    rows = RoleChange.objects.filter(user_id=grant.user_id, role__startswith="operator")
    assert list(rows.values_list("role", "is_granted")) == [
        ("operator 310101", True),
        ("operator 310101", False),
    ]
    said = LogEntry.objects.filter(object_id=str(grant.user_id), user=root()).order_by("id")
    assert [in_words(entry) for entry in said] == [
        "Role Operator given, for 黄浦区",
        "Role Operator withdrawn, for 黄浦区: moved on",
    ]


def test_giving_a_role_to_oneself_or_without_permission_is_refused() -> None:
    assert refused(given, "operator", user=root()) == "own_role"
    assert refused(given, "operator", by=cast.mei()) == "vouchers.add_grant"
    assert refused(given, "operator", why=" ") == "why_missing"
    assert refused(given, "operator", why="x" * 201) == "text_too_long"
    assert explain(Refusal("why_missing", "why_missing"), "en") == "A reason is needed."
    now = timezone.now()
    assert refused(given, "operator", until_at=now - HOUR / 2) == "grant_ends_after_it_begins"
    assert not Grant.objects.filter(user__username="wu").exists()


def test_what_a_role_may_do_in_one_district_another_role_does_not_spread() -> None:
    """An auditor of the whole city who is an operator in Xuhui moves no store of Huangpu."""
    given("auditor")
    given("operator", where=xuhui())
    mall, user = cast.nanjing_road(), wu()
    there = cast.xujiahui()
    Store.objects.filter(pk=there.pk).update(district=xuhui())
    assert user.has_perm("merchants.view_store", mall)
    assert not user.has_perm(CHANGE, mall)
    assert user.has_perm(CHANGE, there)
    assert not user.has_perm(CHANGE), "without a row the whole city is asked for"
    require_permission(user, CHANGE, at=timezone.now(), on=there)
    assert refused(require_permission, user, CHANGE, at=timezone.now(), on=mall) == CHANGE


def test_areas_of_several_grants_add_up() -> None:
    given("auditor", where=xuhui())
    given("auditor", where=cast.district())
    assert area_of(wu(), "merchants.view_store", at=timezone.now()) == Area(
        frozenset({310101, 310104})
    )
    assert NOWHERE | CITY == CITY


def test_a_street_is_an_area_within_its_district() -> None:
    grant = given("auditor", where=cast.street(BUND))
    assert (grant.district_id, grant.street_id) == (310101, 310101002)
    assert str(grant).endswith("黄浦区 外滩")
    area = area_of(wu(), "merchants.view_store", at=timezone.now())
    assert area == Area(streets=frozenset({310101002}))
    assert area.covers(310101, 310101002)
    assert not area.covers(310101, 310101015)
    assert not area.covers(310101, None)
    assert not area.is_city
    assert RoleChange.objects.latest("id").role == "auditor 310101002"


def test_a_street_adds_up_with_districts() -> None:
    given("auditor", where=cast.street(BUND))
    given("auditor", where=xuhui())
    area = area_of(wu(), "merchants.view_store", at=timezone.now())
    assert area == Area(frozenset({310104}), frozenset({310101002}))
    mall, far = cast.nanjing_road(), cast.xujiahui()
    Store.objects.filter(pk=far.pk).update(district=xuhui())
    third = cast.store("third", of=cast.rival(), at=(121.6, 31.2))
    assert set(visible(wu(), Store.objects.all(), at=timezone.now())) == {mall, far}
    assert third.street_id is None


def test_a_street_shows_its_stores_and_the_residents_who_give_its_name() -> None:
    campaign = cast.running_campaign()
    given("auditor", where=cast.street(BUND))
    given("operator", where=cast.street(BUND))
    user, alice = wu(), cast.alice()
    mall, far = cast.nanjing_road(), cast.xujiahui()
    voucher, _other = till.issue_vouchers(campaign, [alice, cast.carol()])
    assert seen(user, Store) == {mall}
    assert seen(user, Campaign) == {campaign}
    assert seen(user, Merchant) == {mall.merchant}
    assert user.has_perm(CHANGE, mall)
    assert not user.has_perm(CHANGE, far)
    assert not user.has_perm("merchants.change_merchant", mall.merchant), "it has one elsewhere"
    assert seen(user, Resident) == seen(user, Voucher) == set(), "none has given a street"
    cast.district(310104, "徐汇区")
    Resident.objects.filter(pk=cast.bob().pk).update(street="外滩", district=310104)
    Resident.objects.filter(pk=cast.carol().pk).update(street="外滩 ")
    Resident.objects.filter(pk=alice.pk).update(street="外滩")
    assert seen(user, Resident) == {alice}
    assert {row.pk for row in seen(user, Voucher)} == {voucher.pk}
    assert user.has_perm("vouchers.view_resident", alice)
    assert seen(user, District) == {cast.district()}


def test_a_store_in_no_street_is_the_districts() -> None:
    store = cast.store("river", of=cast.rival(), at=(121.6, 31.2))
    given("auditor", where=cast.street(BUND))
    assert seen(wu(), Store) == set()
    given("auditor", where=cast.district())
    assert seen(wu(), Store) == {store}


def test_djangos_groups_and_own_permissions_give_nothing() -> None:
    user = User.objects.create_user("nemo")
    user.groups.add(Group.objects.get(name="manager"))
    user.user_permissions.set(Group.objects.get(name="manager").permissions.all())
    user = User.objects.get(pk=user.pk)
    assert user.get_all_permissions() == set()
    assert not user.has_perm("vouchers.view_campaign")


def test_an_inactive_user_sees_nothing_and_a_superuser_everything() -> None:
    given("auditor")
    cast.alice()
    User.objects.filter(username="wu").update(is_active=False)
    assert not visible(wu(), Resident.objects.all(), at=timezone.now()).exists()
    assert visible(root(), Resident.objects.all(), at=timezone.now()).exists()


def test_each_thing_lies_where_its_store_or_its_holder_is() -> None:
    campaign = cast.running_campaign()
    given("auditor", where=cast.district())
    user, alice = wu(), cast.alice()
    lost = cast.store("lost", of=cast.merchant("half", "半边"))
    cast.store("kept", of=cast.merchant("half"))
    Store.objects.filter(pk=lost.pk).update(district=None)
    assert set(visible(user, Campaign.objects.all(), at=timezone.now())) == {campaign}
    assert lost not in visible(user, Store.objects.all(), at=timezone.now())
    assert lost.merchant in visible(user, Merchant.objects.all(), at=timezone.now())
    assert not user.has_perm("merchants.change_merchant", lost.merchant)
    assert set(visible(user, Resident.objects.all(), at=timezone.now())) == {alice}
    Resident.objects.filter(pk=alice.pk).update(district=xuhui())
    assert not visible(user, Resident.objects.all(), at=timezone.now()).exists()


def test_a_table_without_a_declared_place_is_the_citys_alone() -> None:
    assert Proposal not in SHOWN
    area = Area(frozenset({310101}))
    shown = (Proposal.objects.all(), Grant.objects.all(), User.objects.all())
    assert all(area.shown(rows).query.is_empty() for rows in shown)
    acted_on = (Campaign.objects.all(), Voucher.objects.all())
    assert all(area.acted_on(rows).query.is_empty() for rows in acted_on)
    assert SHOWN.keys() >= ACTED_ON.keys()
    assert not area.shown(Redemption.objects.all()).query.is_empty()
