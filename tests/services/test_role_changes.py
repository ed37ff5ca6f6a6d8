"""Every grant and withdrawal of a role is recorded, whichever way it is done."""

import pytest
from django.contrib.auth.models import Group, User
from django.db import DatabaseError, connection, transaction

from vouchers.models import RoleChange

pytestmark = pytest.mark.django_db


def changes(user_id: int) -> list[tuple[str, str, bool]]:
    """What is on record of a user, oldest first."""
    rows = RoleChange.objects.filter(user_id=user_id).order_by("id")
    return list(rows.values_list("username", "role", "is_granted"))


def test_groups_come_and_go() -> None:
    user = User.objects.create_user("mei")
    user.groups.add(Group.objects.get(name="manager"))
    user.groups.set([Group.objects.get(name="approver")])
    assert changes(user.pk) == [
        ("mei", "active", True),
        ("mei", "manager", True),
        ("mei", "manager", False),
        ("mei", "approver", True),
    ]


def test_marks_count_too_even_by_hand() -> None:
    user = User.objects.create_superuser("root")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE auth_user SET is_superuser = false, email = 'x@y.example'")
    assert changes(user.pk)[-1] == ("root", "superuser", False)
    assert RoleChange.objects.latest("id").database_role


def test_who_is_deleted_loses_everything() -> None:
    user = User.objects.create_user("gone", is_staff=True)
    user.groups.add(Group.objects.get(name="auditor"))
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM auth_user_groups WHERE user_id = %s", [user.pk])
        cursor.execute("DELETE FROM auth_user WHERE id = %s", [user.pk])
    assert {change for change in changes(user.pk) if not change[2]} == {
        ("gone", "auditor", False),
        ("gone", "staff", False),
        ("gone", "active", False),
    }


def test_no_role_writes_there() -> None:
    user = User.objects.create_user("mei")
    for statement in (
        "INSERT INTO vouchers_rolechange SELECT * FROM vouchers_rolechange",
        "DELETE FROM vouchers_rolechange",
        "UPDATE vouchers_rolechange SET role = 'x'",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    assert len(changes(user.pk)) == 1
