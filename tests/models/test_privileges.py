"""The services' role owns nothing: it cannot mint, rewrite a book, or switch a guard off."""

import pytest
from django.db import connection, connections

from tests.models.test_guards import BOOKS, LASTING, PARTITIONED
from tests.support import cast
from tests.support.till import issue_vouchers
from tests.support.violations.constraints import guard_that_refuses
from vouchers.models import Voucher
from vouchers.states import VoucherState

pytestmark = pytest.mark.django_db

DENIED = "42501"  # insufficient privilege, or not the owner


@pytest.fixture(autouse=True)
def voucher() -> Voucher:
    if connections["default"].settings_dict["USER"] == connections["owner"].settings_dict["USER"]:
        pytest.skip("one role both owns the schema and runs the services here")
    return issue_vouchers(cast.running_campaign(), [cast.alice()])[0]


def refusals(*statements: str) -> dict[str, str]:
    """Statements that are not denied, and what was said to them."""
    answers = {statement: guard_that_refuses(statement) for statement in statements}
    return {it: answer for it, answer in answers.items() if not answer.startswith(DENIED)}


def test_vouchers_come_from_nowhere_but_an_attached_tranche_or_a_claim(voucher: Voucher) -> None:
    columns = "(id, bucket, resident_id, allocation_id, state)"
    row = f"SELECT {voucher.pk + 1}, bucket, resident_id, allocation_id, 1 FROM vouchers_voucher"
    table = f"vouchers_voucher_t{voucher.tranche_id:06d}"
    unclaimed = f"INSERT INTO vouchers_voucher {columns} {row}"
    assert guard_that_refuses(unclaimed) == "voucher_was_claimed"
    assert (
        refusals(
            f"INSERT INTO {table} {columns} {row}",
            "DELETE FROM vouchers_voucher",
            f"DELETE FROM {table}",
            "TRUNCATE vouchers_voucher",
            f"ALTER TABLE vouchers_voucher DETACH PARTITION {table}",
        )
        == {}
    )


def test_of_a_voucher_nothing_but_the_state_changes(voucher: Voucher) -> None:
    assert (
        refusals(
            *(
                f"UPDATE vouchers_voucher SET {column} = {column}"
                for column in ("id", "bucket", "resident_id", "allocation_id")
            )
        )
        == {}
    )
    assert Voucher.objects.filter(pk=voucher.pk).update(state=VoucherState.REDEEMED) == 1


def test_a_tranche_is_not_opened_twice(voucher: Voucher) -> None:
    again = guard_that_refuses(f"SELECT huimin_open_tranche({voucher.tranche_id})")
    assert again.startswith("42P07")  # the table is there already
    attached = guard_that_refuses(f"SELECT huimin_attach_tranche({voucher.tranche_id})")
    assert not attached.startswith("nothing")
    assert Voucher.objects.count() == 1


def test_no_book_is_rewritten() -> None:
    def column(table: str) -> str:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table]
            )
            return str(cursor.fetchone()[0])

    statements = [
        statement
        for table in BOOKS
        for statement in (
            f"UPDATE {table} SET {column(table)} = {column(table)}",
            f"DELETE FROM {table}",
            f"TRUNCATE {table} CASCADE",
        )
    ]
    assert refusals(*statements) == {}


def test_no_row_leaves_that_only_changes() -> None:
    deletes = [f"DELETE FROM {table}" for table in LASTING]
    assert refusals(*deletes, *(f"TRUNCATE {table} CASCADE" for table in LASTING)) == {}


@pytest.mark.parametrize("parent", PARTITIONED)
def test_no_partition_is_touched_behind_its_parent(parent: str) -> None:
    child = f"{parent}_rest"
    assert (
        refusals(
            f"SELECT count(*) FROM {child}",
            f"INSERT INTO {child} DEFAULT VALUES",
            f"DELETE FROM {child}",
            f"TRUNCATE {child}",
            f"DROP TABLE {child}",
        )
        == {}
    )


def test_no_session_switches_the_guards_off(voucher: Voucher) -> None:
    """django-pgtrigger's triggers would ask a variable of the session first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT array_agg(tgname) FROM pg_trigger WHERE tgname ~ '^pgtrigger_'")
        (names,) = cursor.fetchone()
        cursor.execute("SELECT set_config('pgtrigger.ignore', %s::text[]::text, true)", [names])
    jump = "UPDATE vouchers_voucher SET state = 3; UPDATE vouchers_voucher SET state = 2"
    jumped = guard_that_refuses(jump)
    assert jumped == "voucher_arrows"


def test_the_services_role_can_not_rewrite_who_did_what() -> None:
    assert (
        refusals(
            "UPDATE django_admin_log SET change_message = ''",
            "DELETE FROM django_admin_log",
            "UPDATE vouchers_allocation SET tier_id = tier_id",
            "INSERT INTO vouchers_rolechange DEFAULT VALUES",
        )
        == {}
    )


def test_no_guard_is_switched_off() -> None:
    assert (
        refusals(
            "ALTER TABLE vouchers_leg DISABLE TRIGGER USER",
            "SET session_replication_role = replica",
            "DROP FUNCTION huimin_attach_tranche(bigint)",
            "ALTER TABLE vouchers_redemption DROP CONSTRAINT payable_at_least_one_fen",
            "DROP INDEX voucher_redeems_once",
            "CREATE TABLE public.elsewhere ()",
            "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        )
        == {}
    )
