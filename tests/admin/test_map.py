"""The map of a campaign: what it draws, and polygons drawn on it or typed beside it."""

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from merchants.geo import Datum, distance_m
from merchants.models import District
from merchants.services.enrolment import move_store
from tests.admin.conftest import signed_in
from tests.support import cast
from vouchers.models import Campaign
from vouchers.services.audience import preview
from vouchers.services.audience.counting import Counting
from vouchers.services.campaigns.drafts import newest_edit

VENDOR = Path(__file__).parents[2] / "vouchers" / "static" / "vouchers" / "vendor"
OF_TESTS = Path(__file__).parents[1] / "browser" / "vendor"
SQUARE: dict[str, Any] = {
    "type": "Polygon",
    "coordinates": [
        [[121.4, 31.2], [121.5, 31.2], [121.5, 31.3], [121.4, 31.3], [121.4, 31.2]],
    ],
}


@pytest.fixture
def draft(db: None) -> Campaign:
    return cast.spring_campaign()


@pytest.fixture
def manager(db: None) -> Client:
    client = signed_in(cast.mei())
    client.cookies.load({"django_language": "en"})
    return client


def address(campaign: Campaign, page: str = "map") -> str:
    return reverse(f"admin:vouchers_campaign_{page}", args=[campaign.pk])


def saved(client: Client, draft: Campaign, *geometries: Any, text: str = "") -> Any:
    collection = {"type": "GeometryCollection", "geometries": list(geometries)}
    data = {"seen_edit": newest_edit(draft), "polygons": text or json.dumps(collection)}
    return client.post(address(draft), data)


def polygons(draft: Campaign) -> list[Any]:
    return list(draft.geofences.order_by("id").values_list("geometry", flat=True))


def test_it_draws_the_open_stores_with_their_circles(draft: Campaign, manager: Client) -> None:
    District.objects.filter(pk=310101).update(boundary=SQUARE)
    answer = manager.get(address(draft, "map_data"))
    assert answer["Content-Type"] == "application/json"
    drawn = answer.json()
    assert [store["name"] for store in drawn["stores"]] == ["nanjing_road", "xujiahui"]
    assert {store["radius_m"] for store in drawn["stores"]} == {5_000}
    assert drawn["rings_m"] == [3_000]
    assert [area["name"] for area in drawn["districts"]] == ["黄浦区"]
    assert drawn["polygons"] == []


def test_drawn_polygons_take_the_place_of_those_before(draft: Campaign, manager: Client) -> None:
    assert saved(manager, draft, SQUARE).status_code == 302
    assert polygons(draft) == [SQUARE]
    other = {**SQUARE, "coordinates": [[[121, 31], [122, 31], [122, 32], [121, 31]]]}
    saved(manager, draft, other)
    assert polygons(draft) == [other]
    saved(manager, draft)
    assert polygons(draft) == []


def test_a_draft_that_another_has_edited_keeps_theirs(draft: Campaign, manager: Client) -> None:
    seen = newest_edit(draft)
    saved(manager, draft, SQUARE)
    collection = {"type": "GeometryCollection", "geometries": []}
    old = {"seen_edit": seen, "polygons": json.dumps(collection)}
    assert manager.post(address(draft), old).status_code == 200
    assert polygons(draft) == [SQUARE]


@pytest.mark.parametrize(
    "text", ["drawn by hand", "[1]", '{"geometries": 7}', '{"geometries": [1]}']
)
def test_a_text_without_polygons_is_refused_in_words(
    draft: Campaign, manager: Client, text: str
) -> None:
    answer = saved(manager, draft, text=text)
    assert "nothing was saved" in answer.content.decode()
    assert polygons(draft) == []


def ring_of(corners: int, *, shift_deg: float = 0) -> dict[str, Any]:
    """A polygon of many corners."""
    ring = [[121 + shift_deg + n / 1e6, 31 + shift_deg] for n in range(corners)]
    return {"type": "Polygon", "coordinates": [ring]}


