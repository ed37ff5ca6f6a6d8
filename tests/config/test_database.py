"""The test database is real, restored after a commit, and never owned by the services' role."""

import os
import subprocess
import sys
import threading

import pytest
from django.contrib.auth.models import Group
from django.db import connection, connections


@pytest.mark.parametrize("attempt", [1, 2])
@pytest.mark.django_db(transaction=True)
def test_a_committed_row_is_gone_in_the_next_test(attempt: int) -> None:
    assert not Group.objects.filter(name__startswith="left by").exists()
    Group.objects.create(name=f"left by {attempt}")


@pytest.mark.django_db(transaction=True)
def test_a_forgotten_connection_of_another_thread_does_not_block_the_restore() -> None:
    def forget() -> None:
        connections["default"].ensure_connection()

    thread = threading.Thread(target=forget)
    thread.start()
    thread.join()


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
