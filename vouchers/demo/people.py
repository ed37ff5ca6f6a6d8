"""The people who run the demo's campaign, and how they log in."""

import os
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from django.contrib.auth.models import Group, User

from vouchers.services.roles import give_role

ROLES: Final = {
    "manager": "manager",
    "approver": "approver",
    "officer": "risk officer",
    "auditor": "auditor",
}
"""By login the role it has."""
ADMIN: Final = "admin"
DOMAIN: Final = "demo.invalid"
"""Marks the accounts that are the demo's own; other accounts' passwords are never changed."""


@dataclass(frozen=True, slots=True)
class Staff:
    """Who acts in the demo, and the password that its own accounts share."""

    manager: User
    approver: User
    logins: tuple[str, ...]
    password: str


def hire(directory: Path, *, at: datetime) -> Staff:
    """Accounts with one role each and an administrator; the same ones when asked again."""
    password = _password(directory / "password")
    admin = _account(ADMIN, password, None, at)
    users = {name: _account(name, password, admin, at) for name in ROLES} | {ADMIN: admin}
    logins = tuple(name for name, user in users.items() if _is_ours(user))
    return Staff(users["manager"], users["approver"], logins, password)


def _account(name: str, password: str, giver: User | None, at: datetime) -> User:
    user, is_new = User.objects.get_or_create(
        username=name,
        defaults={
            "email": f"{name}@{DOMAIN}",
            "is_staff": True,
            "is_superuser": name == ADMIN,
        },
    )
    if is_new and giver is not None:
        give_role(
            user=user,
            role=Group.objects.get(name=ROLES[name]),
            where=None,
            from_at=at,
            until_at=None,
            why="the demo's city",
            by=giver,
            at=at,
        )
    if _is_ours(user) and not user.check_password(password):
        user.set_password(password)
        user.save(update_fields=["password"])
    return user


def _is_ours(user: User) -> bool:
    return user.email.endswith(f"@{DOMAIN}")


def _password(path: Path) -> str:
    """Made once for this installation and readable by its owner alone."""
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(9))
    return path.read_text(encoding="ascii")
