"""The audit is green on a healthy book, and red wherever the owner's role falsified rows.

One book is built by the services and kept for the whole module, on the owner's connection and never
committed. Each case spoils it inside a savepoint, with the guards of the database switched off.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from threading import Thread

import numpy as np
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, connections, transaction
from pytest_django.plugin import DjangoDbBlocker
from structlog.testing import capture_logs

from tests.support import cast
from tests.support.books import as_owner, healthy_book, spoil
from tests.support.campaign_with_history import campaign_with_history
from tests.support.cast import NOON
from tests.support.claims import claimed_campaign
from tests.support.corruptions.catalogue import CORRUPTIONS
from tests.support.distribution import distribute
from tests.support.till import answer_to, issue_vouchers, order, till_of, voided
from tests.support.watched import watched_campaign
from vouchers import tasks
from vouchers.models import AuditReport, Campaign, Redemption, Voucher
from vouchers.queries.proofs.audit import sums as queries
from vouchers.queries.proofs.audit.books import BOOK_CHECKS
from vouchers.queries.proofs.audit.checks import SCANS
from vouchers.rules.proofs.audit import facts as rules
from vouchers.services.issuing.expiry import expire_tranche
from vouchers.services.proofs.audit import Report, audit

HOUR = timedelta(hours=1)
# Of the audiences of all runs in the book, and the claims.
MEMBERS = 27 + 3


@pytest.fixture(scope="module")
def whole_book(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Campaign]:
    with django_db_blocker.unblock(), as_owner(), transaction.atomic():
        book = healthy_book()
        campaign_with_history()
        claimed_campaign()
        watched_campaign()
        yield book
        transaction.set_rollback(True)


@pytest.fixture
def book(whole_book: Campaign) -> Iterator[Campaign]:
    with transaction.atomic():
        with connection.cursor() as cursor:
            # No trigger may be switched off while deferred ones wait.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        yield whole_book
        transaction.set_rollback(True)


def broken(report: Report) -> set[str]:
    return {finding.name for finding in report.findings if finding.broken_count}


def test_a_healthy_book_is_proven(book: Campaign) -> None:
    report = audit(at=NOON, seed=1)
    assert broken(report) == set()
    assert report.is_proven
    assert (report.sampled, report.unmeasured) == (MEMBERS, 0)


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_a_corruption_is_found_by_exactly_the_checks_it_breaks(
    book: Campaign, corruption: str
) -> None:
    statement, expected = CORRUPTIONS[corruption]
    spoil(statement)
    assert broken(audit(at=NOON, seed=1)) == expected


def test_every_check_is_broken_by_some_lie() -> None:
    checks = [check for scan in SCANS for check in scan.checks]
    known = {*(check.name for check in checks), *(check.name for check in BOOK_CHECKS)}
    known |= {"targeting_exact", "claims_exact", "choice_repeats"}
    # What seals say is lied about in their own tests.
    assert known - set().union(*(names for _, names in CORRUPTIONS.values())) == {"seals_recompute"}


def test_the_first_broken_invariant_comes_first_with_its_rows(book: Campaign) -> None:
    spoil(
        CORRUPTIONS["a source's figure is raised"][0], CORRUPTIONS["a request's record is gone"][0]
    )
    report = audit(at=NOON, seed=1)
    first = report.first_broken
    assert first is not None
    assert (first.invariant, first.name, first.broken_count) == (1, "appropriated_figure", 1)
    assert first.rows[0]["figure_fen"] == 300_000_001
    assert first.rows[0]["booked_fen"] == 300_000_000


def test_a_favourite_is_named_with_whom_they_displaced(book: Campaign) -> None:
    draft = cast.spring_campaign(tiers={"off20": (2_000, 10_000)}, budget_fen=2_000)
    run = distribute(cast.launched(draft), seed="s")
    voucher = Voucher.objects.get(allocation__campaign=run.campaign)
    favourite = run.members.order_by("distance_m").last()
    assert favourite is not None
    ids = np.array([favourite.resident_id], dtype="<i8").tobytes().hex()
    buckets = np.array([favourite.bucket], dtype="<i2").tobytes().hex()
    spoil(
        f"UPDATE vouchers_voucher SET resident_id = {favourite.resident_id},"
        f" bucket = {favourite.bucket} WHERE id = {voucher.pk}",
        f"UPDATE vouchers_shard SET resident_ids = '\\x{ids}', buckets = '\\x{buckets}'"
        f" WHERE run_id = {run.pk}",
    )
    (found,) = (one for one in audit(at=NOON, seed=1).findings if one.broken_count)
    assert found.name == "choice_repeats"
    assert {(row["resident"], row["vouchers"], row["expected"]) for row in found.rows} == {
        (voucher.resident_id, 0, 1),
        (favourite.resident_id, 1, 0),
    }


def test_a_coarsened_point_is_not_reported_as_a_fault(book: Campaign) -> None:
    spoil("UPDATE vouchers_residentpoint SET coarsened_at = now(), latitude_deg = 31.23")
    report = audit(at=NOON, seed=1)
    assert report.is_proven
    assert (report.sampled, report.unmeasured) == (0, MEMBERS)


def test_a_point_moved_since_is_measured_where_it_was(book: Campaign) -> None:
    spoil(
        "UPDATE vouchers_residentpoint SET superseded_at = now()",
        "INSERT INTO vouchers_residentpoint (resident_id, bucket, kind, longitude_deg,"
        " latitude_deg, datum, raw_longitude, raw_latitude, observed_at)"
        " SELECT resident_id, bucket, kind, 121, 31, datum, 121, 31, now()"
        " FROM vouchers_residentpoint",
    )
    report = audit(at=NOON, seed=1)
    assert report.is_proven
    assert (report.sampled, report.unmeasured) == (MEMBERS, 0)


@pytest.mark.django_db
def test_money_of_expired_vouchers_is_back_even_of_one_voided_after_expiry() -> None:
    campaign = cast.running_campaign(funding=cast.CO_FUNDED, tier_counts={"off20": 2})
    alice, carol = cast.alice(), cast.carol()
    vouchers = issue_vouchers(campaign, [alice, carol], valid_until_at=NOON + HOUR)
    used, _ = vouchers
    here = cast.nanjing_road()
    assert answer_to(order(used, here, alice, at=NOON))[0] == 201
    assert expire_tranche(tranche_id=used.tranche_id, at=NOON + HOUR) == 1
    assert broken(audit(at=NOON, seed=1)) == set()
    made = Redemption.objects.get()
    assert voided(made, caller=till_of(here), at=NOON + 2 * HOUR).status == 200
    assert broken(audit(at=NOON, seed=1)) == set()


@pytest.mark.django_db(transaction=True)
def test_all_checks_read_one_snapshot_while_tills_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = cast.running_campaign()
    (voucher,) = issue_vouchers(campaign, [cast.alice()])
    here, alice = cast.nanjing_road(), cast.alice()

    def redeem_elsewhere() -> None:
        answer_to(order(voucher, here, alice))
        connections.close_all()

    def tranches_after_a_redemption() -> list[rules.Tranche]:
        till = Thread(target=redeem_elsewhere)
        till.start()
        till.join()
        return tranches()

    # Between the sum of the legs and the count of the vouchers.
    tranches = queries._tranches
    monkeypatch.setattr(queries, "_tranches", tranches_after_a_redemption)
    assert broken(audit(at=NOON, seed=1)) == set()
    assert Redemption.objects.exists()


def test_the_same_seed_draws_the_same_sample(book: Campaign) -> None:
    spoil("UPDATE vouchers_audiencemember SET distance_m = distance_m + 1")
    first, again = (
        next(
            finding
            for finding in audit(at=NOON, seed=3, sample=2).findings
            if finding.name == "targeting_exact"
        )
        for _ in range(2)
    )
    assert first.rows == again.rows
    assert first.broken_count == 2


# By night


def test_a_nightly_audit_keeps_its_report_and_is_silent_when_the_books_hold(book: Campaign) -> None:
    with capture_logs() as logs:
        tasks.audit_books()
    assert AuditReport.objects.get().is_proven
    assert logs == []


def test_a_nightly_audit_that_fails_is_an_error_with_the_first_broken_check(book: Campaign) -> None:
    spoil(CORRUPTIONS["a request's record is gone"][0])
    with capture_logs() as logs:
        tasks.audit_books()
    (entry,) = logs
    assert (entry["log_level"], entry["event"]) == ("error", "books_not_proven")
    assert (entry["invariant"], entry["check"], entry["broken_rows"]) == (7, "request_recorded", 1)
    assert not AuditReport.objects.get().is_proven


# The command


def run_command(*arguments: str) -> str:
    output = StringIO()
    call_command("audit_ledger", *arguments, stdout=output)
    return output.getvalue()


def test_the_command_says_that_the_books_are_proven_and_keeps_the_report(book: Campaign) -> None:
    document = json.loads(run_command("--json", "--seed", "5"))
    assert document["is_proven"]
    kept = AuditReport.objects.get()
    assert kept.is_proven
    assert kept.report == document


def test_a_dry_run_keeps_nothing(book: Campaign) -> None:
    run_command("--dry-run")
    assert not AuditReport.objects.exists()


def test_the_command_fails_and_names_what_is_broken(book: Campaign) -> None:
    spoil(CORRUPTIONS["a settlement's file is exchanged"][0])
    with pytest.raises(CommandError, match=r"11.*settlement_totals"):
        run_command()
    assert not AuditReport.objects.get().is_proven
