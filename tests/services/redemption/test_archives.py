"""Old requests leave the database into a file; what they did is neither undone nor done again."""

import gzip
import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connection, transaction

from tests.support import cast
from tests.support.books import as_owner, healthy_book, spoil
from tests.support.cast import NOON
from tests.support.till import answer_to, order
from vouchers.models import OrderClaim, Redemption, RequestArchive, RequestRecord, Voucher
from vouchers.services.proofs.audit import audit
from vouchers.services.redemption.archives import archive_requests

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
RETENTION = 30 * DAY
YEAR_2020 = datetime(2020, 1, 1, tzinfo=UTC)


def answered(key: str, *, at: datetime, caller_id: int = 7) -> RequestRecord:
    """A request answered long ago."""
    return RequestRecord.objects.create(
        caller_id=caller_id,
        key=key,
        fingerprint=hashlib.sha256(key.encode()).digest(),
        status=409,
        answer=b'{"code":"order_already_used"}',
        created_at=at,
    )


def keys() -> set[str]:
    return set(RequestRecord.objects.values_list("key", flat=True))


def lines(path: Path) -> list[dict[str, object]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def test_what_is_old_enough_is_in_the_file_and_nowhere_else(tmp_path: Path) -> None:
    for number in range(3):
        answered(f"old-{number}", at=YEAR_2020 + number * DAY, caller_id=number)
    answered("young", at=YEAR_2020 + 40 * DAY)
    at = YEAR_2020 + 50 * DAY
    archive = archive_requests(at=at, retention=RETENTION, directory=tmp_path)
    assert archive is not None
    (file,) = tmp_path.iterdir()
    assert file.name == archive.name == "requests-main-20200121T000000.000000Z.jsonl.gz"
    assert hashlib.sha256(file.read_bytes()).digest() == bytes(archive.sha256)
    assert [line["key"] for line in lines(file)] == ["old-0", "old-1", "old-2"]
    assert lines(file)[1] == {
        "answer": b'{"code":"order_already_used"}'.hex(),
        "caller": 1,
        "created_at": "2020-01-02T00:00:00Z",
        "fingerprint": hashlib.sha256(b"old-1").hexdigest(),
        "key": "old-1",
        "status": 409,
    }
    assert keys() == {"young"}
    assert archive.row_count == 3


def test_running_again_moves_only_what_has_become_old(tmp_path: Path) -> None:
    answered("first", at=YEAR_2020)
    answered("second", at=YEAR_2020 + 10 * DAY)
    times = [YEAR_2020 + days * DAY for days in (35, 35, 45)]
    archives = [archive_requests(at=at, retention=RETENTION, directory=tmp_path) for at in times]
    assert [archive and archive.row_count for archive in archives] == [1, None, 1]
    assert keys() == set()
    for archive, key in ((archives[0], "first"), (archives[2], "second")):
        assert archive is not None
        assert [line["key"] for line in lines(tmp_path / archive.name)] == [key]


def test_requests_of_a_campaign_that_is_not_closed_stay(tmp_path: Path) -> None:
    healthy_book()
    before = keys()
    at = NOON + 100 * DAY
    assert archive_requests(at=at, retention=RETENTION, directory=tmp_path) is None
    assert keys() == before != set()


@pytest.mark.parametrize(("is_test", "left"), [(True, set()), (False, {"old"})])
def test_a_test_campaign_that_runs_on_keeps_nothing_back(
    tmp_path: Path, is_test: bool, left: set[str]
) -> None:
    cast.running_campaign(is_test=is_test)
    answered("old", at=NOON)
    archive_requests(at=NOON + 100 * DAY, retention=RETENTION, directory=tmp_path)
    assert keys() == left


def test_no_shorter_retention_than_thirty_days(tmp_path: Path) -> None:
    answered("old", at=YEAR_2020)
    with pytest.raises(IntegrityError, match="archive_of_the_past"), transaction.atomic():
        archive_requests(at=YEAR_2020 + 30 * DAY, retention=29 * DAY, directory=tmp_path)
    assert keys() == {"old"}


def test_rows_that_no_file_holds_do_not_go() -> None:
    """An archive that says another number than there is takes nothing out."""
    answered("old", at=YEAR_2020)
    archive = RequestArchive.objects.create(
        name="a file",
        before_at=YEAR_2020 + DAY,
        row_count=2,
        sha256=bytes(32),
        archived_at=YEAR_2020 + 40 * DAY,
    )
    with (
        pytest.raises(DatabaseError, match="holds 2 requests of 1"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT huimin_drop_archived_requests(%s)", [archive.pk])
    assert keys() == {"old"}


def test_the_command_says_what_it_wrote(tmp_path: Path) -> None:
    answered("old", at=YEAR_2020)
    first, second = StringIO(), StringIO()
    call_command("archive_requests", str(tmp_path), stdout=first)
    call_command("archive_requests", str(tmp_path), stdout=second)
    archive = RequestArchive.objects.get()
    assert bytes(archive.sha256).hex() in first.getvalue()
    assert archive.name in first.getvalue()
    assert second.getvalue() != first.getvalue()


@pytest.fixture
def closed_book(tmp_path: Path, db: None) -> Iterator[None]:
    """A book whose campaign is closed, and whose requests were archived."""
    with as_owner(), transaction.atomic():
        healthy_book()
        with connection.cursor() as cursor:
            # No trigger may be switched off while deferred ones wait.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        spoil("UPDATE vouchers_campaign SET state = 'closed'")
        archive_requests(at=NOON + 40 * DAY, retention=RETENTION, directory=tmp_path)
        yield
        transaction.set_rollback(True)


@pytest.mark.django_db(databases=["default", "owner"])
def test_the_audit_asks_for_no_request_that_is_archived(closed_book: None) -> None:
    assert RequestRecord.objects.count() == 0
    report = audit(at=NOON + 40 * DAY, seed=1)
    named = {f.name for f in report.findings if f.broken_count}
    assert "request_recorded" not in named


@pytest.mark.django_db(databases=["default", "owner"])
def test_an_order_is_not_used_again_under_an_archived_key(closed_book: None) -> None:
    used = Redemption.objects.filter(state=2).earliest("id")
    claims = OrderClaim.objects.count()
    voucher = Voucher.objects.filter(state=1).earliest("id")
    spoil("UPDATE vouchers_campaign SET state = 'running'")
    request = order(
        voucher, used.store, voucher.resident, order_no=used.order_no, at=used.redeemed_at
    )
    status, body = answer_to(request)
    assert (status, body["code"]) == (409, "order_already_used")
    assert OrderClaim.objects.count() == claims
