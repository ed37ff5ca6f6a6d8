"""The people who run the demo's campaign, and how they log in."""

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from django.contrib.auth.hashers import check_password, make_password
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
    admin = _account(ADMIN, None, at)
    users = {name: _account(name, admin, at) for name in ROLES} | {ADMIN: admin}
    ours = {name: user for name, user in users.items() if _is_ours(user)}
    _let_in(list(ours.values()), password)
    return Staff(users["manager"], users["approver"], tuple(ours), password)


def _account(name: str, giver: User | None, at: datetime) -> User:
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
    return user


def _let_in(users: Sequence[User], password: str) -> None:
    """Give all the one password, and one hash of it: to make or to check one takes a third of a
    second."""
    hashed = next((user.password for user in users if user.password), "")
    if not (hashed and check_password(password, hashed)):
        hashed = make_password(password)
    for user in users:
        if user.password != hashed:
            user.password = hashed
            user.save(update_fields=["password"])


def _is_ours(user: User) -> bool:
    return user.email.endswith(f"@{DOMAIN}")


def _password(path: Path) -> str:
    """Made once for this installation and readable by its owner alone."""
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(9))
    return path.read_text(encoding="ascii")
