"""The demo's made-up boundaries: what the import takes, and what targeting may rely on."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from merchants.geo import area_flaw, contains
from vouchers.demo.places import DISTRICTS
from vouchers.demo.shapes import write_districts


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Boundaries by code: six digits for a district, nine for a street."""
    path: Path = tmp_path_factory.mktemp("demo") / "districts.geojson"
    write_districts(path)
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    return {feature["properties"]["adcode"]: feature["geometry"] for feature in features}


def test_every_quarter_has_a_street_and_lies_in_it_and_in_its_district(
    shapes: dict[str, Any],
) -> None:
    streets = {code for code in shapes if len(code) == 9}
    for district in DISTRICTS:
        for number, quarter in enumerate(district.quarters, 1):
            code = f"{district.adcode}{number:03d}"
            streets.remove(code)
            assert area_flaw(shapes[code]) is None
            for holder in (code, str(district.adcode)):
                assert contains(shapes[holder], quarter.longitude_deg, quarter.latitude_deg)[0]
    assert streets == set()


def test_every_place_lies_in_one_district_and_in_one_of_its_streets(
    shapes: dict[str, Any],
) -> None:
    rng = np.random.default_rng(7)
    longitude, latitude = rng.uniform(121.1, 121.85, 2_000), rng.uniform(30.75, 31.45, 2_000)
    inside = {code: contains(shape, longitude, latitude) for code, shape in shapes.items()}
    districts = np.array([found for code, found in inside.items() if len(code) == 6])
    assert (districts.sum(axis=0) == 1).all()
    for code, found in inside.items():
        if len(code) == 9:
            assert not (found & ~inside[code[:6]]).any(), code
    streets = np.array([found for code, found in inside.items() if len(code) == 9])
    assert (streets.sum(axis=0) == 1).all()
