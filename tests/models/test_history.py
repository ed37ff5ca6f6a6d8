"""The database itself keeps the history of the set-up, whatever changes it."""

import signal
import sys
from collections.abc import Iterator

import pytest
import structlog
from django.db import connection, connections, transaction
from django_structlog.celery.signals import bind_extra_task_metadata

import manage
from merchants.models import Credential, District, Store
from merchants.services.credentials import issue_credential
from merchants.services.edits import edit_store
from tests.support import cast
from tests.support.books import as_owner
from tests.support.till import answer_to, issue_vouchers, order
from tests.support.violations.constraints import guard_that_refuses, rows
from vouchers import tasks
from vouchers.models import SetupChange, WebhookEndpoint
from vouchers.services.webhooks import endpoints
from vouchers.sql.history import RECORDED

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> Store:
    return cast.nanjing_road()


@pytest.fixture(autouse=True)
def _no_label_of_others() -> Iterator[None]:
    structlog.contextvars.clear_contextvars()
    yield
    structlog.contextvars.clear_contextvars()


def latest(table: str = "merchants_store") -> SetupChange:
    return SetupChange.objects.filter(table_name=table)[0]


def rename(store: Store, name: str) -> None:
    edit_store(
        store=store,
        name=name,
        brand=store.brand,
        category=store.category,
        district=store.district,
        state=store.state,
    )


def test_a_new_row_is_recorded_whole(store: Store) -> None:
    change = latest()
    assert (change.operation, change.before) == ("insert", None)
    assert change.after is not None
    assert change.after["name"] == store.name
    assert change.after.keys() == {field.column for field in Store._meta.concrete_fields}
    place = latest("merchants_storelocation")
    assert (place.page_table, place.page_id) == ("merchants_store", store.pk)


def test_a_change_is_recorded_with_the_columns_that_changed(store: Store) -> None:
    old = store.name
    rename(store, "New name")
    change = latest()
    assert (change.operation, change.row_id) == ("update", store.pk)
    assert (change.before, change.after) == ({"name": old}, {"name": "New name"})
    assert (change.username, change.origin, change.request_id) == ("", "", "")


def test_a_change_of_nothing_is_none(store: Store) -> None:
    count = SetupChange.objects.count()
    Store.objects.filter(pk=store.pk).update(name=store.name)
    assert SetupChange.objects.count() == count


@pytest.mark.parametrize(
    ("context", "origin"),
    [
        ({"request_id": "r-1"}, "admin"),
        ({"request_id": "r-1", "command": "serve"}, "admin"),
        ({"request_id": "r-1", "task": "open_rounds"}, "task open_rounds"),
        ({"command": "import_stores"}, "command import_stores"),
    ],
)
def test_a_person_is_recorded_with_the_way_taken(
    store: Store, context: dict[str, str], origin: str
) -> None:
    mei = cast.mei()
    with structlog.contextvars.bound_contextvars(user_id=mei.pk, **context):
        rename(store, "Anew")
    change = latest()
    assert (change.user_id, change.username, change.origin) == (mei.pk, "mei", origin)
    assert change.request_id == context.get("request_id", "")


def test_a_request_without_a_person_is_a_callers(store: Store) -> None:
    with structlog.contextvars.bound_contextvars(user_id=None, request_id="r-2"):
        rename(store, "Anew")
    assert (latest().username, latest().origin, latest().request_id) == ("", "api", "r-2")


def test_the_author_of_a_statement_outlasts_neither_a_savepoint_nor_a_context(store: Store) -> None:
    mei = cast.mei()
    with structlog.contextvars.bound_contextvars(user_id=mei.pk, request_id="r-3"):
        with transaction.atomic():
            rename(store, "lost")
            transaction.set_rollback(True)
        rename(store, "kept")
    assert (latest().username, latest().after) == ("mei", {"name": "kept"})


@pytest.mark.django_db(transaction=True)
def test_who_comes_next_over_a_connection_is_not_the_author_before(store: Store) -> None:
    mei = cast.mei()
    with structlog.contextvars.bound_contextvars(user_id=mei.pk, request_id="r-4"):
        rename(store, "by Mei")
    assert latest().username == "mei"
    rename(store, "by no one known")
    assert (latest().username, latest().request_id, latest().origin) == ("", "", "")


