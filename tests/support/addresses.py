"""Every address of the admin, and whether it lets a person look or act."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from django.contrib import admin
from django.db import transaction
from django.db.models import Model
from django.http import HttpResponse
from django.urls import URLPattern, URLResolver, reverse

from tests.support.doors import Doors

ARGUMENT = re.compile(r"<(?:\w+:)?\w+>")
REFUSED = {
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED,
}
SENT = {"vouchers_case_change": {"act": "clear"}}
"""What has to be in a form for a page to look at who sends it; the others are sent empty."""


@dataclass(frozen=True)
class Address:
    """An address with its arguments filled in, by the name of its pattern."""

    name: str
    path: str
    model: type[Model] | None
    is_of_row: bool


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


def addresses_of_the_admin() -> list[Address]:
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
            start = reverse("admin:index")
            found.append(Address(name, start + filled, model, filled != route))
    return found


def takes_a_form(doors: Doors, address: Address) -> bool:
    """Whether what a person sends there is looked at; what it does is undone at once."""
    return _is_open(lambda: doors.post(address.path, SENT.get(address.name)))


def shows(doors: Doors, address: Address) -> bool:
    """Whether a person may look at it."""
    return _is_open(lambda: doors.get(address.path))


def _is_open(call: Callable[[], HttpResponse]) -> bool:
    """Whether it is answered otherwise than by a refusal or the way back to the sign-in."""
    with transaction.atomic():
        answer = call()
        transaction.set_rollback(True)
    to = answer.get("Location", "").partition("?")[0]
    is_sent_away = to in {reverse("admin:login"), reverse("admin:index")}
    return answer.status_code not in REFUSED and not is_sent_away
