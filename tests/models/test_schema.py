"""The database is what the code says: functions, triggers and rights, read from its catalogue."""

import re
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, connections

from vouchers.sql.functions import FUNCTIONS, OF_SERVICES, TRIGGERS
from vouchers.sql.privileges import MATRIX

pytestmark = pytest.mark.django_db

OURS = ("merchants", "vouchers")


def rows(query: str, *parameters: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters or None)
        return list(cursor.fetchall())


def test_every_function_runs_the_text_that_is_read_in_the_code() -> None:
    found = dict(rows("SELECT proname, prosrc FROM pg_proc WHERE proname ~ '^huimin_'"))
    written = {
        name: re.search(r"\$\$(.*)\$\$", text, re.DOTALL)[1]  # type: ignore[index]
        for name, text in FUNCTIONS.items()
    }
    assert found == written


def test_functions_with_the_owners_rights_are_for_the_services_alone() -> None:
    found = rows(
        "SELECT p.oid::regprocedure::text FROM pg_proc p"
        " WHERE proname ~ '^huimin_' AND has_function_privilege('public', p.oid, 'EXECUTE')"
        "   AND prosecdef AND prorettype <> 'trigger'::regtype"
    )
    assert found == []
    assert {name.partition("(")[0] for name in OF_SERVICES} <= FUNCTIONS.keys()


def test_every_trigger_is_the_one_of_its_table() -> None:
    found = rows(
        "SELECT c.relname, t.tgname, obj_description(t.oid, 'pg_trigger') FROM pg_trigger t"
        " JOIN pg_class c ON c.oid = t.tgrelid"
        " WHERE t.tgname ~ '^pgtrigger_' AND NOT c.relispartition AND t.tgenabled = 'O'"
    )
    compiled = [
        trigger.compile(model)
        for app in OURS
        for model in apps.get_app_config(app).get_models()
        for trigger in getattr(model._meta, "triggers", [])
    ]
    assert set(found) == {(it.sql.table, it.sql.pgid, it.hash) for it in compiled}


def test_triggers_that_note_roles_and_guard_histories_are_there() -> None:
    found = rows(
        "SELECT tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
        " WHERE (relname ~ '^(auth|django)_' OR tgname ~ '^note_')"
        " AND NOT tgisinternal AND tgenabled = 'O'"
    )
    assert {name for (name,) in found} == set(TRIGGERS)


def test_the_services_role_has_exactly_the_rights_of_the_matrix() -> None:
    role = connections["default"].settings_dict["USER"]
    if role == connections["owner"].settings_dict["USER"]:
        pytest.skip("one role both owns the schema and runs the services here")
    found = rows(
        "SELECT c.relname, a.privilege_type FROM pg_class c, aclexplode(c.relacl) a"
        " WHERE a.grantee = %s::regrole AND c.relname ~ '^(merchants|vouchers)_'"
        "   AND c.relkind IN ('r', 'p') UNION ALL"
        " SELECT c.relname, a.privilege_type || ' (' || t.attname || ')'"
        "   FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid, aclexplode(t.attacl) a"
        " WHERE a.grantee = %s::regrole AND c.relname ~ '^(merchants|vouchers)_'",
        role,
        role,
    )
    assert set(found) == {(table, right) for table, rights in MATRIX.items() for right in rights}


def test_every_table_is_in_the_matrix() -> None:
    tables = {
        model._meta.db_table
        for app in OURS
        for model in apps.get_app_config(app).get_models(include_auto_created=True)
    }
    assert tables == MATRIX.keys()
