"""One full book for every test of a module, held by the schema's owner and rolled back."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection, transaction
from pytest_django.plugin import DjangoDbBlocker

from merchants.models import Credential
from merchants.services import enrol_terminal, issue_credential
from tests import cast
from tests.books import as_owner, healthy_book
from tests.cast import DAY, NOON
from tests.till import order, refusal_of
from vouchers.models import (
    AuditReport,
    Geofence,
    Hold,
    Link,
    Redemption,
    ResidentMerge,
    Seal,
    Signal,
)
from vouchers.services import terms
from vouchers.states import CapKind


@pytest.fixture(scope="module")
def full_book(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A running campaign with everything in it, and a draft; a row in every table."""
    with django_db_blocker.unblock(), as_owner(), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT huimin_open_month(%s)", [NOON.date()])
            healthy_book()
            _draft()
            _rare_rows()
            # Whatever waits for a commit speaks now: tables with events pending cannot be altered.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        yield
        transaction.set_rollback(True)


@pytest.fixture
def book(full_book: None) -> Iterator[None]:
    """The full book; what a test does to it is undone."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _draft() -> None:
    draft = cast.spring_campaign(code="draft", starts_at=NOON, ends_at=NOON + 9 * DAY)
    by, at = cast.mei(), NOON
    terms.add_round(campaign=draft, number=1, opens_at=NOON, closes_at=NOON + DAY, by=by, at=at)
    terms.add_geofence(campaign=draft, geometry={"type": "Polygon"}, by=by, at=at)
    assert draft.caps.filter(kind=CapKind.RESIDENT_DAY).exists()
    assert Geofence.objects.filter(campaign=draft).exists()


def _rare_rows() -> None:
    """Rows of tables that a quiet day leaves empty."""
    alice, carol = cast.alice(), cast.carol()
    redemption = Redemption.objects.latest("id")
    assert refusal_of(order("8" * 20, cast.nanjing_road(), alice)) == "voucher_not_usable"
    Hold.objects.create(redemption=redemption, reason="look", opened_by="rosa", opened_at=NOON)
    Signal.objects.create(kind="burst", subject="store", subject_id=1, raised_at=NOON)
    Seal.objects.create(
        campaign=redemption.campaign,
        number=1,
        from_xid=0,
        until_xid=1,
        transfer_count=0,
        previous_sha256=bytes(32),
        sha256=bytes(32),
        sealed_at=NOON,
    )
    AuditReport.objects.create(started_at=NOON, took_s=0.1, is_proven=True, report={})
    ResidentMerge.objects.create(
        kept=alice, member=carol, reason="twice", merged_by="rosa", merged_at=NOON
    )
    Link.objects.create(
        resident=alice,
        bucket=alice.bucket,
        kind=Link.Kind.DEVICE,
        value_hmac=bytes(32),
        first_seen_at=NOON,
        last_seen_at=NOON,
    )
    issue_credential(
        name="till",
        kind=Credential.Kind.TERMINAL,
        scopes=["redeem"],
        terminal=enrol_terminal(store=cast.nanjing_road(), code="T1"),
        at=NOON,
        expires_at=NOON + timedelta(days=365),
    )
