"""A store lies in the street of its stated district whose boundary holds its place, and in none
where there is no such street."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from merchants.geo import Datum
from merchants.models import District, Store, Street
from merchants.services import enrol_merchant, import_districts, import_stores, move_store
from merchants.services.edits import edit_store
from merchants.services.enrolment import open_store
from merchants.services.stores import MerchantName
from vouchers.models import SetupChange

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 4, 1, 4, 0, tzinfo=UTC)
WEST, EAST, NONE = (121.25, 31.5), (121.75, 31.5), (123.0, 31.5)


def box(west: float, east: float) -> dict[str, Any]:
    """Between two meridians and from 31° to 32° north."""
    ring = [[west, 31.0], [east, 31.0], [east, 32.0], [west, 32.0], [west, 31.0]]
    return {"type": "Polygon", "coordinates": [ring]}


def load(path: Path, **boundaries: dict[str, Any]) -> None:
    """Import streets of district 310101: west is 310101001, east 310101002."""
    codes = {"west": "310101001", "east": "310101002"}
    features = [
        {
            "type": "Feature",
            "properties": {"adcode": codes[name], "name": name},
            "geometry": boundary,
        }
        for name, boundary in boundaries.items()
    ]
    file = path / "streets.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    faults: list[Any] = []
    import_districts(path=file, datum=Datum.WGS_84, on_fault=faults.append)
    assert faults == []


@pytest.fixture
def district() -> District:
    return District.objects.create(adcode=310101, name="黄浦区")


@pytest.fixture
def streets(district: District, tmp_path: Path) -> None:
    load(tmp_path, west=box(121.0, 121.5), east=box(121.5, 122.0))


def opened(district: District | None, place: tuple[float, float], number: str = "S1") -> Store:
    merchant = enrol_merchant(code=f"M-{number}", name="茶馆", at=NOON)
    lon, lat = place
    return open_store(
        merchant=merchant,
        external_id=number,
        name="茶馆",
        category="dining",
        longitude=lon,
        latitude=lat,
        datum=Datum.WGS_84,
        district=district,
        at=NOON,
    )


def moved(store: Store, place: tuple[float, float]) -> None:
    lon, lat = place
    move_store(store=store, longitude=lon, latitude=lat, datum=Datum.WGS_84, at=NOON)


def edited(store: Store, district: District | None) -> None:
    edit_store(
        store=store, name="茶馆", brand="", category="dining", district=district, state="active"
    )


def street_of(store: Store) -> str | None:
    found = Store.objects.select_related("street").get(pk=store.pk).street
    return None if found is None else found.name


@pytest.mark.parametrize(("place", "name"), [(WEST, "west"), (EAST, "east"), (NONE, None)])
def test_an_opened_store_lies_in_the_street_around_it(
    streets: None, district: District, place: tuple[float, float], name: str | None
) -> None:
    assert street_of(opened(district, place)) == name


def test_a_store_that_states_no_district_lies_in_no_street(streets: None) -> None:
    assert street_of(opened(None, WEST)) is None


def test_a_moved_store_lies_where_it_is_now_and_the_history_says_since_when(
    streets: None, district: District
) -> None:
    store = opened(district, WEST)
    moved(store, EAST)
    assert street_of(store) == "east"
    change = SetupChange.objects.filter(table_name="merchants_store", row_id=store.pk).latest("id")
    assert (change.before, change.after) == ({"street_id": 310101001}, {"street_id": 310101002})
    moved(store, NONE)
    assert street_of(store) is None


def test_the_street_is_one_of_the_district_that_the_store_states(
    streets: None, district: District
) -> None:
    store = opened(district, WEST)
    edited(store, District.objects.create(adcode=310104, name="徐汇区"))
    assert street_of(store) is None
    edited(store, district)
    assert street_of(store) == "west"


def test_streets_that_come_or_change_later_take_the_stores_that_are_there(
    district: District, tmp_path: Path
) -> None:
    west, east = opened(district, WEST), opened(district, EAST, "S2")
    elsewhere = opened(None, WEST, "S3")
    load(tmp_path, west=box(121.0, 121.5))
    assert [street_of(one) for one in (west, east, elsewhere)] == ["west", None, None]
    load(tmp_path, west=box(121.0, 122.0))
    assert street_of(east) == "west"
    load(tmp_path, west=box(121.0, 121.5), east=box(121.5, 122.0))
    assert [street_of(one) for one in (west, east)] == ["west", "east"]


def test_of_streets_that_overlap_the_first_by_code_has_the_store(
    district: District, tmp_path: Path
) -> None:
    load(tmp_path, east=box(121.0, 122.0), west=box(121.0, 122.0))
    assert street_of(opened(district, EAST)) == "west"


def test_imported_stores_lie_in_streets_and_follow_their_new_district(
    streets: None, tmp_path: Path
) -> None:
    District.objects.create(adcode=310104, name="徐汇区")
    file = tmp_path / "stores.csv"
    header = "store_id,name,category,longitude,latitude,datum,district\n"
    rows = ("S1,茶馆,dining,121.25,31.5,WGS-84,{}\n", "S2,面馆,dining,121.75,31.5,WGS-84,黄浦区\n")

    def names(stated: str) -> list[str | None]:
        file.write_text(header + "".join(rows).format(stated), encoding="utf-8")
        merchant = MerchantName("M", "M")
        faults: list[Any] = []
        import_stores(path=file, datum=None, at=NOON, on_fault=faults.append, merchant=merchant)
        assert faults == []
        found = Store.objects.order_by("external_id").values_list("street__name", flat=True)
        return list(found)

    assert names("黄浦区") == ["west", "east"]
    assert names("") == ["west", "east"], "an unknown district leaves what is known"
    assert names("徐汇区") == [None, "east"]
    assert Street.objects.count() == 2