def test_a_polygon_of_a_hundred_thousand_corners_is_refused(
    draft: Campaign, manager: Client
) -> None:
    page = saved(manager, draft, ring_of(100_000)).content.decode()
    assert "100,000 corners; 2,000 are the most" in page
    assert polygons(draft) == []


def test_one_that_is_not_even_read_is_refused_in_words_too(
    draft: Campaign, manager: Client
) -> None:
    """With every decimal that a program writes it is larger than a form may be."""
    answer = saved(manager, draft, ring_of(100_000, shift_deg=1 / 3))
    assert answer.status_code == 413
    page = answer.content.decode()
    assert "A page may send 2.5\xa0MB at most." in page
    assert "Nothing was stored. Go back in your browser: what you typed is still there." in page
    assert polygons(draft) == []
    manager.cookies.load({"django_language": "zh-hans"})
    answer = manager.post(address(draft), {f"field-{number}": "" for number in range(1_001)})
    assert (answer.status_code, "未保存任何内容" in answer.content.decode()) == (413, True)


def test_after_the_draft_the_map_is_only_looked_at(draft: Campaign, manager: Client) -> None:
    cast.launched(draft)
    page = manager.get(address(draft)).content.decode()
    assert "leaflet-1.9.4" in page
    assert "geoman" not in page
    assert saved(manager, draft, SQUARE).status_code == 403
    assert polygons(draft) == []


def test_the_map_states_its_approval_number_or_that_it_has_none(
    draft: Campaign, manager: Client, settings: Any
) -> None:
    assert "Sketch for internal use" in manager.get(address(draft)).content.decode()
    settings.HUIMIN_MAP_APPROVAL_NO = "GS(2026)0101"
    page = manager.get(address(draft)).content.decode()
    assert "Map approval no. (审图号): GS(2026)0101" in page
    assert "Sketch for internal use" not in page


def test_a_store_outside_its_district_is_listed_until_it_is_moved(
    draft: Campaign, manager: Client
) -> None:
    District.objects.filter(pk=310101).update(boundary=SQUARE)
    mall = cast.nanjing_road()
    for longitude, is_listed in ((121.9, True), (121.45, False)):
        move_store(
            store=mall,
            longitude=longitude,
            latitude=31.25,
            datum=Datum("WGS-84"),
            at=timezone.now(),
        )
        page = manager.get(address(draft)).content.decode()
        assert ("Stores outside their stated district" in page) is is_listed


def test_the_map_is_closed_without_a_role(draft: Campaign) -> None:
    stranger = signed_in(User.objects.create_user("stranger", is_staff=True))
    for page in ("map", "map_data"):
        assert stranger.get(address(draft, page)).status_code == 403


@pytest.mark.parametrize("vendor", [VENDOR, OF_TESTS], ids=["pages", "tests"])
def test_the_code_of_others_is_what_it_was_when_it_was_looked_at(vendor: Path) -> None:
    packages = tomllib.loads((vendor / "vendor.toml").read_text("utf-8"))["package"]
    for package in packages:
        folder = vendor / package["folder"]
        files = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
        assert files == package["sha256"].keys()
        assert "LICENSE" in files
        for name, sha256 in package["sha256"].items():
            assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == sha256, name
    assert {p.name for p in vendor.iterdir()} == {
        "vendor.toml",
        *(package["folder"] for package in packages),
    }


