"""The permission check of every act, and of every row that is shown.

A user has a permission by grants in force. On a row, the area of a grant has to cover the row.
Without a row, a grant has to be for the whole city: an act without a rule of its own is open to
city-wide grants alone.
"""

from collections.abc import Iterator
from datetime import datetime
from enum import Enum
from typing import Any, Final, NamedTuple, TypeVar

from django.contrib.auth.models import User
from django.db.models import Model, QuerySet

from merchants.errors import Refused
from vouchers.models import Grant
from vouchers.queries.roles import CITY, NOWHERE, Area

Row = TypeVar("Row", bound=Model)


class Anywhere(Enum):
    """Takes the place of a row where an act needs the permission in any area."""

    ANYWHERE = "anywhere"


ANYWHERE: Final = Anywhere.ANYWHERE


class _Held(NamedTuple):
    """A grant as it is kept with its user: its role, from when until when, where, and for what."""

    role: str
    from_at: datetime
    until_at: datetime | None
    area: Area
    permissions: frozenset[str]

    def counts(self, permission: str, at: datetime) -> bool:
        """Whether it gives the permission at an instant."""
        return self.is_in_force(at) and permission in self.permissions

    def is_in_force(self, at: datetime) -> bool:
        """Whether its period holds an instant."""
        return self.from_at <= at and (self.until_at is None or at < self.until_at)


def area_of(user: User, permission: str, *, at: datetime) -> Area:
    """Where a user has a permission at an instant; for inactive users and strangers nowhere."""
    if not user.is_active or user.is_anonymous:
        return NOWHERE
    if user.is_superuser:
        return CITY
    found = NOWHERE
    for held in _held(user):
        if held.counts(permission, at):
            found |= held.area
    return found


def view_area(user: Any, model: type[Model], *, at: datetime) -> Area:
    """Where a user may see rows of a table at an instant."""
    return area_of(user, f"{model._meta.app_label}.view_{model._meta.model_name}", at=at)


def visible(user: Any, rows: QuerySet[Row], *, at: datetime) -> QuerySet[Row]:
    """Those of the rows that a user may see at an instant: where the model may be viewed.

    The one function by which lists, searches, choices, dialogs, own pages and streams are limited.
    """
    return view_area(user, rows.model, at=at).shown(rows)


def require_permission(
    user: User, permission: str, *, at: datetime, on: Model | Anywhere | None = None
) -> None:
    """Refuse `not_permitted` unless an active user has the permission on a row at an instant;
    without one, for the whole city."""
    area = area_of(user, permission, at=at)
    if on is ANYWHERE:
        is_had = area != NOWHERE
    elif isinstance(on, Model):
        is_had = reaches(area, permission, on)
    else:
        is_had = area.is_city
    if not is_had:
        raise Refused("not_permitted", permission)


def reaches(area: Area, permission: str, row: Model) -> bool:
    """Whether a permission held in an area covers a row."""
    if area.is_city or area == NOWHERE:
        return area.is_city
    same = type(row)._default_manager.filter(pk=row.pk)
    return (area.shown(same) if is_to_view(permission) else area.acted_on(same)).exists()


def is_to_view(permission: str) -> bool:
    """Whether the permission is to view and nothing else."""
    return permission.partition(".")[2].startswith("view_")


def _held(user: User) -> list[_Held]:
    """The user's grants, read once and kept with the user as Django keeps permissions."""
    known: list[_Held] | None = getattr(user, _KEPT, None)
    if known is None:
        grants = Grant.objects.filter(user=user, withdrawn_at=None).order_by()
        permissions: dict[tuple[Any, ...], set[str]] = {}
        for *grant, app, codename in grants.values_list(
            "role__name",
            "from_at",
            "until_at",
            "district_id",
            "street_id",
            "id",
            "role__permissions__content_type__app_label",
            "role__permissions__codename",
        ):
            names = permissions.setdefault(tuple(grant), set())
            if codename is not None:
                names.add(f"{app}.{codename}")
        known = [
            _Held(role, from_at, until_at, Area.of(district_id, street_id), frozenset(names))
            for (role, from_at, until_at, district_id, street_id, _), names in permissions.items()
        ]
        setattr(user, _KEPT, known)
    return known


_KEPT: Final = "_huimin_grants"


def permissions_held(user: User) -> Iterator[str]:
    """Permissions of the user's roles, in force or not; each as often as there are grants of it."""
    return (name for held in _held(user) for name in held.permissions)


def roles_of(user: User, *, at: datetime) -> set[str]:
    """Names of the roles a user has at an instant, anywhere."""
    return {held.role for held in _held(user) if held.is_in_force(at)}
