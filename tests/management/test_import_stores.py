"""`import_stores`: a real list as it is, bad rows by line and reason, nothing twice."""

import csv
import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from merchants.models import District, Merchant, Store, StoreLocation

pytestmark = pytest.mark.django_db

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
HEADER = "store_id,brand,category,name,district,longitude,latitude,datum\n"
RING = [(121, 31), (122, 31), (122, 32), (121, 32), (121, 31)]
SQUARE = {"type": "Polygon", "coordinates": [RING]}
FAR = {"type": "Polygon", "coordinates": [[(x - 5, y) for x, y in RING]]}


def shared(name: str) -> Path:
    """A file of the shared real data, or a skip that says where it was looked for."""
    if not (SHARED / name).exists():
        pytest.skip(f"real data is absent: {SHARED / name}")
    return SHARED / name


def imported(path: Path, *options: str) -> tuple[str, int]:
    """What the command said, and its exit code."""
    out = io.StringIO()
    try:
        call_command("import_stores", str(path), *options, stdout=out, stderr=out)
    except CommandError as error:
        return out.getvalue() + str(error), error.returncode
    return out.getvalue(), 0


def errors_of(path: Path) -> list[tuple[str, str, str]]:
    """Line, number and code of every refused row."""
    with open(path.with_name(f"{path.name}.errors.csv"), encoding="utf-8-sig") as file:
        return [(row["line"], row["number"], row["code"]) for row in csv.DictReader(file)]


@pytest.fixture
def stores(tmp_path: Path) -> Path:
    path = tmp_path / "stores.csv"
    path.write_text(
        f"{HEADER}"
        "S1,罗森,retail,罗森一店,黄浦区,121.48,31.23,BD-09\n"
        "S2,罗森,retail,罗森二店,,121.49,31.24,\n"
        "S3,全家,retail,全家,不存在区,121.50,31.25,WGS-84\n",
        encoding="utf-8",
    )
    return path


def test_the_real_list_imports_as_it_is(tmp_path: Path) -> None:
    call_command("import_districts", str(shared("shanghai-districts.geojson")), "--datum", "GCJ-02")
    path = shared("shanghai-stores.csv")
    errors = str(tmp_path / "errors.csv")
    said, code = imported(path, "--errors", errors)
    assert (code, Store.objects.count(), Merchant.objects.count()) == (0, 427, 31)
    assert "427" in said
    assert not Store.objects.filter(district__isnull=True).exists()
    assert not StoreLocation.objects.exclude(outside_district=False).exists()
    before = list(StoreLocation.objects.order_by("pk").values_list())
    assert imported(path, "--errors", errors)[1] == 0
    assert list(StoreLocation.objects.order_by("pk").values_list()) == before


def test_each_brand_is_a_merchant_unless_one_is_named(stores: Path) -> None:
    imported(stores, "--datum", "GCJ-02")
    assert sorted(Merchant.objects.values_list("name", flat=True)) == ["全家", "罗森"]
    assert all(
        code.startswith("brand-") for code in Merchant.objects.values_list("code", flat=True)
    )


def test_all_stores_go_under_one_merchant(stores: Path) -> None:
    imported(stores, "--datum", "GCJ-02", "--merchant", "bailian=百联集团")
    assert set(Store.objects.values_list("merchant__code", "merchant__name")) == {
        ("bailian", "百联集团")
    }


def test_a_rows_datum_overrides_and_an_unknown_district_is_left_open(stores: Path) -> None:
    District.objects.create(adcode=310101, name="黄浦区", boundary=SQUARE)
    said, code = imported(stores, "--datum", "GCJ-02")
    assert code == 0
    places = StoreLocation.objects.order_by("store__external_id")
    assert [place.datum for place in places] == ["BD-09", "GCJ-02", "WGS-84"]
    assert [place.outside_district for place in places] == [False, None, None]
    assert Store.objects.filter(district_id=310101).count() == 1
    assert "import_districts" in said


def test_a_second_run_changes_nothing_and_says_so(stores: Path) -> None:
    imported(stores, "--datum", "GCJ-02")
    before = list(Store.objects.order_by("pk").values_list())
    said, code = imported(stores, "--datum", "GCJ-02")
    assert code == 0
    assert len(said.splitlines()) >= 2
    assert list(Store.objects.order_by("pk").values_list()) == before
    assert StoreLocation.objects.count() == 3


def test_a_moved_store_gets_a_version_and_a_renamed_one_only_a_name(stores: Path) -> None:
    imported(stores, "--datum", "GCJ-02")
    text = stores.read_text(encoding="utf-8")
    stores.write_text(
        text.replace("121.49", "121.51").replace("罗森一店", "罗森旗舰店"), encoding="utf-8"
    )
    imported(stores, "--datum", "GCJ-02")
    versions = StoreLocation.objects.order_by("store__external_id", "version")
    assert list(versions.values_list("store__external_id", "version")) == [
        ("S1", 1),
        ("S2", 1),
        ("S2", 2),
        ("S3", 1),
    ]
    assert Store.objects.get(external_id="S1").name == "罗森旗舰店"


def test_a_boundary_that_came_later_is_a_new_version_with_the_flag(stores: Path) -> None:
    District.objects.create(adcode=310101, name="黄浦区")
    imported(stores, "--datum", "GCJ-02")
    District.objects.update(boundary=FAR)
    said, _ = imported(stores, "--datum", "GCJ-02")
    flags = StoreLocation.objects.filter(store__external_id="S1").order_by("version")
    assert [place.outside_district for place in flags] == [None, True]
    assert ": 1" in said


