"""Audit reports in the admin: the alarm on the first page, and what broke on the report's own."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.support import cast
from vouchers.models import AuditReport

pytestmark = pytest.mark.django_db

HELD = {
    "invariant": 1,
    "name": "budget_identity",
    "statement": "all sums",
    "broken_count": 0,
    "rows": [],
}
BROKEN = {
    "invariant": 7,
    "name": "request_recorded",
    "statement": "every redemption is the answer of one request",
    "broken_count": 31,
    "rows": [{"redemption": 4711, "caller": None}],
}


def report_of(*findings: dict[str, object]) -> AuditReport:
    return AuditReport.objects.create(
        started_at=timezone.now(),
        took_s=12.3,
        is_proven=not any(finding["broken_count"] for finding in findings),
        report={"seed": 5, "sampled": 2, "unmeasured": 1, "findings": list(findings)},
    )


@pytest.fixture
def audrey(client: Client) -> Client:
    client.force_login(cast.member("audrey", "auditor"))
    client.cookies["django_language"] = "en"
    return client


def test_books_that_are_not_proven_raise_an_alarm_with_what_to_do_next(audrey: Client) -> None:
    report = report_of(HELD, BROKEN)
    page = audrey.get(reverse("admin:index")).content.decode()
    assert 'role="alert"' in page
    assert "31 rows that break invariant 7: every redemption is the answer of one request" in page
    assert reverse("admin:vouchers_auditreport_change", args=[report.pk]) in page


def test_a_later_audit_that_holds_ends_the_alarm(audrey: Client) -> None:
    report_of(HELD, BROKEN)
    report_of(HELD)
    assert 'role="alert"' not in audrey.get(reverse("admin:index")).content.decode()


def test_a_report_shows_every_check_and_the_rows_that_break_one(audrey: Client) -> None:
    report = report_of(HELD, BROKEN)
    page = audrey.get(reverse("admin:vouchers_auditreport_change", args=[report.pk]))
    text = page.content.decode()
    for shown in (
        "budget_identity",
        "request_recorded",
        "4711",
        "Broken by 31 rows.",
        "not proven",
    ):
        assert shown in text
    listed = audrey.get(reverse("admin:vouchers_auditreport_changelist")).content.decode()
    assert "7 · request_recorded" in listed