class TestTiles:
    """Drawings are shifted onto tiles of another datum, and back again; the data is not."""

    @pytest.fixture(autouse=True)
    def tiles(self, settings: Any) -> None:
        settings.HUIMIN_TILE_URL = "https://tiles.example/{z}/{x}/{y}.png"
        settings.HUIMIN_TILE_DATUM = "GCJ-02"
        settings.HUIMIN_TILE_ATTRIBUTION = "审图号 <GS> 1"

    def test_everything_is_drawn_where_the_tiles_have_it(
        self, draft: Campaign, manager: Client
    ) -> None:
        District.objects.filter(pk=310101).update(boundary=SQUARE)
        saved(manager, draft, SQUARE)
        drawn = manager.get(address(draft, "map_data")).json()
        lon, lat = cast.PEOPLES_SQUARE
        store = drawn["stores"][0]
        assert 400 < distance_m(lon, lat, store["longitude_deg"], store["latitude_deg"]) < 600
        for shape in (drawn["districts"][0], drawn["polygons"][0]):
            corner, own = shape["geometry"]["coordinates"][0][0], SQUARE["coordinates"][0][0]
            assert 400 < distance_m(*own, *corner) < 600

    def test_what_is_drawn_there_is_saved_in_wgs84_to_a_tenth_of_a_millimetre(
        self, draft: Campaign, manager: Client
    ) -> None:
        saved(manager, draft, SQUARE)
        (shown,) = manager.get(address(draft, "map_data")).json()["polygons"]
        collection = {"type": "GeometryCollection", "geometries": [shown["geometry"]]}
        data = {
            "seen_edit": newest_edit(draft),
            "polygons": json.dumps(collection),
            "datum": "GCJ-02",
        }
        assert manager.post(address(draft), data).status_code == 302
        assert polygons(draft) == [SQUARE]

    @pytest.mark.parametrize("text", ['{"geometries": [{"type": "Polygon", "coordinates": [5]}]}'])
    def test_an_invalid_polygon_is_refused_on_the_map_page(
        self, draft: Campaign, manager: Client, text: str
    ) -> None:
        data = {"seen_edit": newest_edit(draft), "polygons": text, "datum": "GCJ-02"}
        assert "nothing was saved" in manager.post(address(draft), data).content.decode()

    def test_the_page_names_tiles_datum_and_whose_they_are(
        self, draft: Campaign, manager: Client
    ) -> None:
        page = manager.get(address(draft)).content.decode()
        assert 'data-tiles="https://tiles.example/{z}/{x}/{y}.png"' in page
        assert 'data-attribution="审图号 &lt;GS&gt; 1"' in page


class TestReach:
    def counted(self, client: Client, draft: Campaign) -> Any:
        return client.post(address(draft, "reach"))

    def test_a_count_says_how_many_and_draws_no_fewer_than_ten(
        self, draft: Campaign, manager: Client
    ) -> None:
        for number in range(12):
            cast.resident(f"near{number}")
        for number in range(9):
            cast.resident(f"next{number}", home=cast.north_of(cast.PEOPLES_SQUARE, km=30))
        assert (
            "The audience has not been counted yet" in manager.get(address(draft)).content.decode()
        )
        found = self.counted(manager, draft).json()
        assert "About 10 of 20 residents." in found["words"]
        ((west, south, size, people),) = found["density"]
        assert people == 10
        assert west <= cast.PEOPLES_SQUARE[0] < west + size
        assert south <= cast.PEOPLES_SQUARE[1] < south + size
        assert manager.get(address(draft, "reach")).json() == {"percent": None}
        Counting(campaign=draft, by=cast.mei(), total=200).add(86)
        assert manager.get(address(draft, "reach")).json() == {"percent": 43}
        page = manager.get(address(draft)).content.decode()
        assert "About 10 of 20 residents." in page
        assert "data-stale" not in page
        Campaign.objects.filter(pk=draft.pk).update(radius_m=4_000)
        assert "data-stale" in manager.get(address(draft)).content.decode()

    def test_the_sixty_first_count_of_an_hour_is_refused_in_words(
        self, draft: Campaign, manager: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(preview, "MOST_AN_HOUR", 1)
        assert self.counted(manager, draft).status_code == 200
        refused = self.counted(manager, draft)
        assert refused.status_code == 409
        assert refused.json()["refused"]

    def test_only_a_role_in_the_whole_city_counts(self, draft: Campaign) -> None:
        person = User.objects.create_user("nei", is_staff=True)
        client = signed_in(cast.grant(person, "manager", where=cast.district()))
        assert self.counted(client, draft).status_code == 403
        assert "data-reach-count" not in client.get(address(draft)).content.decode()
