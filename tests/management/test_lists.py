"""Lists of people kept out and of the dead, from files."""

from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.support import cast
from tests.support.till import answer_to, issue_vouchers, order
from vouchers.models import Exclusion, Hold, Resident

pytestmark = pytest.mark.django_db


def written(path: Path, *lines: str) -> Path:
    file = path / "list.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def exclude(file: Path, *arguments: str) -> None:
    call_command("import_exclusions", str(file), "--by", cast.ren().username, *arguments)


def bury(file: Path) -> None:
    call_command("import_deaths", str(file), "--by", cast.ren().username)


def state(resident: Resident) -> str:
    return Resident.objects.get(pk=resident.pk).state


def test_residents_of_a_list_are_kept_out_once(tmp_path: Path) -> None:
    campaign = cast.spring_campaign()
    alice = cast.alice()
    file = written(tmp_path, "external_id,reason", f"{alice.external_id},staff")
    exclude(file, "--campaign", campaign.code)
    exclude(file, "--campaign", campaign.code)
    made = Exclusion.objects.get()
    assert (made.resident, made.campaign, made.reason) == (alice, campaign, "staff")


def test_rows_of_unknown_residents_are_listed_and_the_others_imported(tmp_path: Path) -> None:
    alice = cast.alice()
    file = written(
        tmp_path,
        "external_id,reason",
        "3.1E+17,staff",
        "stranger,staff",
        f"{alice.external_id},",
        f"{cast.bob().external_id},staff",
    )
    with pytest.raises(CommandError) as error:
        exclude(file)
    assert error.value.returncode == 1
    listed = file.with_name("list.csv.errors.csv").read_text(encoding="utf-8-sig")
    assert [line.split(",")[2] for line in listed.splitlines()[1:]] == [
        "id_scientific",
        "resident_unknown",
        "value_missing",
    ]
    assert Exclusion.objects.get().resident == cast.bob()


def test_who_may_not_exclude_imports_nothing(tmp_path: Path) -> None:
    file = written(tmp_path, "external_id,reason", f"{cast.alice().external_id},staff")
    with pytest.raises(CommandError):
        call_command("import_exclusions", str(file), "--by", cast.li().username)
    assert not Exclusion.objects.exists()


def test_a_death_holds_the_money_of_later_days_alone(tmp_path: Path) -> None:
    campaign = cast.running_campaign()
    alice = cast.alice()
    (voucher,) = issue_vouchers(campaign, [alice])
    status, body = answer_to(order(voucher, cast.nanjing_road(), alice, order_no="A-1"))
    assert status == 201, body
    header = "external_id,document_no,died_on"

    bury(written(tmp_path, header, f"{alice.external_id},D-1,2026-04-01"))
    assert state(alice) == "deceased"
    assert not Hold.objects.exists(), "redeemed on the day of the death"

    file = written(tmp_path, header, f"{alice.external_id},D-1,2026-03-31")
    bury(file)
    bury(file)
    held = Hold.objects.get()
    assert held.reason == "after death on 2026-03-31"
    assert held.redemption_id == body["id"]


@pytest.mark.parametrize("day", ["31.3.2026", "2026-13-01", "2999-01-01"])
def test_a_row_with_an_invalid_day_changes_nothing(tmp_path: Path, day: str) -> None:
    alice = cast.alice()
    file = written(tmp_path, "external_id,document_no,died_on", f"{alice.external_id},D-1,{day}")
    with pytest.raises(CommandError) as error:
        bury(file)
    assert error.value.returncode == 2
    assert state(alice) == "active"


def test_the_erased_are_not_buried(tmp_path: Path) -> None:
    alice = cast.alice()
    Resident.objects.filter(pk=alice.pk).update(state="erased")
    file = written(tmp_path, "external_id,document_no", f"{alice.external_id},D-1")
    with pytest.raises(CommandError):
        bury(file)
    assert state(alice) == "erased"