def test_bad_rows_are_listed_and_good_ones_go_in(tmp_path: Path) -> None:
    path = tmp_path / "mixed.csv"
    path.write_text(
        f"{HEADER}"
        "S1,罗森,retail,one,,121.48,31.23,BD-09\n"
        "S1,罗森,retail,again,,121.48,31.23,BD-09\n"
        "S3,罗森,retail,swapped,,31.23,121.48,BD-09\n"
        "S4,罗森,retail,nan,,nan,31.23,BD-09\n"
        "S5,罗森,retail,words,,east,31.23,BD-09\n"
        "S6,罗森,retail,metres,,121.48,31.23,BD09MC\n"
        "S7,,retail,no brand,,121.48,31.23,BD-09\n"
        "S8,罗森,retail,,,121.48,31.23,BD-09\n"
        "S9,罗森,retail\n"
        "\n"
        'S11,罗森,retail,"two\nlines",,121.48,31.23,BD-09\n'
        "S12,罗森,retail,far north,,121.48,75,WGS-84\n"
        "S13,罗森,retail,nowhere,,0,0,WGS-84\n"
        "S14,罗森,retail,empty,,,,WGS-84\n"
        "S15,罗森,retail,far east,,179.98,31.2,WGS-84\n",
        encoding="utf-8",
    )
    said, code = imported(path)
    assert (code, Store.objects.get().name) == (1, "one")
    assert "mixed.csv.errors.csv" in said
    assert errors_of(path) == [
        ("3", "S1", "duplicate_row"),
        ("4", "S3", "coordinates_swapped"),
        ("5", "S4", "number_malformed"),
        ("6", "S5", "number_malformed"),
        ("7", "S6", "datum_unknown"),
        ("8", "S7", "merchant_unknown"),
        ("9", "S8", "value_missing"),
        ("10", "S9", "row_malformed"),
        ("12", "S11", "text_not_printable"),
        ("14", "S12", "coordinates_polar"),
        ("15", "S13", "coordinates_zero"),
        ("16", "S14", "coordinates_not_finite"),
        ("17", "S15", "coordinates_antimeridian"),
    ]


def test_who_is_paid_is_never_changed_by_a_file(stores: Path) -> None:
    """A number under another merchant is another store."""
    imported(stores, "--datum", "GCJ-02")
    before = list(Store.objects.order_by("pk").values_list())
    _, code = imported(stores, "--datum", "GCJ-02", "--merchant", "mallory=Mallory")
    assert code == 0
    others = Store.objects.exclude(merchant__code="mallory")
    assert list(others.order_by("pk").values_list()) == before
    assert Store.objects.filter(merchant__code="mallory").count() == len(before)


def test_two_chains_number_their_stores_alike(tmp_path: Path) -> None:
    path = tmp_path / "chains.csv"
    rows = [
        "A001,罗森,retail,罗森一店,,121.48,31.23,BD-09",
        "A001,全家,retail,全家一店,,121.49,31.24,BD-09",
        "a001,罗森,retail,again,,121.50,31.25,BD-09",
    ]
    path.write_text(HEADER + "\n".join(rows), encoding="utf-8")
    assert imported(path)[1] == 1
    assert errors_of(path) == [("4", "a001", "duplicate_row")]
    named = Store.objects.values_list("merchant__name", "external_id", "name")
    both = {("罗森", "A001", "罗森一店"), ("全家", "A001", "全家一店")}
    assert set(named) == both
    assert set(StoreLocation.objects.values_list("store__name", "raw_longitude")) == {
        ("罗森一店", 121.48),
        ("全家一店", 121.49),
    }


def test_a_number_in_another_case_is_the_merchants_same_store(stores: Path) -> None:
    imported(stores, "--datum", "GCJ-02")
    text = stores.read_text(encoding="utf-8")
    stores.write_text(text.replace("S1,", "s1,").replace("一店", "新一店"), encoding="utf-8")
    imported(stores, "--datum", "GCJ-02")
    assert set(Store.objects.values_list("external_id", "name")) == {
        ("S1", "罗森新一店"),
        ("S2", "罗森二店"),
        ("S3", "全家"),
    }
    assert StoreLocation.objects.count() == 3


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_other_encodings_are_read_and_a_guess_is_reported(stores: Path, encoding: str) -> None:
    stores.write_text(stores.read_text(encoding="utf-8"), encoding=encoding)
    said, code = imported(stores, "--datum", "GCJ-02")
    assert (code, Store.objects.get(external_id="S1").name) == (0, "罗森一店")
    assert ("GB18030" in said) == (encoding == "gb18030")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        HEADER.encode(),
        b"store_id,name\nS1,one\n",
        HEADER.encode("utf-16"),
        b"\x80\xff\x00",
        (HEADER.replace("brand", "name")).encode(),
        HEADER.encode() + b"S1,b,c,n,,east,north,BD-09\n",
    ],
)
def test_a_file_without_a_usable_row_is_exit_code_2(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    said, code = imported(path)
    assert code == 2
    assert said
    assert not Store.objects.exists()


def test_a_missing_file_is_exit_code_2(tmp_path: Path) -> None:
    assert imported(tmp_path / "absent.csv")[1] == 2


def test_a_stale_error_file_does_not_outlive_a_clean_run(stores: Path) -> None:
    stale = stores.with_name("stores.csv.errors.csv")
    stale.write_text("old")
    imported(stores, "--datum", "GCJ-02")
    assert not stale.exists()
