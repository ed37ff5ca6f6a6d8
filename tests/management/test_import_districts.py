"""`import_districts`: boundaries arrive in any datum and stay in WGS-84."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from merchants.geo import Datum, to_wgs84
from merchants.models import District
from tests.management.test_import_stores import shared

pytestmark = pytest.mark.django_db

RING = [[121.4, 31.2], [121.5, 31.2], [121.5, 31.3], [121.4, 31.2]]


def feature(geometry: Any = None, **properties: Any) -> dict[str, Any]:
    """A district, good unless an argument says otherwise."""
    return {
        "type": "Feature",
        "properties": {"adcode": "310101", "name": "黄浦区", "population_2020": 5} | properties,
        "geometry": geometry or {"type": "Polygon", "coordinates": [RING]},
    }


def imported(path: Path, *features: Any, options: tuple[str, ...] = ("--datum", "GCJ-02")) -> int:
    """The command's exit code for a file of these features."""
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    try:
        call_command("import_districts", str(path), *options, stdout=io.StringIO())
    except CommandError as error:
        return error.returncode
    return 0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "districts.geojson"


def test_the_real_districts_import_as_they_are() -> None:
    call_command(
        "import_districts", str(shared("shanghai-districts.geojson")), stdout=io.StringIO()
    )
    assert District.objects.count() == 16
    assert sum(one.population or 0 for one in District.objects.all()) == 24_870_895


def test_a_boundary_is_kept_in_wgs84(path: Path) -> None:
    assert imported(path, feature()) == 0
    district = District.objects.get()
    longitude, latitude = to_wgs84(121.4, 31.2, Datum.GCJ_02)
    assert (district.adcode, district.population) == (310101, 5)
    assert district.boundary is not None
    assert district.boundary["coordinates"][0][0] == [float(longitude), float(latitude)]
    assert district.boundary["coordinates"][0][0] == district.boundary["coordinates"][0][-1]


def test_a_second_run_writes_nothing_and_a_change_does(path: Path) -> None:
    imported(path, feature())
    imported(path, feature(population_2020=6, datum="WGS-84"))
    district = District.objects.get()
    assert district.population == 6
    assert district.boundary == {"type": "Polygon", "coordinates": [RING]}
    assert imported(path, feature(population_2020=6, datum="WGS-84")) == 0


@pytest.mark.parametrize(
    "bad",
    [
        feature(adcode="31"),
        feature(name=""),
        feature(name="徐汇区", adcode="310999"),
        feature(population_2020="many"),
        feature(datum="Mars"),
        feature({"type": "Point", "coordinates": [121.4, 31.2]}),
        feature({"type": "Polygon", "coordinates": [RING[:3]]}),
        feature({"type": "Polygon", "coordinates": [[[y, x] for x, y in RING]]}),
        "no feature",
    ],
)
def test_a_bad_feature_is_refused_and_the_good_one_goes_in(path: Path, bad: Any) -> None:
    good = feature(adcode="310104", name="徐汇区")
    assert imported(path, good, bad) == 1
    assert District.objects.get().name == "徐汇区"
    assert "310104" not in path.with_name("districts.geojson.errors.csv").read_text("utf-8-sig")


def test_without_a_datum_nothing_is_usable(path: Path) -> None:
    assert imported(path, feature(), options=()) == 2
    assert not District.objects.exists()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"features": []}', '{"features": 1}'])
def test_an_invalid_feature_collection_is_exit_code_2(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(CommandError) as error:
        call_command("import_districts", str(path))
    assert error.value.returncode == 2
