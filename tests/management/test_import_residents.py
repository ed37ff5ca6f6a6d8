"""`import_residents`: good rows go in, bad ones are listed by line, nothing goes in twice."""

import csv
import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from merchants.models import District
from vouchers.models import Consent, Resident, ResidentPoint

pytestmark = pytest.mark.django_db

HEADER = (
    "external_id,birth_year,district,street,home_longitude,home_latitude,work_longitude,"
    "work_latitude,recent_longitude,recent_latitude,datum,consent_targeting,tags,is_registered,"
    "has_residence_permit,need_score,national_id,phone\n"
)
ALICE = (
    "alice,1949,黄浦区,外滩街道,121.48,31.23,121.5,31.2,,,BD-09,v1,5,1,0,9,"
    "11010519491231002X,138 0013 8000\n"
)
BOB = "bob,,310101,,121.49,31.24,,,121.5,31.25,,,,,是,,,\n"


def imported(path: Path, *options: str) -> tuple[str, int]:
    """What the command said, and its exit code."""
    out = io.StringIO()
    try:
        call_command("import_residents", str(path), *options, stdout=out, stderr=out)
    except CommandError as error:
        return out.getvalue() + str(error), error.returncode
    return out.getvalue(), 0


@pytest.fixture(autouse=True)
def huangpu() -> District:
    return District.objects.create(adcode=310101, name="黄浦区")


@pytest.fixture
def people(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    path.write_text(HEADER + ALICE + BOB, encoding="utf-8")
    return path


def test_every_column_reaches_its_field(people: Path) -> None:
    _, code = imported(people, "--datum", "GCJ-02")
    assert code == 0
    alice, bob = Resident.objects.order_by("external_id")
    assert (alice.birth_year, alice.district_id, alice.street) == (1949, 310101, "外滩街道")
    assert (alice.tags, alice.need_score, alice.is_registered) == (5, 9, True)
    assert (alice.has_residence_permit, bob.has_residence_permit) == (False, True)
    assert (bob.birth_year, bob.district_id, bob.is_registered) == (None, 310101, None)
    assert (alice.identity_hmac is None, alice.identity_cipher is None) == (False, True)
    points = ResidentPoint.objects.order_by("resident__external_id", "kind")
    assert list(points.values_list("resident__external_id", "kind", "datum")) == [
        ("alice", "home", "BD-09"),
        ("alice", "work", "BD-09"),
        ("bob", "home", "GCJ-02"),
        ("bob", "recent", "GCJ-02"),
    ]
    assert Consent.objects.get().resident == alice


def test_a_second_run_changes_nothing(people: Path) -> None:
    imported(people, "--datum", "GCJ-02", "--keep-originals")
    before = list(Resident.objects.order_by("pk").values_list())
    assert Resident.objects.filter(identity_cipher__isnull=False).count() == 1
    _, code = imported(people, "--datum", "GCJ-02", "--keep-originals")
    assert code == 0
    assert list(Resident.objects.order_by("pk").values_list()) == before
    assert ResidentPoint.objects.count() == 4


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (ALICE, "duplicate_row"),
        (ALICE.replace("alice", "carol"), "identity_taken"),
        ("carol,49,,,,,,,,,,,,,,,,\n", "number_out_of_range"),
        ("carol,old,,,,,,,,,,,,,,,,\n", "number_malformed"),
        ("carol,,,,,,,,,,,,,maybe,,,,\n", "boolean_malformed"),
        ("carol,,,,,,,,,,,,-1,,,,,\n", "number_out_of_range"),
        (f"carol,,,,,,,,,,,,{2**63},,,,,\n", "number_out_of_range"),
        ("carol,,,,121.5,,,,,,WGS-84,,,,,,,\n", "coordinates_incomplete"),
        ("carol,,,,121.5,31.2,,,,,Mars,,,,,,,\n", "datum_unknown"),
        ("carol,,,,31.2,121.5,,,,,WGS-84,,,,,,,\n", "coordinates_swapped"),
        ("carol,,,,,,200,31.2,,,WGS-84,,,,,,,\n", "coordinates_out_of_range"),
        ("carol,,,,,,,,,,,,,,,,110105194912310021,\n", "national_id_invalid"),
        ("carol,,,,,,,,,,,,,,,,,12\n", "phone_invalid"),
        (",1950,,,,,,,,,,,,,,,,\n", "value_missing"),
        ("carol,1950\n", "row_malformed"),
    ],
)
def test_a_bad_row_is_listed_with_its_line_and_nothing_else_of_it(
    people: Path, row: str, code: str
) -> None:
    people.write_text(HEADER + ALICE + BOB + row, encoding="utf-8")
    _, exit_code = imported(people, "--datum", "GCJ-02")
    text = people.with_name("people.csv.errors.csv").read_text("utf-8-sig")
    (fault,) = csv.DictReader(io.StringIO(text))
    assert (exit_code, fault["line"], fault["code"]) == (1, "4", code)
    assert fault["reason"]
    assert list(fault) == ["line", "number", "code", "reason"]
    assert Resident.objects.count() == 2


def test_only_the_number_is_required(tmp_path: Path) -> None:
    path = tmp_path / "ids.csv"
    path.write_text("External_ID\nalice\n", encoding="gb18030")
    assert imported(path)[1] == 0
    assert Resident.objects.get().external_id == "alice"


def test_a_district_that_is_not_on_file_is_a_warning(people: Path) -> None:
    people.write_text(HEADER + ALICE.replace("黄浦区", "无名区"), encoding="utf-8")
    said, code = imported(people, "--datum", "GCJ-02")
    assert code == 0
    assert "import_districts" in said
    assert Resident.objects.get().district is None


def test_a_file_of_bad_rows_alone_is_exit_code_2(people: Path) -> None:
    assert imported(people)[1] == 1
    people.write_text("external_id,name\n,x\n", encoding="utf-8")
    assert imported(people)[1] == 2
    people.write_text("name\nx\n", encoding="utf-8")
    assert imported(people)[1] == 2
