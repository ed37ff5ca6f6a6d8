"""The test database is real, restored after a commit, and never owned by the services' role."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping

import pytest
from django.contrib.auth.models import Group
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Value
from django.db.models.functions import Concat

from merchants.models import Store
from tests.support import cast
from tests.support.till import issue_vouchers


@pytest.mark.parametrize("attempt", [1, 2])
@pytest.mark.django_db(transaction=True)
def test_a_committed_row_is_gone_in_the_next_test(attempt: int) -> None:
    assert not Group.objects.filter(name__startswith="left by").exists()
    Group.objects.create(name=f"left by {attempt}")


TRIGGERS_OFF = "SELECT count(*) FROM pg_trigger WHERE tgenabled = 'D'"
LEFT_BEHIND: Mapping[str, Callable[[], object]] = {
    "rows, a tranche and numbers": lambda: issue_vouchers(cast.running_campaign(), [cast.alice()]),
    "a row of the template gone": lambda: Group.objects.get(name="manager").delete(),
    "a row of the template changed": lambda: Group.objects.update(name=Concat("name", Value("!"))),
    "a trigger off": lambda: _as_owner("ALTER TABLE vouchers_leg DISABLE TRIGGER USER"),
    "a table": lambda: _as_owner("CREATE TABLE left_behind ()"),
    "settings of the session": lambda: _as_services("SET timezone = 'Asia/Urumqi'"),
    "a lock of the session": lambda: _as_services("SELECT pg_advisory_lock(1)"),
    "a transaction": lambda: _as_services("BEGIN; SELECT 1"),
}


@pytest.mark.parametrize("left", [*LEFT_BEHIND, "nothing"])
@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_after_a_test_the_database_is_the_template_again(left: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(TRIGGERS_OFF)
        assert cursor.fetchone() == (0,)
        cursor.execute("SHOW timezone")
        assert cursor.fetchone() == ("UTC",)
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT to_regclass('left_behind'), to_regclass('vouchers_voucher_t000001')")
        assert cursor.fetchone() == (None, None)
    assert Group.objects.filter(name="manager").exists()
    assert not Store.objects.exists()
    assert cast.district().pk == 310101
    assert cast.nanjing_road().pk == 1
    LEFT_BEHIND.get(left, lambda: None)()


def _as_owner(statement: str) -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute(statement)


def _as_services(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.django_db(transaction=True)
def test_a_forgotten_connection_of_another_thread_does_not_block_the_restore() -> None:
    forgotten: list[BaseDatabaseWrapper] = []

    def forget() -> None:
        connections["default"].ensure_connection()
        forgotten.append(connections["default"])

    thread = threading.Thread(target=forget)
    thread.start()
    thread.join()
    assert [one.connection.closed for one in forgotten] == [False]


@pytest.mark.django_db
def test_the_services_role_owns_nothing() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner"
            " WHERE r.rolname = current_user"
        )
        assert cursor.fetchone() == (0,)


@pytest.mark.django_db(transaction=True)
def test_another_process_works_on_the_test_database(process_environment: dict[str, str]) -> None:
    Group.objects.create(name="seen from outside")
    script = (
        "import django; django.setup();"
        "from django.contrib.auth.models import Group;"
        "print(Group.objects.get(name__startswith='seen').name)"
    )
    result = subprocess.run(
        [sys.executable, "-c", script],
        env=process_environment | {"DJANGO_SETTINGS_MODULE": "config.settings"},
        cwd=os.getcwd(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.strip() == "seen from outside"
