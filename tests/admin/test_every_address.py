"""Every address of the admin, taken from its own list: whom it lets in.

A page that is added is tried without being named here. One that is meant to be open to more people
than those of a role has to be added to the lists below.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client
from django.urls import URLPattern, URLResolver, reverse

from tests.admin.conftest import signed_in
from tests.support import cast
from vouchers.models import Campaign
from vouchers.services.roles import ROLES

pytestmark = pytest.mark.django_db

OPEN_TO_VISITORS = {"login", "jsi18n"}
"""Pages without a session: what they show is nothing but how to sign in."""
OPEN_TO_STAFF = OPEN_TO_VISITORS | {
    "autocomplete",
    "index",
    "password_change",
    "password_change_done",
    "search",
    "second_factor",
    "second_factor_set_up",
}
"""Pages of one's own account, and those that show what one's roles permit."""
SIGNS_OUT = {"logout", "password_change"}
ARGUMENT = re.compile(r"<(?:\w+:)?\w+>")
CLOSED = {HTTPStatus.FOUND, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST}


@dataclass(frozen=True)
class Address:
    """An address with its arguments filled in, by the name of its pattern."""

    name: str
    path: str
    model: type[Model] | None


def patterns(
    urls: Sequence[URLPattern | URLResolver], prefix: str = ""
) -> Iterator[tuple[str, str]]:
    """Name and route of every pattern; those without a name only redirect."""
    for one in urls:
        route = prefix + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from patterns(one.url_patterns, route)
        elif one.name:
            yield one.name, route


def addresses() -> list[Address]:
    """All of them, with the key of the first row of the model that each belongs to."""
    owners = {
        name: model
        for model, page in admin.site._registry.items()
        for name, _route in patterns(page.get_urls())
    }
    found = []
    for name, route in patterns(admin.site.get_urls()):
        model = owners.get(name)
        row = model._default_manager.first() if model else None
        filled = ARGUMENT.sub(str(row.pk) if row else "1", route)
        if not re.search(r"[\\^$(?]", filled):
            found.append(Address(name, reverse("admin:index") + filled, model))
    return found


def entered(client: Client, closed_to: set[str]) -> list[str]:
    """What answers the client otherwise than with a closed door, by either method."""
    found = []
    for address in addresses():
        if address.name in closed_to | SIGNS_OUT:
            continue
        for call in (client.get, client.post):
            status = call(address.path).status_code
            if status not in CLOSED:
                found.append(f"{call.__name__} {address.path} ({address.name}): {status}")
    return found


def test_the_list_is_that_of_the_admin(town: Campaign) -> None:
    names = {address.name for address in addresses()}
    models = {f"{m._meta.app_label}_{m._meta.model_name}" for m in admin.site._registry}
    assert {f"{model}_changelist" for model in models} <= names
    assert names >= OPEN_TO_STAFF


def test_a_visitor_is_led_to_the_sign_in_everywhere(town: Campaign) -> None:
    assert entered(Client(), OPEN_TO_VISITORS) == []


def test_staff_without_a_role_enter_their_own_pages_alone(town: Campaign) -> None:
    client = signed_in(User.objects.create_user("nemo", is_staff=True))
    assert entered(client, OPEN_TO_STAFF) == []


def test_people_of_a_role_who_are_no_staff_are_visitors(town: Campaign) -> None:
    person = cast.member("mei-2", "manager")
    person.is_staff = False
    person.save()
    assert entered(signed_in(person), OPEN_TO_VISITORS) == []


def test_a_password_alone_opens_nothing_where_the_second_factor_is_required(
    town: Campaign, settings: Any
) -> None:
    settings.HUIMIN_SECOND_FACTOR_ROLES = frozenset({"manager"})
    client = signed_in(cast.member("mei-2", "manager"))
    assert entered(client, OPEN_TO_VISITORS) == []


@pytest.mark.parametrize("role", ROLES)
def test_a_role_opens_a_models_pages_only_with_a_permission_for_it(
    town: Campaign, role: str
) -> None:
    person = cast.member(f"member-{role.replace(' ', '-')}", role)
    client = signed_in(person)
    for address in addresses():
        if address.model is not None and _is_closed_to(person, address, address.model):
            assert client.get(address.path).status_code in CLOSED, address


def _is_closed_to(person: User, address: Address, model: type[Model]) -> bool:
    """What is open is opened by `test_pages`, list by list and page by page."""
    label, name = model._meta.app_label, model._meta.model_name
    if not person.has_perm(f"{label}.view_{name}"):
        return True
    return address.name.endswith("_add") and not person.has_perm(f"{label}.add_{name}")
