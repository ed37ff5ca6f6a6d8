"""Ready questions: each finds the row it is about, and a healthy book leaves little to find."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from tests.support import cast
from tests.support.books import as_owner, healthy_book, spoil
from tests.support.cast import NOON
from tests.support.till import answer_to, issue_vouchers, order
from vouchers.models import Redemption, Resident
from vouchers.states import ResidentState

pytestmark = pytest.mark.django_db(databases=["default", "owner"])


def findings(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, list[dict[str, Any]]]:
    """What the command finds."""
    capsys.readouterr()
    call_command("audit_findings", "spring-2026", "--json", *options)
    found: dict[str, list[dict[str, Any]]] = json.loads(capsys.readouterr().out)
    return found


def test_a_healthy_book_has_only_left_overs(capsys: pytest.CaptureFixture[str]) -> None:
    healthy_book()
    found = findings(capsys)
    left = found.pop("left_overs")
    assert {row["account"] for row in left} >= {"free", "outstanding"}
    found.pop("unexpired")  # the tests' present is long past
    assert not any(found.values()), found


def test_who_has_died_redeemed_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    healthy_book()
    redemption = Redemption.objects.order_by("id")[0]
    Resident.objects.filter(pk=redemption.resident_id).update(state=ResidentState.DECEASED)
    numbers = [row["redemption"] for row in findings(capsys)["deceased"]]
    assert redemption.pk in numbers


def test_shops_are_closed_at_night(capsys: pytest.CaptureFixture[str]) -> None:
    campaign = cast.running_campaign()
    (voucher,) = issue_vouchers(campaign, [cast.alice()], at=NOON)
    night = NOON + timedelta(hours=11)
    assert answer_to(order(voucher, cast.nanjing_road(), cast.alice(), at=night))[0] == 201
    assert findings(capsys)["after_hours"][0]["local_time"] == "2026-04-01 23:00:00"
    assert findings(capsys, "--closes", "23:30")["after_hours"] == []


@pytest.mark.parametrize(
    ("corruption", "question"),
    [
        ("UPDATE vouchers_campaignstore SET valid_until_at = valid_from_at + '1 s'", "off_list"),
        (
            "UPDATE vouchers_campaign SET excluded_categories = '[\"department store\"]'",
            "excluded_category",
        ),
        ("UPDATE vouchers_redemption SET order_no = 'same', store_id = 1", "duplicates"),
        ("UPDATE vouchers_redemption SET payment_ref = 'same'", "duplicates"),
        (
            "UPDATE vouchers_redemption SET receipt_no = 'R-1', store_id = 1",
            "duplicates",
        ),
        (r"UPDATE vouchers_redemption SET payment_ref = 'a\b'", "duplicates"),
    ],
)
def test_what_no_rule_would_let_happen(
    corruption: str, question: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with as_owner(), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT huimin_open_month(%s)", [NOON.date()])
        healthy_book()
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        spoil(corruption)
        found = findings(capsys)
        transaction.set_rollback(True)
    assert found[question]


def test_people_read_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    healthy_book()
    call_command("audit_findings", "spring-2026")
    assert "left_overs" in capsys.readouterr().out


def test_a_sample_is_a_list_and_a_formula(capsys: pytest.CaptureFixture[str]) -> None:
    healthy_book()
    call_command("sample_redemptions", "spring-2026", "--seed", "7")
    said = capsys.readouterr()
    captured = Redemption.objects.filter(state=2).count()
    assert len(said.out.splitlines()) == 1 + captured
    assert "1.9600" in said.err
    call_command("sample_redemptions", "spring-2026", "--seed", "7", "--errors", "0")
    assert "0.00%" in capsys.readouterr().out
    with pytest.raises(CommandError, match="among"):
        call_command("sample_redemptions", "spring-2026", "--seed", "7", "--errors", "99")


def test_nothing_to_sample() -> None:
    cast.running_campaign()
    with pytest.raises(CommandError):
        call_command("sample_redemptions", "spring-2026", "--seed", "7")
