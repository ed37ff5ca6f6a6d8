"""`import_districts` takes streets too: areas with a district, fit to bound a campaign by."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.utils.translation import gettext

from merchants.geo import Datum
from merchants.models import Street
from merchants.services import LoadSummary, RowFault, import_districts
from merchants.services.districts import DISTRICT_REASONS

pytestmark = pytest.mark.django_db

DISTRICT = [[121.4, 31.2], [121.5, 31.2], [121.5, 31.3], [121.4, 31.3], [121.4, 31.2]]
BUND = [[121.48, 31.23], [121.49, 31.23], [121.49, 31.24], [121.48, 31.23]]
TIE = [[121.48, 31.23], [121.49, 31.24], [121.49, 31.23], [121.48, 31.24], [121.48, 31.23]]
LINE = [[121.48, 31.23], [121.49, 31.24], [121.485, 31.235], [121.48, 31.23]]
FAR = [[120.4, 31.2], [120.5, 31.2], [120.5, 31.3], [120.4, 31.2]]
FINE = [[121.48 + i / 1e6, 31.23 + i**2 / 1e10] for i in range(2_001)]


def feature(ring: Any = BUND, **properties: Any) -> dict[str, Any]:
    """The Bund, unless an argument says otherwise."""
    return {
        "type": "Feature",
        "properties": {"adcode": "310101002", "name": "外滩街道"} | properties,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


HUANGPU = feature(DISTRICT, adcode=310101, name="黄浦区", population_2020=5)


def load(tmp_path: Path, *features: Any) -> tuple[LoadSummary, list[RowFault]]:
    path, faults = tmp_path / "areas.geojson", list[RowFault]()
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return import_districts(path=path, datum=Datum.WGS_84, on_fault=faults.append), faults


def test_streets_stand_in_their_district_wherever_it_stands_in_the_file(tmp_path: Path) -> None:
    summary, faults = load(tmp_path, feature(), HUANGPU)
    assert (summary.read, summary.new, faults) == (2, 2, [])
    street = Street.objects.get()
    assert (street.code, street.district_id) == (310101002, 310101)
    assert str(street) == "黄浦区 外滩街道"
    assert street.boundary == {"type": "Polygon", "coordinates": [BUND]}


def test_a_second_run_writes_nothing_and_a_change_does(tmp_path: Path) -> None:
    load(tmp_path, HUANGPU, feature())
    assert load(tmp_path, feature())[0].unchanged == 1
    assert load(tmp_path, feature(name="外滩"))[0].changed == 1
    assert Street.objects.get().name == "外滩"


def test_twelve_digits_and_a_stated_parent_are_read(tmp_path: Path) -> None:
    zone = feature(adcode="310199002000", parent={"adcode": 310101})
    assert load(tmp_path, HUANGPU, zone)[1] == []
    assert (Street.objects.get().code, Street.objects.get().district_id) == (310199002, 310101)


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (feature(adcode="3101010029"), "street_code_malformed"),
        (feature(adcode="31010100x"), "street_code_malformed"),
        (feature(adcode="310101002001"), "street_code_malformed"),
        (feature(name=""), "name_missing"),
        (feature(adcode="310199002"), "parent_unknown"),
        (feature(parent={"adcode": "Huangpu"}), "parent_unknown"),
        (feature(name="人民广场"), "street_name_taken"),
        (feature(FAR), "outside_parent"),
        (feature(TIE), "area_crosses_itself"),
        (feature(LINE), "area_empty"),
        (feature([*FINE, FINE[0]]), "area_too_detailed"),
        (feature(BUND[:3]), "boundary_malformed"),
        (feature([[y, x] for x, y in BUND]), "coordinates_swapped"),
        (feature(datum="Mars"), "datum_unknown"),
    ],
)
def test_a_bad_street_is_refused_with_its_reason_and_the_good_one_goes_in(
    tmp_path: Path, bad: Any, code: str
) -> None:
    good = feature(adcode="310101001", name="人民广场")
    summary, faults = load(tmp_path, HUANGPU, good, bad)
    assert (summary.new, summary.refused) == (2, 1)
    assert [(fault.line, fault.code) for fault in faults] == [(3, code)]
    assert faults[0].reason == gettext(DISTRICT_REASONS[code])
    assert Street.objects.get().name == "人民广场"


def test_a_street_stays_in_its_district(tmp_path: Path) -> None:
    """A role that was given for it was given for a part of that district."""
    xuhui = feature(DISTRICT, adcode=310104, name="徐汇区")
    summary, faults = load(tmp_path, HUANGPU, xuhui, feature(), feature(parent=310104))
    assert (summary.new, summary.refused) == (3, 1)
    assert [(fault.line, fault.code) for fault in faults] == [(4, "street_elsewhere")]
    assert Street.objects.get().district_id == 310101