def test_set_based_statements_have_their_author_too(store: Store) -> None:
    with (
        structlog.contextvars.bound_contextvars(command="import_stores"),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "WITH changed AS (UPDATE merchants_store SET brand = 'B' RETURNING id)"
            " SELECT count(*) FROM changed"
        )
    assert (latest().after, latest().origin) == ({"brand": "B"}, "command import_stores")


@pytest.mark.django_db(databases=["owner"])
def test_what_the_owner_does_by_hand_is_recorded_with_the_database_role() -> None:
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("INSERT INTO merchants_district (adcode, name) VALUES (310999, 'New')")
    change = SetupChange.objects.using("owner").filter(table_name="merchants_district")[0]
    assert change.database_role == connections["owner"].settings_dict["USER"]
    assert (change.page_id, change.origin, change.username) == (310999, "", "")


def test_a_deleted_row_is_recorded_as_it_last_was() -> None:
    district = District.objects.create(adcode=310998, name="Short-lived")
    district.delete()
    change = latest("merchants_district")
    assert (change.operation, change.after, change.row_id) == ("delete", None, 310998)
    assert change.before == {
        "adcode": 310998,
        "name": "Short-lived",
        "population": None,
        "boundary": None,
    }


def test_no_hash_of_a_key_is_in_it() -> None:
    issued = issue_credential(
        name="till",
        kind=Credential.Kind.MERCHANT,
        scopes=["redeem"],
        merchants=[cast.huilian()],
        at=cast.NOON,
    )
    key = latest("merchants_credentialkey")
    assert key.after is not None
    assert key.after["key_sha256"] is None
    with connection.cursor() as cursor:
        cursor.execute(r"UPDATE merchants_credentialkey SET key_sha256 = '\x01'")
    assert latest("merchants_credentialkey").after == {"key_sha256": None}
    joined = latest("merchants_credential_merchants")
    assert (joined.page_table, joined.page_id) == ("merchants_credential", key.page_id)
    assert issued is not None


def test_an_endpoint_that_fails_writes_no_history() -> None:
    endpoints.add_endpoint(
        url="https://app.example/h", events=["campaign.changed"], channel_code="app", at=cast.NOON
    )
    WebhookEndpoint.objects.update(failures=3, failing_since_at=cast.NOON)
    change = latest("vouchers_webhookendpoint")
    assert change.operation == "insert"
    assert change.after is not None
    assert "failures" not in change.after
    WebhookEndpoint.objects.update(failures=0, state="paused")
    assert latest("vouchers_webhookendpoint").after == {"state": "paused"}


def test_parts_of_a_campaign_stand_on_its_page() -> None:
    campaign = cast.spring_campaign()
    tables = set(
        SetupChange.objects.filter(page_table="vouchers_campaign", page_id=campaign.pk).values_list(
            "table_name", flat=True
        )
    )
    assert tables >= {"vouchers_campaign", "vouchers_tier", "vouchers_tiersplit"}


def test_the_services_role_does_not_write_there() -> None:
    insert = "INSERT INTO vouchers_setupchange SELECT * FROM vouchers_setupchange"
    assert guard_that_refuses(insert).startswith("42501")


@pytest.mark.django_db(databases=["owner"])
def test_no_recorded_table_is_emptied_behind_the_history() -> None:
    with as_owner():
        guards = {table: guard_that_refuses(f"TRUNCATE {table} CASCADE") for table in RECORDED}
    assert {it for it in guards.values() if not it.endswith("truncate")} == set()


def test_every_recorded_table_has_its_triggers_and_no_other_has() -> None:
    for name in ("record_change", "record_no_truncate"):
        found = rows(
            "SELECT relname FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid"
            " WHERE tgname = %s AND tgenabled = 'O'",
            name,
        )
        assert sorted(found) == sorted(RECORDED)


def test_redeeming_and_issuing_write_no_history() -> None:
    campaign, alice = cast.running_campaign(), cast.alice()
    written = SetupChange.objects.count()
    (voucher,) = issue_vouchers(campaign, [alice])
    status, _body = answer_to(order(voucher, cast.nanjing_road(), alice))
    assert status == 201
    assert SetupChange.objects.count() == written


def test_a_command_is_named_from_its_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["manage.py", "version"])
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    manage.main()
    assert structlog.contextvars.get_contextvars()["command"] == "version"


def test_a_task_is_named_to_whatever_it_changes(store: Store) -> None:
    bind_extra_task_metadata.send(None, task=tasks.open_rounds, logger=None)
    rename(store, "Anew")
    assert (latest().origin, latest().username) == ("task open_rounds", "")
