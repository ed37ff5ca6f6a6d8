"""Roles given to people and withdrawn, each for an area and a period, with the reason."""

from datetime import datetime
from typing import Final

from django.contrib.auth.models import Group, User
from django.db import transaction
from django.utils.translation import gettext_noop as _

from merchants.errors import Refused
from merchants.models import District, Street
from vouchers.models import Grant
from vouchers.services.history import Fact, note
from vouchers.services.refusals import refused_by_database
from vouchers.services.roles.permissions import require_permission

GIVE: Final = "vouchers.add_grant"
"""The permission to give and withdraw roles; no role has it, superusers do."""


def give_role(
    *,
    user: User,
    role: Group,
    where: District | Street | None,
    from_at: datetime,
    until_at: datetime | None,
    why: str,
    by: User,
    at: datetime,
) -> Grant:
    """Give a user a role in a district, in one street of it, or in the whole city, for a period.

    Refuses `not_permitted` (also to give oneself a role), `why_missing`, `text_too_long`, and
    `dates_cross` for a period that does not end after it begins or is over already.
    """
    require_permission(by, GIVE, at=at)
    if by.pk == user.pk:
        raise Refused("not_permitted", "own_role")
    if not why.strip():
        raise Refused("why_missing")
    if until_at is not None and until_at <= max(from_at, at):
        raise Refused("dates_cross", "grant_ends_after_it_begins")
    with refused_by_database(), transaction.atomic():
        grant = Grant.objects.create(
            user=user,
            role=role,
            district=where.district if isinstance(where, Street) else where,
            street=where if isinstance(where, Street) else None,
            from_at=from_at,
            until_at=until_at,
            why=why.strip(),
            given_by=by,
            given_at=at,
        )
        what = _("role %(role)s given, for %(area)s")
        note(user, by=by, what=what, at=at, **_role_and_area(grant))
    return grant


def withdraw_role(*, grant: Grant, reason: str, by: User, at: datetime) -> None:
    """End a grant; it counts for nothing from the user's next request on.

    Refuses `not_permitted`, `text_too_long`, and `role_withdrawn` for one that was withdrawn
    before.
    """
    require_permission(by, GIVE, at=at)
    with refused_by_database(), transaction.atomic():
        held = Grant.objects.select_for_update(no_key=True).get(pk=grant.pk)
        if held.withdrawn_at is not None:
            raise Refused("role_withdrawn")
        held.withdrawn_at, held.withdrawn_by, held.withdrawn_why = at, by, reason
        held.save(update_fields=["withdrawn_at", "withdrawn_by", "withdrawn_why"])
        what = _("role %(role)s withdrawn, for %(area)s")
        note(held.user, by=by, what=what, at=at, **_role_and_area(held), reason=reason)
    grant.refresh_from_db()


def _role_and_area(grant: Grant) -> dict[str, Fact]:
    """The area by its name; None is the whole city."""
    return {"role": grant.role.name, "area": str(grant.place) if grant.place else None}
