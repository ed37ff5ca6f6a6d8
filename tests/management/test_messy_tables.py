"""Tables as spreadsheets and people leave them: every row goes in, or is named by its line."""

import csv
from pathlib import Path

import pytest

from merchants.models import District, Store
from merchants.services.records import read_records
from tests.management.test_import_residents import imported as imported_residents
from tests.management.test_import_stores import imported
from vouchers.models import Resident

pytestmark = pytest.mark.django_db

HEADER = "store_id,brand,category,name,district,longitude,latitude,datum"


def good(number: int) -> str:
    """A row that goes in."""
    return f"S{number},罗森,retail,店,,121.48,31.23,WGS-84"


def table(path: Path, *rows: str, header: str = HEADER) -> Path:
    """A CSV of these rows."""
    path = path / "table.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def faults(path: Path) -> list[dict[str, str]]:
    """The rows of the error file."""
    with open(path.with_name(f"{path.name}.errors.csv"), encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


UNCLOSED = 'S3,b,c,"n,,121.48,31.23,WGS-84'


@pytest.mark.parametrize("swallowed", [0, 1000, 6000])
def test_a_quote_without_an_end_is_named_with_the_lines_it_swallows(
    tmp_path: Path, swallowed: int
) -> None:
    path = table(tmp_path, good(1), good(2), UNCLOSED, *map(good, range(4, 4 + swallowed)))
    said, code = imported(path)
    assert (code, Store.objects.count()) == (1, 2)
    (fault,) = faults(path)
    assert (fault["line"], fault["number"], fault["code"]) == ("4", "S3", "quote_unclosed")
    if swallowed:
        assert all(str(number) in fault["reason"] for number in (4, swallowed, 4 + swallowed))
        assert f"{swallowed:,}" in said


def test_a_quote_closed_by_a_later_one_swallows_no_further(tmp_path: Path) -> None:
    closing = 'S9,b,c,"n",,121.48,31.23,WGS-84'
    path = table(tmp_path, good(1), UNCLOSED, good(4), closing, good(10))
    said, code = imported(path)
    assert (code, set(Store.objects.values_list("external_id", flat=True))) == (1, {"S1", "S10"})
    (fault,) = faults(path)
    assert (fault["line"], fault["code"]) == ("3", "quote_unclosed")
    assert all(number in fault["reason"] for number in ("3", "2", "5"))
    assert ": 2" in said


def test_an_overlong_cell_ends_at_the_next_quote_and_reading_goes_on(tmp_path: Path) -> None:
    closing = 'S9,b,c,n",,121.48,31.23,WGS-84'
    path = table(tmp_path, UNCLOSED, *map(good, range(10, 6010)), closing, good(1))
    _, code = imported(path)
    assert (code, Store.objects.get().external_id) == (1, "S1")
    (fault,) = faults(path)
    assert (fault["line"], fault["number"]) == ("2", "S3")
    assert "6001" in fault["reason"]


def test_a_quote_in_a_known_column_closed_in_order_names_its_lines(tmp_path: Path) -> None:
    path = table(tmp_path, 'S3,b,c,"n', 'S4,b,c,n",,121.48,31.23,WGS-84')
    imported(path)
    (fault,) = faults(path)
    assert (fault["line"], fault["code"]) == ("2", "text_not_printable")
    assert "3" in fault["reason"]


def test_a_note_of_several_lines_goes_in_and_is_counted(tmp_path: Path) -> None:
    path = table(tmp_path, 'alice,"one', 'two"', "bob,", header="external_id,note")
    said, code = imported_residents(path)
    assert (code, Resident.objects.count()) == (0, 2)
    assert ": 1" in said


def test_an_unclosed_quote_in_the_header_is_refused(tmp_path: Path) -> None:
    path = table(tmp_path, good(1), header=f'"{HEADER}')
    assert imported(path)[1] == 2


def test_records_know_the_line_their_quote_opens_on() -> None:
    lines = ["a,b\n", '"x\n', 'y","z\n', '"\n', "\n", ",,\n", "e,f\n", 'g,"h\n']
    found = [(one.cells[0], *one[1:]) for one in read_records(lines)]
    assert found == [
        ("a", 1, 1, 1, False),
        ("x\ny", 2, 2, 4, False),
        ("e", 7, 7, 7, False),
        ("g", 8, 8, 8, True),
    ]


@pytest.mark.parametrize("leftover", [",,,,,,,", " , ,\t,,,,,", '""', ",,,,,,,,,,,"])
def test_empty_rows_are_passed_over(tmp_path: Path, leftover: str) -> None:
    path = table(tmp_path, leftover, good(1), *[leftover] * 1000)
    said, code = imported(path)
    assert (code, Store.objects.count()) == (0, 1)
    assert "1,00" not in said


def test_columns_without_name_and_content_are_dropped(tmp_path: Path) -> None:
    path = table(tmp_path, f"{good(1)},,", f"{good(2)}", f"{good(3)},,,", header=f"{HEADER},,")
    assert imported(path)[1] == 1
    assert [(fault["line"], fault["code"]) for fault in faults(path)] == [("3", "row_malformed")]
    assert Store.objects.count() == 2


def test_content_without_a_column_name_is_refused_by_position(tmp_path: Path) -> None:
    path = table(tmp_path, f"{good(1)},,", f"{good(2)},,lost", header=f"{HEADER},,")
    assert imported(path)[1] == 1
    (fault,) = faults(path)
    assert (fault["line"], fault["code"]) == ("3", "column_nameless")
    assert "10" in fault["reason"]
    assert Store.objects.get().external_id == "S1"


@pytest.mark.parametrize("delimiter", [";", "\t", "|", "，"])
def test_another_delimiter_is_named(tmp_path: Path, delimiter: str) -> None:
    path = table(tmp_path, good(1).replace(",", delimiter), header=HEADER.replace(",", delimiter))
    said, code = imported(path)
    assert code == 2
    assert (delimiter.strip() or "制表符") in said


def test_a_bad_byte_is_named_by_its_line(tmp_path: Path) -> None:
    path = table(tmp_path, *map(good, range(1, 4)))
    lines = path.read_bytes().split(b"\n")
    lines[2] = lines[2].replace("店".encode(), b"\xe5\xba")
    path.write_bytes(b"\n".join(lines))
    said, code = imported(path)
    assert (code, Store.objects.count()) == (2, 0)
    assert "3" in said


def test_what_is_neither_utf8_nor_gb18030_is_named_by_both_lines(tmp_path: Path) -> None:
    path = table(tmp_path, good(1), good(2))
    path.write_bytes(path.read_bytes().replace("店".encode(), "店".encode("gb18030")) + b"S3\xff,")
    said, code = imported(path)
    assert code == 2
    assert "GB18030" in said
    assert "4" in said


def test_big5_is_not_taken_for_gb18030(tmp_path: Path) -> None:
    path = table(tmp_path, "S1,羅森,retail,羅森便利商店,黃浦區,121.48,31.23,WGS-84")
    path.write_bytes(path.read_text("utf-8").encode("big5"))
    said, code = imported(path)
    assert (code, Store.objects.count()) == (2, 0)
    assert "Big5" in said


def test_a_guess_that_names_no_district_on_file_is_refused(tmp_path: Path) -> None:
    District.objects.create(adcode=310101, name="黄浦区")
    path = table(tmp_path, good(1).replace("店,", "店,上海"))
    path.write_bytes(path.read_text("utf-8").encode("euc-kr", errors="ignore"))
    assert imported(path)[1] == 2
    assert not Store.objects.exists()
    path = table(tmp_path, good(1).replace("店,", "店,黄浦区"))
    path.write_bytes(path.read_text("utf-8").encode("gb18030"))
    assert imported(path)[1] == 0


@pytest.mark.parametrize(
    "longitude", ["12_1.48", "1.2148E+02", "１２１.48", "0x79", "121,48", "nan", "121. 48"]
)
def test_only_plain_decimals_are_numbers(tmp_path: Path, longitude: str) -> None:
    path = table(tmp_path, good(1).replace("121.48", f'"{longitude}"'), good(2))
    assert imported(path)[1] == 1
    assert [(fault["line"], fault["code"]) for fault in faults(path)] == [("2", "number_malformed")]


@pytest.mark.parametrize("year", ["1_985", "1985.0", "1.985E+3", "１９８５"])
def test_only_plain_digits_are_a_year(tmp_path: Path, year: str) -> None:
    path = table(tmp_path, f"alice,{year}", "bob, 1985 ", header="external_id,birth_year")
    assert imported_residents(path)[1] == 1
    assert [fault["code"] for fault in faults(path)] == ["number_malformed"]
    assert Resident.objects.get().birth_year == 1985


def test_places_far_from_every_district_or_in_whole_degrees_are_counted(tmp_path: Path) -> None:
    rows = [
        good(1),
        good(2).replace("121.48", "-121.48"),
        good(3).replace("121.48,31.23", "121,31"),
        good(4).replace("121.48", "122.30"),
    ]
    path = table(tmp_path, *rows)
    assert "50" not in imported(path)[0]
    ring = [(121.4, 31.2), (121.6, 31.2), (121.6, 31.3), (121.4, 31.2)]
    boundary = {"type": "Polygon", "coordinates": [ring]}
    District.objects.create(adcode=310101, name="黄浦区", boundary=boundary)
    said, code = imported(path)
    assert code == 0
    assert "50 公里以上的地点: 2" in said
    assert "整度数的地点: 1" in said


def test_cgcs2000_is_read_as_wgs84_and_said(tmp_path: Path) -> None:
    path = table(tmp_path, good(1), good(2).replace("WGS-84", "CGCS2000"))
    said, code = imported(path)
    assert (code, Store.objects.count()) == (0, 2)
    assert "CGCS2000" in said
    said, _ = imported(table(tmp_path, good(1).replace("WGS-84", "")), "--datum", "cgcs2000")
    assert "CGCS2000" in said


@pytest.mark.parametrize("number", ["S1\u200b", "\ufeffS1", "Ｓ１", "S\xa01", "店1", "S\u202e1"])
def test_invisible_and_full_width_signs_make_no_second_number(tmp_path: Path, number: str) -> None:
    path = table(tmp_path, good(1), good(1).replace("S1", number))
    assert imported(path)[1] == 1
    assert [(fault["line"], fault["code"]) for fault in faults(path)] == [("3", "id_malformed")]
    path = table(tmp_path, "S1,1985", f"{number},1985", header="external_id,birth_year")
    assert imported_residents(path)[1] == 1
    assert (Store.objects.count(), Resident.objects.count()) == (1, 1)


def test_a_store_in_another_case_is_the_same_store(tmp_path: Path) -> None:
    path = table(tmp_path, good(1), good(1).lower())
    assert imported(path)[1] == 1
    assert [fault["code"] for fault in faults(path)] == ["duplicate_row"]


@pytest.mark.parametrize("number", ["6.9E+12", "3.10101E+17", "7e+12", "1E-05"])
def test_scientific_notation_is_refused_as_a_number(tmp_path: Path, number: str) -> None:
    path = table(tmp_path, good(1), good(2).replace("S2", number), good(3).replace("S3", "3E12"))
    assert imported(path)[1] == 1
    assert [(fault["number"], fault["code"]) for fault in faults(path)] == [
        (number, "id_scientific")
    ]
    path = table(tmp_path, "alice,", f"{number},", header="external_id,birth_year")
    assert imported_residents(path)[1] == 1
    assert Resident.objects.get().external_id == "alice"


def test_many_numbers_ending_in_000_are_worth_a_look(tmp_path: Path) -> None:
    rounded = [f"{310101199000000000 + number * 1000}," for number in range(5)]
    path = table(tmp_path, *rounded, header="external_id,birth_year")
    said, code = imported_residents(path)
    assert (code, "000" in said) == (0, True)
    exact = [f"{310101198000000001 + number}," for number in range(5)]
    assert "000" not in imported_residents(table(tmp_path, *exact, header="external_id,a"))[0]
